"""The promises that hold though the network, or the server, does not do its part."""

from __future__ import annotations

import gzip
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import ClassVar, Protocol

import pytest

from bot.errors import (
    PlatformError,
    RejectedError,
    SettingsError,
    UnauthorizedError,
    UnavailableError,
    UnconfirmedError,
)
from bot.platforms.base import Connection, Platform
from bot.platforms.http.session import MAX_BODY
from bot.platforms.status import Draft, PostRef, Status
from tests.contract.contract import (
    PlatformContract,
    Stand,
    changed_account,
    picture_of,
    png,
    prepare,
    publish_or_find,
)
from tests.fakes.errors import everything_said
from tests.fakes.faultproxy import (
    HANG_UP_AFTER,
    HANG_UP_BEFORE,
    Answer,
    Fault,
    FaultProxy,
    answered,
)
from tests.fakes.hand_timer import HandTimers
from tests.fakes.loopback import Loopback, Told

HOUR = timedelta(hours=1)
#: Nobody listens there (RFC 863's port; privileged, so nothing of ours can take it).
CLOSED = "http://127.0.0.1:9"
NOBODY = (CLOSED, "https://127.0.0.1:9", "https://nowhere.invalid")
UNSAFE = (
    "social.example",
    "http://social.example",
    "http://10.0.0.1",
    "https://",
    "https://user:word@social.example",
    "https://social.example/path",
    "ftp://social.example",
    "http://localhost.social.example",
)


class FaultyStand(Stand, Protocol):
    """A stand whose network and answers can be spoilt; `FaultProxy` makes one of any server."""

    def spoil_publish(self, fault: Fault) -> None:
        """Let it befall the next request that publishes (create a status, put a record)."""

    def spoil_all(self, fault: Fault) -> None:
        """Let it befall every request until `heal`."""

    def heal(self) -> None:
        """Let all be well again."""


def _json(status: int, body: bytes = b'{"error":"so"}') -> Answer:
    return Answer(status, body)


_HTML = {"Content-Type": "text/html"}
#: Answers that say yes and tell nothing.
VAIN: tuple[Answer, ...] = (
    Answer(200, b"<html><body>It works!</body></html>", _HTML),
    Answer(200, b""),
    Answer(201, b'{"data":{"id":"12'),
    Answer(200, b"null"),
    Answer(200, b"[]"),
    Answer(200, b"42"),
    Answer(200, b'"yes"'),
    Answer(200, b"{}"),
    Answer(200, b'{"data":{},"id":null,"uri":7}'),
    Answer(200, b'{"data":[1,2],"uri":[],"cid":{}}'),
    Answer(200, b"\xff\xfe\x00{"),
    Answer(200, b"[" * 100_000),
    Answer(200, b"not gzip", {"Content-Type": "application/json", "Content-Encoding": "gzip"}),
    Answer(204, b""),
    Answer(302, b"", {"Location": "http://127.0.0.1:9/elsewhere"}),
    Answer(301, b"", {"Location": "/elsewhere"}),
)
#: Statuses of answers, each with a body that is no error of the platform's.
REFUSALS = (400, 401, 402, 403, 404, 405, 409, 410, 413, 418, 422, 429, 500, 501, 502, 503, 504)
JUNK = (b"", b"<html>no</html>", b"[1]", b'{"error":', b'{"errors":7,"detail":[],"title":{}}', b"7")
TOO_MUCH = {
    "long": Answer(200, b'{"id":"5"}', filler=MAX_BODY),
    "a bomb": Answer(200, gzip.compress(bytes(50_000_000)), {"Content-Encoding": "gzip"}),
    "packed unasked": Answer(200, b'{"id":"5"}', {"Content-Encoding": "br"}),
}
#: Ways in which the answer to what was stored is lost.
LOST = {
    "silence": HANG_UP_AFTER,
    **{f"cut at {at}": Fault(down=at, reset=bool(at % 40)) for at in (1, 20, 60, 120)},
    **{f"{vain.status}-{vain.body[:12]!r}": answered(vain, stored=True) for vain in VAIN},
    **{name: answered(answer, stored=True) for name, answer in TOO_MUCH.items()},
}


