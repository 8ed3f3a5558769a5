"""How the Bluesky adapter signs in, stays signed in, and judges odd answers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from bot.content.model import Account
from bot.errors import (
    PlatformError,
    RejectedError,
    SettingsError,
    UnauthorizedError,
    UnavailableError,
    UnconfirmedError,
)
from bot.platforms.base import Connection
from bot.platforms.bluesky import connect
from bot.platforms.bluesky.adapter import BlueskyPlatform
from bot.platforms.bluesky.api import SignedIn
from bot.platforms.bluesky.record import at_uri, tid
from bot.platforms.status import Draft, Facet, FacetKind, Metrics, Picture, PostRef, ReplyTo, Status
from tests.contract.contract import CountingMeter
from tests.fakes.errors import everything_said
from tests.fakes.loopback import Told
from tests.fakes.quirky_pds import DID, QuirkyPds, token
from tests.waiting import CONNECT, READ

PASSWORD = "canary-abcd-efgh-ijkl"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class VoiceServer(QuirkyPds):
    """The server of one account, with the adapter that speaks for it."""

    def __init__(self) -> None:
        super().__init__()
        made = connect(connection(self.origin))
        assert isinstance(made, BlueskyPlatform)
        self.platform = made

    def draft(
        self,
        status: str | Status = "words",
        *,
        at: datetime = NOON,
        reply_to: ReplyTo | None = None,
    ) -> Draft:
        made = Status(status) if isinstance(status, str) else status
        return self.platform.prepare(
            made, key="k", at=at, reply_to=reply_to, pictures=lambda _picture: b"x"
        )

    def close(self) -> None:
        self.platform.close()
        super().close()


@pytest.fixture
def server() -> Iterator[VoiceServer]:
    with VoiceServer() as server:
        yield server


def connection(origin: str, *, handle: str = "voice.example") -> Connection:
    account = Account("voice", "bluesky", server=origin, handle=handle)
    return Connection(account, {"APP_PASSWORD": PASSWORD}, CountingMeter(), CONNECT, READ)


# -- signing in


def test_nobody_is_asked_before_there_is_something_to_do(server: VoiceServer) -> None:
    assert server.platform.limits() == server.platform.spec.limits

    assert server.asked == []


def test_a_session_is_made_once_and_proved_before_each_use(server: VoiceServer) -> None:
    server.platform.publish(server.draft())

    assert server.methods == ["createSession", "getSession", "putRecord"]
    assert server.asked[0].json == {"identifier": "voice.example", "password": PASSWORD}


@pytest.mark.parametrize(
    ("answers", "used_then"),
    [({}, "getSession"), ({"refreshSession": Told(400, {"error": "Expired"})}, "createSession")],
    ids=["renewed", "made anew with the password"],
)
def test_a_session_near_its_end_is_replaced_before_the_post(
    server: VoiceServer, answers: dict[str, Told], used_then: str
) -> None:
    server.quirks.lives = 60
    made = server.draft()
    server.quirks.lives = 7200
    server.quirks.answers |= answers

    server.platform.publish(made)

    assert server.methods == ["createSession", "refreshSession", used_then, "putRecord"]


def test_what_is_not_found_while_signing_in_is_no_absent_status(server: VoiceServer) -> None:
    made = server.draft()
    told = Told(400, {"error": "RecordNotFound", "message": "Could not locate record"})
    ended = Told(401, {"error": "ExpiredToken"})
    server.quirks.answers |= {"getSession": ended, "createSession": told}

    with pytest.raises(UnauthorizedError):
        server.platform.find(made)


@pytest.mark.parametrize("status", [400, 401])
def test_a_session_that_was_ended_is_made_anew(server: VoiceServer, status: int) -> None:
    made = server.draft()
    server.quirks.answers["getSession"] = Told(status, {"error": "ExpiredToken"})

    server.platform.publish(made)

    assert server.methods == ["createSession", "getSession", "createSession", "putRecord"]


def test_tokens_that_nobody_can_read_do_not_lock_us_out(server: VoiceServer) -> None:
    broken = {"did": DID, "handle": "h", "accessJwt": "x", "refreshJwt": "y"}
    server.quirks.answers["createSession"] = Told(body=broken)
    with pytest.raises(PlatformError):
        server.platform.publish(server.draft())
    del server.quirks.answers["createSession"]

    assert server.platform.publish(server.draft()).cid


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_wrong_password_needs_a_person(server: VoiceServer, status: int) -> None:
    told = Told(status, {"error": "AuthenticationRequired", "message": "Invalid password"})
    server.quirks.answers["createSession"] = told

    with pytest.raises(UnauthorizedError, match="Invalid password"):
        server.draft()


@pytest.mark.parametrize(
    ("quirk", "value", "told"),
    [("active", False, "suspended"), ("did", "did:plc:somebody", "another")],
    ids=["suspended", "the handle means another account"],
)
def test_an_account_that_is_not_ours_any_more_needs_a_person(
    server: VoiceServer, quirk: str, value: object, told: str
) -> None:
    made = server.draft()
    setattr(server.quirks, quirk, value)

    with pytest.raises(UnauthorizedError, match=told):
        server.platform.publish(made)

    assert "putRecord" not in server.methods


def test_an_identifier_that_is_none_is_refused(server: VoiceServer) -> None:
    server.quirks.did = "voice"

    with pytest.raises(UnavailableError):
        server.draft()


def test_too_many_sign_ins_say_when_to_come_again(server: VoiceServer) -> None:
    told = Told(429, {"error": "RateLimitExceeded"}, {"Retry-After": "290"})
    server.quirks.answers["createSession"] = told

    with pytest.raises(UnavailableError) as caught:
        server.draft()

    assert caught.value.retry_after == timedelta(seconds=290)


def test_a_didoc_does_not_lead_away_from_loopback(server: VoiceServer) -> None:
    with QuirkyPds() as elsewhere:
        kind = "AtprotoPersonalDataServer"
        pds = {"id": "#atproto_pds", "type": kind, "serviceEndpoint": elsewhere.origin}
        server.quirks.did_doc = {
            "id": DID, "alsoKnownAs": [], "verificationMethod": [], "service": [pds],
        }  # fmt: skip

        server.platform.publish(server.draft())

        assert elsewhere.asked == []


@pytest.mark.parametrize(
    ("told", "used"),
    [
        ("https://morel.us-east.host.bsky.network", "https://morel.us-east.host.bsky.network"),
        ("http://morel.example", "https://bsky.social"),
        ("http://127.0.0.1:2583", "https://bsky.social"),
        ("https://127.0.0.1", "https://bsky.social"),
        ("https://eve@morel.example", "https://bsky.social"),
        ("", "https://bsky.social"),
    ],
)
def test_the_server_that_a_session_names_is_used_if_it_is_safe(told: str, used: str) -> None:
    session = SignedIn(connection(""))

    assert session._server(told) == used


# -- preparing


@pytest.mark.parametrize(
    "blob",
    [{"size": 2, "ref": {"$link": "bafkrei"}}, {"size": 1, "ref": {"$link": 7}}, {"size": 1}, None],
)
def test_a_blob_of_another_picture_is_not_taken(server: VoiceServer, blob: object) -> None:
    server.quirks.answers["uploadBlob"] = Told(body={"blob": blob})
    status = Status("text", pictures=(Picture("aa", "image/png", "alt", 8, 8, 1),))

    with pytest.raises(UnavailableError):
        server.draft(status)


@pytest.mark.parametrize("did", ["ally.example", None, 7])
def test_a_mention_needs_an_identifier(server: VoiceServer, did: object) -> None:
    server.quirks.answers["resolveHandle"] = Told(body={"did": did})
    status = Status("@ally.example", facets=(Facet(FacetKind.MENTION, 0, 13, "ally.example"),))

    with pytest.raises(UnavailableError):
        server.draft(status)


# -- outcomes


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        (Told(400, {"error": "InvalidRequest", "message": "grapheme too big"}), RejectedError),
        (Told(413, {"error": "PayloadTooLarge"}), RejectedError),
        (Told(400, {"error": "InvalidSwap"}), UnconfirmedError),
        (Told(400, {"error": "ExpiredToken"}), UnavailableError),
        (Told(400, {"error": "AccountTakedown"}), UnauthorizedError),
        # The server was asked whose session it is, and said that it is good.
        (Told(401, {"error": "AuthMissing"}), UnconfirmedError),
        (Told(403, {"error": "Forbidden"}), UnconfirmedError),
        (Told(400, b"<html>Are you a bot?</html>"), UnconfirmedError),
        (Told(404, {"error": "XRPCNotSupported"}), UnconfirmedError),
        (Told(409, {"error": "Conflict"}), UnconfirmedError),
        (Told(200, {"uri": "at://did:plc:x/app.bsky.feed.post/1", "cid": "c"}), UnconfirmedError),
    ],
    ids=lambda value: getattr(value, "__name__", None) or str(getattr(value, "status", "")),
)
def test_each_outcome_of_a_put_is_judged_by_what_it_proves(
    server: VoiceServer, told: Told, kind: type[PlatformError]
) -> None:
    made = server.draft()
    server.quirks.answers["putRecord"] = told

    with pytest.raises(PlatformError) as caught:
        server.platform.publish(made)

    assert type(caught.value) is kind
    assert server.methods.count("putRecord") == 1


def test_a_session_that_ends_inside_the_call_published_nothing(
    server: VoiceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Atproto may renew it just before the put; what goes wrong there is not the put's."""
    made = server.draft()
    client = server.platform._session.client()
    client._session.access_jwt = token(60)
    monkeypatch.setattr(SignedIn, "client", lambda _self: client)
    server.quirks.answers["refreshSession"] = Told(is_lost=True)

    with pytest.raises(UnavailableError):
        server.platform.publish(made)

    assert "putRecord" not in server.methods


