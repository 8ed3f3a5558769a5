"""How the Bluesky adapter signs in, stays signed in, and judges odd answers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

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
from bot.platforms.bluesky.adapter import BlueskyPlatform, connect
from bot.platforms.bluesky.session import SignedIn
from bot.platforms.status import Draft, Facet, FacetKind, Metrics, Picture, PostRef, ReplyTo, Status
from tests.contract.contract import CountingMeter, no_pictures
from tests.fakes.errors import everything_said
from tests.fakes.loopback import Told
from tests.fakes.quirky_pds import DID, QuirkyPds, token
from tests.waiting import CONNECT, READ

PASSWORD = "canary-abcd-efgh-ijkl"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def server() -> Iterator[QuirkyPds]:
    with QuirkyPds() as server:
        yield server


@pytest.fixture
def platform(server: QuirkyPds) -> Iterator[BlueskyPlatform]:
    platform = adapter(server.origin)
    yield platform
    platform.close()


def connection(origin: str, *, handle: str = "voice.example") -> Connection:
    return Connection(
        Account("voice", "bluesky", server=origin, handle=handle),
        {"APP_PASSWORD": PASSWORD},
        CountingMeter(),
        connect_timeout=CONNECT,
        read_timeout=READ,
    )


def adapter(origin: str) -> BlueskyPlatform:
    made = connect(connection(origin))
    assert isinstance(made, BlueskyPlatform)
    return made


def draft(platform: BlueskyPlatform, text: str = "words", *, at: datetime = NOON) -> Draft:
    return platform.prepare(Status(text), key="k", at=at, reply_to=None, pictures=no_pictures)


# -- signing in


def test_nobody_is_asked_before_there_is_something_to_do(
    server: QuirkyPds, platform: BlueskyPlatform
) -> None:
    assert platform.limits() == platform.spec.limits

    assert server.asked == []


def test_a_session_is_made_once_and_proved_before_each_use(
    server: QuirkyPds, platform: BlueskyPlatform
) -> None:
    platform.publish(draft(platform))

    assert server.methods == ["createSession", "getSession", "putRecord"]
    assert server.asked[0].json == {"identifier": "voice.example", "password": PASSWORD}


def test_a_session_near_its_end_is_renewed_before_the_post(
    server: QuirkyPds, platform: BlueskyPlatform
) -> None:
    server.quirks.lives = 60
    made = draft(platform)
    server.quirks.lives = 7200

    platform.publish(made)

    assert server.methods == ["createSession", "refreshSession", "getSession", "putRecord"]


@pytest.mark.parametrize("status", [400, 401])
def test_a_session_that_was_ended_is_made_anew(
    server: QuirkyPds, platform: BlueskyPlatform, status: int
) -> None:
    made = draft(platform)
    server.quirks.answers["getSession"] = Told(status, {"error": "ExpiredToken"})

    platform.publish(made)

    assert server.methods == ["createSession", "getSession", "createSession", "putRecord"]


def test_a_dead_refresh_token_is_answered_with_the_password(
    server: QuirkyPds, platform: BlueskyPlatform
) -> None:
    server.quirks.lives = 60
    made = draft(platform)
    server.quirks.lives = 7200
    server.quirks.answers["refreshSession"] = Told(400, {"error": "ExpiredToken"})

    platform.publish(made)

    assert server.methods == ["createSession", "refreshSession", "createSession", "putRecord"]


def test_tokens_that_nobody_can_read_do_not_lock_us_out(
    server: QuirkyPds, platform: BlueskyPlatform
) -> None:
    broken = {"did": DID, "handle": "h", "accessJwt": "x", "refreshJwt": "y"}
    server.quirks.answers["createSession"] = Told(body=broken)
    with pytest.raises(PlatformError):
        platform.publish(draft(platform))
    del server.quirks.answers["createSession"]

    assert platform.publish(draft(platform)).cid == "bafy"


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_wrong_password_needs_a_person(
    server: QuirkyPds, platform: BlueskyPlatform, status: int
) -> None:
    told = Told(status, {"error": "AuthenticationRequired", "message": "Invalid password"})
    server.quirks.answers["createSession"] = told

    with pytest.raises(UnauthorizedError, match="Invalid password"):
        draft(platform)


def test_an_account_that_is_not_active_needs_a_person(
    server: QuirkyPds, platform: BlueskyPlatform
) -> None:
    made = draft(platform)
    server.quirks.active = False

    with pytest.raises(UnauthorizedError, match="suspended"):
        platform.publish(made)


def test_a_handle_that_now_means_another_account_needs_a_person(
    server: QuirkyPds, platform: BlueskyPlatform
) -> None:
    made = draft(platform)
    server.quirks.did = "did:plc:somebody"

    with pytest.raises(UnauthorizedError, match="another"):
        platform.publish(made)

    assert "putRecord" not in server.methods


def test_an_identifier_that_is_none_is_refused(
    server: QuirkyPds, platform: BlueskyPlatform
) -> None:
    server.quirks.did = "voice"

    with pytest.raises(UnavailableError):
        draft(platform)


def test_too_many_sign_ins_say_when_to_come_again(
    server: QuirkyPds, platform: BlueskyPlatform
) -> None:
    told = Told(429, {"error": "RateLimitExceeded"}, {"Retry-After": "290"})
    server.quirks.answers["createSession"] = told

    with pytest.raises(UnavailableError) as caught:
        draft(platform)

    assert caught.value.retry_after == timedelta(seconds=290)


def test_a_didoc_does_not_lead_away_from_loopback(
    server: QuirkyPds, platform: BlueskyPlatform
) -> None:
    with QuirkyPds() as elsewhere:
        server.quirks.did_doc = _did_doc(elsewhere.origin)

        platform.publish(draft(platform))

        assert elsewhere.asked == []


def _did_doc(origin: str) -> dict[str, Any]:
    service = {"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": origin}
    return {"id": DID, "alsoKnownAs": [], "verificationMethod": [], "service": [service]}


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
def test_a_blob_of_another_picture_is_not_taken(
    server: QuirkyPds, platform: BlueskyPlatform, blob: object
) -> None:
    server.quirks.answers["uploadBlob"] = Told(body={"blob": blob})
    status = Status("text", pictures=(Picture("aa", "image/png", "alt", 8, 8, 1),))

    with pytest.raises(UnavailableError):
        platform.prepare(status, key="k", at=NOON, reply_to=None, pictures=lambda _picture: b"x")


@pytest.mark.parametrize("did", ["ally.example", None, 7])
def test_a_mention_needs_an_identifier(
    server: QuirkyPds, platform: BlueskyPlatform, did: object
) -> None:
    server.quirks.answers["resolveHandle"] = Told(body={"did": did})
    status = Status("@ally.example", facets=(Facet(FacetKind.MENTION, 0, 13, "ally.example"),))

    with pytest.raises(UnavailableError):
        platform.prepare(status, key="k", at=NOON, reply_to=None, pictures=no_pictures)


# -- outcomes


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        (Told(400, {"error": "InvalidRequest", "message": "grapheme too big"}), RejectedError),
        (Told(413, {"error": "PayloadTooLarge"}), RejectedError),
        (Told(400, {"error": "InvalidSwap"}), UnconfirmedError),
        (Told(400, {"error": "ExpiredToken"}), UnavailableError),
        (Told(400, {"error": "AccountTakedown"}), UnauthorizedError),
        (Told(401, {"error": "AuthMissing"}), UnauthorizedError),
        (Told(403, {"error": "Forbidden"}), UnauthorizedError),
        (Told(404, {"error": "XRPCNotSupported"}), UnconfirmedError),
        (Told(409, {"error": "Conflict"}), UnconfirmedError),
        (Told(200, {"uri": "at://did:plc:x/app.bsky.feed.post/1", "cid": "c"}), UnconfirmedError),
    ],
    ids=lambda value: getattr(value, "__name__", None) or str(getattr(value, "status", "")),
)
def test_each_outcome_of_a_put_is_judged_by_what_it_proves(
    server: QuirkyPds, platform: BlueskyPlatform, told: Told, kind: type[PlatformError]
) -> None:
    made = draft(platform)
    server.quirks.answers["putRecord"] = told

    with pytest.raises(PlatformError) as caught:
        platform.publish(made)

    assert type(caught.value) is kind
    assert server.methods.count("putRecord") == 1


def test_a_session_that_ends_inside_the_call_published_nothing(
    server: QuirkyPds, platform: BlueskyPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Atproto may renew it just before the put; what goes wrong there is not the put's."""
    made = draft(platform)
    client = platform._session.client()
    client._session.access_jwt = token(60)
    monkeypatch.setattr(SignedIn, "client", lambda _self: client)
    server.quirks.answers["refreshSession"] = Told(is_lost=True)

    with pytest.raises(UnavailableError):
        platform.publish(made)

    assert "putRecord" not in server.methods