class ProxiedStand:
    """A server that is reached through proxies; the first is before what publishes."""

    #: The requests that publish.
    publishes: ClassVar[str]

    def __init__(self, *proxies: FaultProxy) -> None:
        self.proxies = proxies

    @property
    def origin(self) -> str:
        return self.proxies[0].origin

    def spoil_publish(self, fault: Fault) -> None:
        self.proxies[0].spoil(self.publishes, fault)

    def spoil_all(self, fault: Fault) -> None:
        for proxy in self.proxies:
            proxy.spoil(r"", fault, times=-1)

    def heal(self) -> None:
        for proxy in self.proxies:
            proxy.heal()

    def close(self) -> None:
        for proxy in self.proxies:
            proxy.close()


def failing(
    platform: Platform, stand: FaultyStand, fault: Fault, kind: type[PlatformError]
) -> tuple[Draft, PlatformError]:
    """Publish while this befalls the request; it must fail in this way."""
    draft = prepare(platform, "what befalls it")
    stand.spoil_publish(fault)
    with pytest.raises(kind) as caught:
        platform.publish(draft)
    return draft, caught.value


def reads(
    platform: Platform, draft: Draft, ref: PostRef, *more: Callable[[], object]
) -> Sequence[Callable[[], object]]:
    """Return the ways to read what was published, and the account."""
    by_ref = (partial(platform.exists, ref), partial(platform.metrics, [ref]))
    return (partial(platform.find, draft), *by_ref, platform.profile, *more)


