"""Who has no token gets one by a code: each platform's own flow, against stand-ins at the socket.

Mastodon's are as docs.joinmastodon.org/methods/apps and /methods/oauth describe them, X's as RFC
5849 and docs.x.com, "PIN-based OAuth".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.authority.trust import unfit
from bot.content.model import Account, Mode
from bot.errors import PlatformError, RejectedError, SettingsError, UnauthorizedError
from bot.platforms.base import Connection
from bot.platforms.mastodon import SPEC as MASTODON
from bot.platforms.mastodon import authorize as authorize_mastodon
from bot.platforms.mastodon import connect
from bot.platforms.registry import PLATFORMS, RegisteredPlatform
from bot.platforms.x import authorize as authorize_x
from tests.conftest import require_shared
from tests.contract.contract import CountingMeter
from tests.fakes.loopback import Loopback, ReceivedRequest, Told
from tests.fakes.mastodon_voice import VoiceServer
from tests.fakes.quirky_pds import QuirkyPds
from tests.fakes.x_oauth import CONSUMER_SECRET, secrets_for
from tests.fakes.x_setup import connection_to, x_at
from tests.fakes.x_standin import USER, XStandin

OOB = "urn:ietf:wg:oauth:2.0:oob"


class AppsServer(Loopback):
    """Registers apps, and gives a token for the code that its page shows."""

    def __init__(self) -> None:
        self.client_id = "id-41c0ffee"
        #: What a person allowed: the whole query of the page.
        self.page: dict[str, str] = {}
        super().__init__(self._answer)

    def allow(self, address: str) -> str:
        parts = urlsplit(address)
        assert address.startswith(f"{self.origin}/oauth/authorize?")
        self.page = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        return "code-7d"

    def _answer(self, asked: ReceivedRequest) -> Told:
        form = {name: values[-1] for name, values in asked.form.items()}
        app = {"client_id": self.client_id, "client_secret": "app-secret-9a1b2c"}
        match asked.line:
            case "POST /api/v1/apps":
                assert form["redirect_uris"] == OOB
                self.scopes = form["scopes"]
                return Told(body={**app, "name": form["client_name"]})
            case "POST /oauth/token":
                wanted = {**app, "grant_type": "authorization_code", "redirect_uri": OOB,
                          "scope": self.page["scope"], "code": "code-7d"}  # fmt: skip
                if {name: form.get(name) for name in wanted} != wanted:
                    told = {"error": "invalid_grant", "error_description": "The code is invalid"}
                    return Told(400, told)
                return Told(body={"access_token": "token-of-voice", "token_type": "Bearer",
                                  "scope": form["scope"], "created_at": 1})  # fmt: skip
        return Told(404, {"error": "Not Found"})


@pytest.fixture
def apps() -> Iterator[AppsServer]:
    with AppsServer() as server:
        yield server


@pytest.fixture
def x() -> Iterator[XStandin]:
    with XStandin(spec_file=require_shared("conformance/x-api-openapi.json")) as server:
        yield server


def voice_at(origin: str) -> Connection:
    return Connection(Account("voice", "mastodon", server=origin), {}, CountingMeter())


def app_at(origin: str) -> Connection:
    connection = connection_to(origin)
    app = {name: connection.secrets[name] for name in ("CONSUMER_KEY", "CONSUMER_SECRET")}
    return replace(connection, secrets=app)


def test_mastodon_gives_a_token_that_allows_what_the_docs_say(apps: AppsServer) -> None:
    given = authorize_mastodon(voice_at(apps.origin), apps.allow)

    assert given == {"ACCESS_TOKEN": "token-of-voice"}
    assert apps.scopes == apps.page["scope"] == " ".join(MASTODON.scopes)
    assert apps.page["redirect_uri"] == OOB
    assert apps.page["client_id"] == apps.client_id


def test_a_wrong_code_is_told_in_the_server_s_words(apps: AppsServer) -> None:
    def mistyped(address: str) -> str:
        return f"{apps.allow(address)}x"

    with pytest.raises(RejectedError, match="POST /oauth/token answered 400: invalid_grant"):
        authorize_mastodon(voice_at(apps.origin), mistyped)


def test_an_app_s_id_is_never_read_as_a_file(apps: AppsServer) -> None:
    """The library does; the server would be told the first line of any file."""
    apps.client_id = __file__

    authorize_mastodon(voice_at(apps.origin), apps.allow)

    assert apps.page["client_id"] == __file__


def test_nothing_is_registered_where_a_secret_would_be_read_on_the_way() -> None:
    with pytest.raises(SettingsError, match="must be https://host"):
        authorize_mastodon(voice_at("http://social.example"), lambda _page: "code")


def test_x_gives_both_tokens_for_a_pin(x: XStandin) -> None:
    given = authorize_x(app_at(x.origin), lambda page: x.oauth.allow(page, USER))

    known = secrets_for(USER)
    assert given == {name: known[name] for name in PLATFORMS["x"].spec.granted}


def test_a_wrong_pin_is_told_and_no_secret_with_it(x: XStandin) -> None:
    def mistyped(page: str) -> str:
        return x.oauth.allow(page, USER)[::-1]

    with pytest.raises(UnauthorizedError, match="Could not authenticate you") as told:
        authorize_x(app_at(x.origin), mistyped)

    assert CONSUMER_SECRET not in str(told.value)


@pytest.mark.parametrize("answer", [b"", b"oauth_token=alone", b"\xff\xfe", b"<html>"])
def test_an_answer_of_x_that_cannot_be_read_is_no_crash(answer: bytes) -> None:
    told = pytest.raises(PlatformError, match=r"cannot be read|not called")
    with Loopback(lambda _asked: Told(200, answer)) as server, told:
        authorize_x(app_at(server.origin), lambda _page: "0417290")


# What a token allows


def test_whoever_gets_secrets_by_a_code_says_which() -> None:
    usual = RegisteredPlatform(MASTODON, connect).authorize
    for kind in PLATFORMS.values():
        assert set(kind.spec.granted) <= set(kind.spec.secrets)
        assert bool(kind.spec.granted) == (kind.authorize is not usual)


@pytest.mark.parametrize(
    ("scopes", "lacks"),
    [
        (["read", "write"], ()),
        (["profile", "write:media", "write:statuses"], ()),
        (["read", "write:statuses"], ("write:media",)),
        (["read"], ("write:media", "write:statuses")),
        ([], ()),
        ("read", ()),
        (None, ()),
    ],
)
def test_mastodon_s_app_tells_what_its_token_cannot_do(
    scopes: object, lacks: tuple[str, ...]
) -> None:
    with VoiceServer() as server:
        told = {"name": "Verbatim", "scopes": scopes}
        server.quirks.answers["GET /api/v1/apps/verify_credentials"] = Told(body=told)

        profile = server.platform.profile()

    assert profile.lacks == lacks
    assert profile.access == (" ".join(scopes) if isinstance(scopes, list) else "")


@pytest.mark.parametrize(
    ("access", "lacks"),
    [("read", ("read-write",)), ("read-write", ()), ("read-write-directmessages", ()), ("", ())],
)
def test_x_tells_with_each_answer_what_a_token_allows(
    x: XStandin, access: str, lacks: tuple[str, ...]
) -> None:
    x.access = access

    profile = x_at(x.origin).profile()

    assert (profile.access, profile.lacks) == (access, lacks)


@pytest.mark.parametrize("scope", ["com.atproto.appPass", "com.atproto.access", None])
def test_bluesky_s_session_tells_which_password_it_was(scope: str | None) -> None:
    with QuirkyPds() as pds:
        pds.quirks.scope = scope
        account = Account("blue", "bluesky", server=pds.origin, handle="voice.example")
        connection = Connection(account, {"APP_PASSWORD": "some-app-password"}, CountingMeter())
        pds.records["self"] = {}

        profile = PLATFORMS["bluesky"].connect(connection).profile()

    assert (profile.access, profile.lacks) == (scope or "", ())


def test_a_token_that_cannot_post_is_unfit_before_its_first_post() -> None:
    with VoiceServer() as server:
        told = Told(body={"scopes": ["read"]})
        server.quirks.answers["GET /api/v1/apps/verify_credentials"] = told
        profile = server.platform.profile()
    voice = Account("voice", "mastodon")

    why = unfit(voice, profile, Mode.LIVE)

    assert why == "its token does not allow write:media write:statuses: `login voice` anew"
    assert unfit(voice, profile, Mode.REHEARSAL) == ""