def test_the_put_creates_only(server: VoiceServer) -> None:
    made = server.draft()

    server.platform.publish(made)

    sent = server.asked[-1].json
    assert sent == {
        "repo": DID,
        "collection": "app.bsky.feed.post",
        "rkey": made.body["rkey"],
        "record": made.body["record"],
        "swapRecord": None,
        "validate": True,
    }


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, {}),
        ({"createdAt": "2026-11-23T12:00:01.000Z"}, {}),
        ({"langs": ["en"]}, {"language": "its language is not what was sent"}),
        (
            {"text": "word", "reply": None, "via": "a bridge"},
            {"text": "its text is not what was sent", "via": "its via is not what was sent"},
        ),
    ],
)
def test_a_record_with_another_hash_is_read_and_compared(
    server: VoiceServer, fields: dict[str, object], told: dict[str, str]
) -> None:
    server.quirks.fields = fields

    ref = server.platform.publish(server.draft(Status("words", lang="ug")))

    assert ref.differs == told


def test_a_record_with_another_hash_that_cannot_be_read_is_out_and_people_are_told(
    server: VoiceServer,
) -> None:
    draft, server.quirks.fields = server.draft(), {"langs": ["en", "de"]}
    server.quirks.answers["getRecord"] = Told(503)

    ref = server.platform.publish(draft)

    assert ref.differs == {"record": "its content hash is not that of what was sent"}