class NetworkContract(PlatformContract):
    """What holds when the network or the server fails; ``stand`` must be a `FaultyStand`."""

    #: How this platform refuses a text, a token, and too many requests.
    refusal: ClassVar[Answer] = _json(422)
    revoked: ClassVar[Answer] = _json(401)

    def rate_limited(self) -> Answer:
        """Name a moment to come, as the platform does; not more than an hour away."""
        return Answer(429, b"{}", {"Retry-After": "120"})

    # -- publishing

    @pytest.mark.parametrize("fault", LOST.values(), ids=LOST)
    def test_an_answer_that_tells_nothing_is_unconfirmed_and_found_not_doubled(
        self, platform: Platform, stand: FaultyStand, fault: Fault
    ) -> None:
        draft, _ = failing(platform, stand, fault, UnconfirmedError)

        found = platform.find(draft)

        assert [seen.id for seen in stand.live()] == [found.id if found else "not found"]

    def test_what_was_taken_otherwise_than_it_was_sent_is_told(
        self, platform: Platform, stand: FaultyStand
    ) -> None:
        draft = prepare(platform, "our words, quoted")
        stand.spoil_publish(Fault(swaps=(b"quoted", b"edited")))

        ref = platform.publish(draft)

        assert [seen.text for seen in stand.live()] == ["our words, edited"]
        assert [*ref.differs] == ["text"]

    def test_a_request_that_was_lost_is_unconfirmed_and_absent(
        self, platform: Platform, stand: FaultyStand
    ) -> None:
        draft, _ = failing(platform, stand, HANG_UP_BEFORE, UnconfirmedError)
        absent = platform.find(draft)

        ref = platform.publish(draft)

        assert absent is None
        assert [seen.id for seen in stand.live()] == [ref.id]

    @pytest.mark.parametrize("status", [500, 502, 503, 504])
    @pytest.mark.parametrize("stored", [True, False])
    def test_a_server_error_proves_nothing(
        self, platform: Platform, stand: FaultyStand, status: int, stored: bool
    ) -> None:
        fault = answered(_json(status), stored=stored)

        draft, _ = failing(platform, stand, fault, UnconfirmedError)

        assert (platform.find(draft) is not None) is stored

    def test_a_refused_text_is_rejected(self, platform: Platform, stand: FaultyStand) -> None:
        failing(platform, stand, answered(self.refusal, stored=False), RejectedError)

    @pytest.mark.parametrize("server", [*NOBODY, "the same over TLS"])
    def test_without_a_connection_nothing_was_published(
        self, platform: Platform, connection: Connection, stand: FaultyStand, server: str
    ) -> None:
        draft = prepare(platform, "nobody listens")
        if server not in NOBODY:  # it speaks no TLS
            server = connection.account.server.replace("http:", "https:")
        account = changed_account(connection, server=server)
        other = self.connect(replace(connection, account=account))

        with pytest.raises(UnavailableError, match="no connection"):
            other.publish(draft)

        other.close()
        assert stand.live() == []

    @pytest.mark.parametrize("heard", [0, 30], ids=["mute", "drips"])
    def test_a_server_that_takes_its_time_cannot_stretch_a_call(
        self, platform: Platform, stand: FaultyStand, heard: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each byte starts a library's own timeout anew; the whole answer would take minutes."""
        timers = HandTimers(monkeypatch)

        fault = Fault(heard=heard, meanwhile=timers.go_off)

        failing(platform, stand, fault, UnconfirmedError)

        assert timers.gone_off

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_a_redirect_is_followed_nowhere(
        self, platform: Platform, stand: FaultyStand, status: int
    ) -> None:
        with Loopback(lambda _asked: Told()) as elsewhere:
            moved = Answer(status, b"{}", {"Location": elsewhere.origin})

            failing(platform, stand, answered(moved, stored=False), UnconfirmedError)

            assert elsewhere.asked == []

    @pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
    def test_a_request_that_is_cut_anywhere_is_one_status_or_none(
        self, platform: Platform, stand: FaultyStand, reset: bool
    ) -> None:
        for cut in range(0, 600, 60):
            before = len(stand.live())
            draft = prepare(platform, f"cut after {cut} bytes")
            stand.spoil_publish(Fault(up=cut, down=0, reset=reset))

            found = publish_or_find(platform, draft)

            assert len(stand.live()) - before == (found is not None), cut

    def test_a_revoked_token_is_unauthorized(self, platform: Platform, stand: FaultyStand) -> None:
        draft = prepare(platform, "revoked")
        stand.spoil_all(answered(self.revoked, stored=False))

        for call in (platform.publish, platform.find, lambda _draft: platform.profile()):
            with pytest.raises(UnauthorizedError):
                call(draft)

    def test_too_many_requests_tell_when_to_come_again(
        self, platform: Platform, stand: FaultyStand
    ) -> None:
        fault = answered(self.rate_limited(), stored=False)

        _, error = failing(platform, stand, fault, UnavailableError)

        assert isinstance(error, UnavailableError)
        assert error.retry_after is not None
        assert timedelta(0) < error.retry_after <= HOUR

    @pytest.mark.parametrize("status", REFUSALS)
    def test_nothing_of_the_client_library_escapes_publish(
        self, platform: Platform, stand: FaultyStand, status: int
    ) -> None:
        for junk in JUNK:
            failing(platform, stand, answered(_json(status, junk), stored=False), PlatformError)

    # -- reading

    @pytest.mark.parametrize("vain", VAIN, ids=lambda a: f"{a.status}-{a.body[:12]!r}")
    def test_a_vain_answer_is_never_taken_for_absence(
        self, platform: Platform, stand: FaultyStand, vain: Answer
    ) -> None:
        draft = prepare(platform, "read me")
        ref = platform.publish(draft)
        stand.spoil_all(answered(vain, stored=False))

        pictures = Status("p", pictures=(picture_of(png(), "a"),))
        upload = partial(prepare, platform, pictures, pictures=lambda _picture: png())
        for read in reads(platform, draft, ref, upload):
            with pytest.raises(PlatformError):
                read()

    @pytest.mark.parametrize("status", [401, 403, 429, 500, 502, 503])
    def test_nothing_of_the_client_library_escapes_reading(
        self, platform: Platform, stand: FaultyStand, status: int
    ) -> None:
        draft = prepare(platform, "read me")
        ref = platform.publish(draft)

        for junk in JUNK:
            stand.heal()
            stand.spoil_all(answered(_json(status, junk), stored=False))
            for read in reads(platform, draft, ref, partial(platform.delete, ref)):
                with pytest.raises(PlatformError):
                    read()

    def test_silence_while_reading_is_unavailable(
        self, platform: Platform, stand: FaultyStand
    ) -> None:
        draft = prepare(platform, "read me")
        platform.publish(draft)
        stand.spoil_all(HANG_UP_BEFORE)

        with pytest.raises(UnavailableError):
            platform.find(draft)

    # -- the connection

    def test_each_answer_tells_the_servers_time(self, connection: Connection) -> None:
        times: list[datetime] = []
        platform = self.connect(replace(connection, on_server_time=times.append))

        platform.profile()

        platform.close()
        assert times
        assert abs(datetime.now(UTC) - times[0]) < timedelta(minutes=1)

    def test_proxies_and_passwords_of_the_environment_are_not_used(
        self,
        connection: Connection,
        stand: FaultyStand,
        monkeypatch: pytest.MonkeyPatch,
        tmp_path: Path,
    ) -> None:
        (tmp_path / "netrc").write_text("default login eve password secret\n")
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, CLOSED)
        platform = self.connect(connection)

        ref = platform.publish(prepare(platform, "straight to the server"))

        platform.close()
        assert [seen.id for seen in stand.live()] == [ref.id]

    @pytest.mark.parametrize("server", UNSAFE)
    def test_a_server_that_is_not_safe_is_refused(
        self, connection: Connection, server: str
    ) -> None:
        account = changed_account(connection, server=server)

        with pytest.raises(SettingsError, match=account.name):
            self.connect(replace(connection, account=account))

    # -- secrets

    @pytest.mark.parametrize("value", [None, "", "  ", "a\ncanary", "a\0canary", "c\u00e4nary"])
    def test_a_secret_that_cannot_be_one_is_named_and_not_shown(
        self, connection: Connection, value: str | None
    ) -> None:
        for name, secret in connection.secrets.items():
            secrets = {**connection.secrets, name: value} if value is not None else {}

            with pytest.raises(SettingsError, match=name if secrets else None) as caught:
                self.connect(replace(connection, secrets=secrets))

            assert "nary" not in str(caught.value)
            assert secret not in str(caught.value)

    def test_nothing_of_an_account_shows_its_secrets(
        self, platform: Platform, connection: Connection
    ) -> None:
        platform.profile()

        shown = repr(connection) + repr(platform)

        assert [one for one in connection.secrets.values() if one in shown] == []

    def test_no_log_line_shows_a_secret(
        self,
        platform: Platform,
        connection: Connection,
        stand: FaultyStand,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        caplog.set_level(logging.DEBUG)
        platform.publish(prepare(platform, "logged"))

        failing(platform, stand, HANG_UP_AFTER, UnconfirmedError)

        assert [one for one in connection.secrets.values() if one in caplog.text] == []

    @pytest.mark.parametrize("status", [200, 302, *REFUSALS])
    def test_secrets_that_a_server_sends_back_are_not_shown(
        self,
        platform: Platform,
        connection: Connection,
        stand: FaultyStand,
        caplog: pytest.LogCaptureFixture,
        status: int,
    ) -> None:
        secrets = [*connection.secrets.values()]
        echo = " and ".join(secrets)
        words = dict.fromkeys(("error", "message", "title", "detail"), echo)
        headers = {"Location": f"/{secrets[0]}", "X-RateLimit-Reset": echo, "X-Echo": echo}
        for body in (json.dumps(words).encode(), f"{{'Authorization': '{echo}'".encode()):
            stand.heal()
            draft = prepare(platform, "a secret")
            stand.spoil_all(answered(Answer(status, body, headers, reason=echo), stored=False))
            with pytest.raises(PlatformError) as published:
                platform.publish(draft)
            with pytest.raises(PlatformError) as asked:
                platform.profile()

            shown = everything_said(published.value) + everything_said(asked.value) + caplog.text
            assert [one for one in secrets if one in shown] == []