def test_the_put_creates_only(server: QuirkyPds, platform: BlueskyPlatform) -> None:
    made = draft(platform)

    platform.publish(made)

    sent = server.asked[-1].json
    assert sent == {
        "repo": DID,
        "collection": "app.bsky.feed.post",
        "rkey": made.wire["rkey"],
        "record": made.wire["record"],
        "swapRecord": None,
        "validate": True,
    }


# -- reading back


def test_absence_in_the_words_of_an_older_server_is_absence(
    server: QuirkyPds, platform: BlueskyPlatform
) -> None:
    told = {"error": "InvalidRequest", "message": "Could not locate record: at://x"}
    server.quirks.answers["getRecord"] = Told(400, told)

    assert platform.find(draft(platform)) is None


def test_a_draft_that_was_lost_is_found_by_the_next_one_of_the_day(
    platform: BlueskyPlatform,
) -> None:
    ref = platform.publish(draft(platform, at=NOON))

    again = draft(platform, at=NOON + timedelta(hours=3))

    assert platform.find(again) == ref


def test_other_words_under_the_key_need_a_person(platform: BlueskyPlatform) -> None:
    platform.publish(draft(platform, "edited"))

    with pytest.raises(UnconfirmedError, match="not what was to be posted"):
        platform.find(draft(platform, "words"))