# -- reading back


def test_absence_in_the_words_of_an_older_server_is_absence(server: VoiceServer) -> None:
    told = {"error": "InvalidRequest", "message": "Could not locate record: at://x"}
    server.quirks.answers["getRecord"] = Told(400, told)

    assert server.platform.find(server.draft()) is None


@pytest.mark.parametrize(
    "told",
    [
        Told(400, {"error": "InvalidRequest", "message": "Could not find repo"}),
        Told(404, b"<html>"),
        Told(200, {"uri": "at://did:plc:x/app.bsky.feed.post/1", "cid": "c", "value": {}}),
        Told(200, {"uri": at_uri(DID, tid(NOON, "k")), "cid": "", "value": {}}),
        Told(200, {}),
    ],
    ids=["no repository", "no page", "another record", "without a hash", "nothing"],
)
def test_a_read_that_tells_nothing_is_not_absence(server: VoiceServer, told: Told) -> None:
    made = server.draft()
    server.quirks.answers["getRecord"] = told

    with pytest.raises(UnavailableError):
        server.platform.find(made)


@pytest.mark.parametrize(
    ("handle", "named"), [("voice.example", "voice.example"), ("handle.invalid", DID)]
)
def test_the_address_names_the_account_by_its_handle_unless_that_is_broken(
    server: VoiceServer, handle: str, named: str
) -> None:
    server.quirks.handle = handle
    made = server.draft()

    url = server.platform.publish(made).url

    assert url == f"https://bsky.app/profile/{named}/post/{made.body['rkey']}"