@pytest.mark.parametrize(
    "told",
    [
        Told(400, {"error": "InvalidRequest", "message": "Could not find repo"}),
        Told(404, b"<html>"),
        Told(200, {"uri": "at://did:plc:x/app.bsky.feed.post/1", "cid": "c", "value": {}}),
        Told(200, {}),
    ],
)
def test_a_read_that_tells_nothing_is_not_absence(
    server: QuirkyPds, platform: BlueskyPlatform, told: Told
) -> None:
    made = draft(platform)
    server.quirks.answers["getRecord"] = told

    with pytest.raises(UnavailableError):
        platform.find(made)


def test_a_record_without_a_hash_is_not_taken(server: QuirkyPds, platform: BlueskyPlatform) -> None:
    made = draft(platform)
    uri = f"at://{DID}/app.bsky.feed.post/{made.wire['rkey']}"
    server.quirks.answers["getRecord"] = Told(200, {"uri": uri, "cid": "", "value": {}})

    with pytest.raises(UnavailableError):
        platform.find(made)


def test_the_address_names_the_account_by_identifier_where_its_handle_is_broken(
    server: QuirkyPds, platform: BlueskyPlatform
) -> None:
    server.quirks.handle = "handle.invalid"

    assert platform.publish(draft(platform)).url.startswith(f"https://bsky.app/profile/{DID}/post/")


def test_the_address_names_the_account_by_its_handle(platform: BlueskyPlatform) -> None:
    made = draft(platform)

    url = platform.publish(made).url

    assert url == f"https://bsky.app/profile/voice.example/post/{made.wire['rkey']}"


def test_a_page_that_a_person_vouched_for_is_known(platform: BlueskyPlatform) -> None:
    url = platform.publish(draft(platform)).url

    assert platform.exists(PostRef(url))


def test_what_is_no_address_of_a_post_is_refused(platform: BlueskyPlatform) -> None:
    with pytest.raises(RejectedError, match="not the address"):
        platform.exists(PostRef("12345"))


def reply(platform: BlueskyPlatform, ref: PostRef) -> Draft:
    to = ReplyTo(ref, ref)
    return platform.prepare(Status("two"), key="2", at=NOON, reply_to=to, pictures=no_pictures)


def test_a_reply_to_a_vouched_page_looks_its_hash_up(platform: BlueskyPlatform) -> None:
    ref = platform.publish(draft(platform))

    made = reply(platform, PostRef(ref.url))

    assert made.wire["record"]["reply"]["parent"] == {"uri": ref.id, "cid": "bafy"}


def test_nothing_replies_to_what_is_gone(platform: BlueskyPlatform) -> None:
    with pytest.raises(RejectedError, match="gone"):
        reply(platform, PostRef(f"at://{DID}/app.bsky.feed.post/3kabc"))


# -- numbers on a server without an AppView


@pytest.mark.parametrize("posts", [None, {}, [7]])
def test_numbers_that_are_no_list_of_posts_are_refused(
    server: QuirkyPds, platform: BlueskyPlatform, posts: object
) -> None:
    ref = platform.publish(draft(platform))
    server.quirks.answers["getPosts"] = Told(body={"posts": posts})

    with pytest.raises(UnavailableError):
        platform.metrics([ref])


def test_numbers_that_are_not_told_are_none(server: QuirkyPds, platform: BlueskyPlatform) -> None:
    ref = platform.publish(draft(platform))
    post = {"uri": ref.id, "likeCount": 4, "repostCount": "2", "replyCount": -1, "quoteCount": None}
    server.quirks.answers["getPosts"] = Told(body={"posts": [post]})

    assert platform.metrics([ref]) == {ref: Metrics(likes=4)}


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
    server: QuirkyPds, caplog: pytest.LogCaptureFixture, method: str, status: int
) -> None:
    platform = adapter(server.origin)
    made = draft(platform)
    session = platform._session.client()._session
    told = {"error": f"{PASSWORD} {session.access_jwt}", "message": session.refresh_jwt}
    server.quirks.answers[method] = Told(status, told, {"X-Echo": PASSWORD}, reason=PASSWORD)
    if method == "createSession":
        platform._session.close()

    with pytest.raises(PlatformError) as caught:
        platform.publish(made)

    said = everything_said(caught.value) + caplog.text
    for secret in (PASSWORD, session.access_jwt, session.refresh_jwt):
        assert secret not in said