def test_a_page_that_a_person_vouched_for_is_known(server: VoiceServer) -> None:
    url = server.platform.publish(server.draft()).url

    assert server.platform.exists(PostRef(url))


def test_what_is_no_address_of_a_post_is_refused(server: VoiceServer) -> None:
    with pytest.raises(RejectedError, match="not the address"):
        server.platform.exists(PostRef("12345"))


def test_a_reply_to_a_vouched_page_looks_its_hash_up(server: VoiceServer) -> None:
    ref = server.platform.publish(server.draft())
    page = PostRef(ref.url)

    made = server.draft("two", reply_to=ReplyTo(page, page))

    assert made.body["record"]["reply"]["parent"] == {"uri": ref.id, "cid": ref.cid}


def test_nothing_replies_to_what_is_gone(server: VoiceServer) -> None:
    gone = PostRef(f"at://{DID}/app.bsky.feed.post/3kabc")

    with pytest.raises(RejectedError, match="gone"):
        server.draft(reply_to=ReplyTo(gone, gone))


# -- numbers on a server without an AppView


@pytest.mark.parametrize("posts", [None, {}, [7]])
def test_numbers_that_are_no_list_of_posts_are_refused(server: VoiceServer, posts: object) -> None:
    ref = server.platform.publish(server.draft())
    server.quirks.answers["getPosts"] = Told(body={"posts": posts})

    with pytest.raises(UnavailableError):
        server.platform.metrics([ref])


def test_numbers_that_are_not_told_are_none(server: VoiceServer) -> None:
    ref = server.platform.publish(server.draft())
    post = {"uri": ref.id, "likeCount": 4, "repostCount": "2", "replyCount": -1, "quoteCount": None}
    server.quirks.answers["getPosts"] = Told(body={"posts": [post]})

    assert server.platform.metrics([ref]) == {ref: Metrics(likes=4)}


# -- settings and secrets


def test_an_account_names_its_handle() -> None:
    with pytest.raises(SettingsError, match="voice"):
        connect(connection("https://pds.example", handle=""))


@pytest.mark.parametrize(
    ("method", "status"),
    [
        *(("createSession", status) for status in (200, 302, 400, 401, 429, 500)),
        *(("getSession", status) for status in (200, 302, 429, 500)),
        *(("putRecord", status) for status in (200, 302, 400, 401, 429, 500)),
    ],
)
def test_a_server_that_sends_secrets_back_does_not_make_us_tell_them(
    server: VoiceServer, caplog: pytest.LogCaptureFixture, method: str, status: int
) -> None:
    made = server.draft()
    session = server.platform._session.client()._session
    told = {"error": f"{PASSWORD} {session.access_jwt}", "message": session.refresh_jwt}
    server.quirks.answers[method] = Told(status, told, {"X-Echo": PASSWORD}, reason=PASSWORD)
    if method == "createSession":
        server.platform._session.close()

    with pytest.raises(PlatformError) as caught:
        server.platform.publish(made)

    said = everything_said(caught.value) + caplog.text
    for secret in (PASSWORD, session.access_jwt, session.refresh_jwt):
        assert secret not in said
