"""What the facts of an exchange prove, and the small parts that gather them."""

from __future__ import annotations

import gzip
import socket
import ssl
import subprocess
import threading
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from bot.content.model import Account
from bot.errors import (
    PlatformError,
    RejectedError,
    UnauthorizedError,
    UnavailableError,
    UnconfirmedError,
)
from bot.platforms.base import Connection
from bot.platforms.http.credentials import is_loopback, redact, redact_bytes
from bot.platforms.http.exchange import (
    Exchange,
    confirmed,
    describe,
    retry_after,
    translated_errors,
)
from bot.platforms.http.session import (
    MAX_BODY,
    AnswerError,
    BoundedSession,
    CallDeadline,
    read_body,
)
from tests.conftest import require_tool
from tests.contract.contract import CountingMeter
from tests.fakes.loopback import Loopback, Told

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
_CONNECTION = Connection(Account("voice", "any"), {}, CountingMeter(), 2.0, 2.0)
REFUSALS = frozenset({422})


def exchange(status: int | None = None, words: str = "", *, sent: bool = True) -> Exchange:
    made = Exchange()
    made.begin("/path")
    made.is_sent = sent
    if status is not None:
        made.answered(status, {})
        made.error = words
    return made


def judge(facts: Exchange | None, *, writing: bool = True) -> PlatformError:
    told = Exchange()

    def call() -> None:
        if facts is not None:
            told.begin(facts.path)
            told.is_sent, told.status, told.error = facts.is_sent, facts.status, facts.error
        # What a library raises for a TLS break before the request and after it alike.
        raise OSError("EOF occurred in violation of protocol")

    with (
        pytest.raises(PlatformError) as caught,
        translated_errors(
            "here", told, writing=writing, refusals=REFUSALS if writing else frozenset()
        ),
    ):
        call()
    return caught.value


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        (None, RejectedError),
        (exchange(sent=False), UnavailableError),
        (exchange(), UnconfirmedError),
        (exchange(200), UnconfirmedError),
        (exchange(302), UnconfirmedError),
        (exchange(401, "revoked"), UnauthorizedError),
        (exchange(403, "forbidden"), UnauthorizedError),
        (exchange(422, "too long"), RejectedError),
        # A page of a box in front of the API says nothing of the status, or of the token.
        (exchange(401), UnconfirmedError),
        (exchange(403), UnconfirmedError),
        (exchange(422), UnconfirmedError),
        (exchange(429), UnavailableError),
        (exchange(500), UnconfirmedError),
        (exchange(503), UnconfirmedError),
    ],
)
def test_a_write_is_unconfirmed_unless_the_facts_prove_more(
    facts: Exchange | None, kind: type[PlatformError]
) -> None:
    assert type(judge(facts)) is kind


@pytest.mark.parametrize(
    "facts",
    [None, exchange(sent=False), exchange(), exchange(200), exchange(422, "no"), exchange(403)],
)
def test_a_read_that_failed_is_unavailable(facts: Exchange | None) -> None:
    assert type(judge(facts, writing=False)) is UnavailableError


def test_our_own_errors_pass_as_they_are() -> None:
    error = RejectedError("here", "so")

    with pytest.raises(RejectedError) as caught, translated_errors("here", Exchange()):
        raise error

    assert caught.value is error


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"retry-after": "5"}, timedelta(seconds=5)),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "0"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "1e300"}, timedelta(hours=1)),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Mon, 23 Nov 2026 12:01:00 GMT"}, timedelta(minutes=1)),
        ({"x-ratelimit-reset": "2026-11-23T12:01:00Z"}, timedelta(minutes=1)),
        ({"x-ratelimit-reset": "2026-11-23T12:01:00"}, timedelta(minutes=1)),
        ({"x-ratelimit-reset": "2026-11-23T11:00:00Z"}, None),
        ({"ratelimit-reset": str(int(NOW.timestamp()) + 9)}, timedelta(seconds=9)),
        ({"x-rate-limit-reset": "junk", "retry-after": ""}, None),
    ],
)
def test_a_wait_is_read_from_whichever_header_tells_it(
    headers: dict[str, str], wait: timedelta | None
) -> None:
    assert retry_after(headers, NOW, is_limited=True) == wait


@pytest.mark.parametrize("value", ["2026-11-23T12:01:00Z", "1795428300"])
def test_a_moment_without_the_servers_time_says_nothing(value: str) -> None:
    assert retry_after({"x-ratelimit-reset": value}, None, is_limited=True) is None


@pytest.mark.parametrize(
    ("date", "time"),
    [
        ("Mon, 23 Nov 2026 12:00:00 GMT", NOW),
        ("Mon, 23 Nov 2026 12:00:00 -0000", NOW),
        ("", None),
        ("yesterday", None),
        ("Mon, 99 Nov 2026 12:00:00 GMT", None),
    ],
)
def test_the_servers_time_is_kept_from_each_answer(date: str, time: datetime | None) -> None:
    made = Exchange()

    made.answered(200, {"Date": date})

    assert made.server_time == time


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error":"Too\\nmany \\u001b[31mwords","message":7}', "Too many \\u001b[31mwords"),
        (b'{"error":"' + b"x" * 9000 + b'"}', "x" * 200),
        (b"[" * 100_000, ""),
        (b"<html>", ""),
        (b"[1]", ""),
    ],
)
def test_what_a_server_says_is_made_fit_to_be_shown(body: bytes, said: str) -> None:
    made = exchange(400)

    made.read(body)

    assert made.error == said
    assert made.message == ""


def test_a_message_says_what_came_back() -> None:
    refused = exchange(422)
    refused.read(b'{"error":"InvalidRecord","message":"too long"}')

    told = [
        describe(facts, ValueError("x"))
        for facts in (refused, exchange(200), exchange(), Exchange())
    ]

    assert told == [
        "/path answered 422: InvalidRecord: too long",
        "answered 200 with what cannot be read (ValueError)",
        "no answer (ValueError)",
        "not called (ValueError)",
    ]


def test_packed_answers_are_read() -> None:
    assert read_body([b"pl", b"ain"], "") == b"plain"
    assert read_body([gzip.compress(b"packed")], "gzip") == b"packed"
    assert read_body([zlib.compress(b"packed")], "deflate") == b"packed"


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (bytes(MAX_BODY + 1), ""),
        (gzip.compress(bytes(MAX_BODY + 1)), "gzip"),
        (gzip.compress(b"packed")[:-9], "gzip"),
        (b"junk", "gzip"),
        (b"junk", "zstd"),
    ],
    ids=["long", "bomb", "cut", "damaged", "unknown"],
)
def test_other_answers_are_refused(body: bytes, encoding: str) -> None:
    with pytest.raises(AnswerError):
        read_body([body], encoding)


def test_an_endless_answer_is_not_read_on() -> None:
    read = 0

    def chunks() -> Iterator[bytes]:
        nonlocal read
        while True:
            read += 1000
            yield bytes(1000)

    with pytest.raises(AnswerError):
        read_body(chunks(), "")

    assert read == MAX_BODY + 1000


@pytest.mark.parametrize("secret", ["", "w", "words"])
def test_what_is_too_short_for_a_secret_blacks_out_nothing(secret: str) -> None:
    assert redact("words", {"TOKEN": secret}) == "words"
    assert redact_bytes(b"words", {"TOKEN": secret}) == b"words"


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("http://localhost:9", True),
        ("http://127.0.0.1", True),
        ("http://127.9.9.9", True),
        ("http://[::1]:80", True),
        ("http://10.0.0.1", False),
        ("http://localhost.example", False),
        ("http://2130706433", False),
        ("", False),
    ],
)
def test_loopback_is_told_from_the_rest(address: str, local: bool) -> None:
    assert is_loopback(address) is local


@pytest.mark.parametrize("is_late", [False, True], ids=["in mid read", "that comes after the end"])
def test_a_deadline_cuts_a_socket(is_late: bool) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, CallDeadline(30 if is_late else 0.05) as deadline:
        if is_late:
            deadline.expire()
        deadline.watch(ours)

        assert ours.recv(1) == b""


def test_every_request_is_a_connection_of_its_own_to_the_one_origin() -> None:
    with Loopback(lambda _asked: Told()) as server:
        session = BoundedSession(_CONNECTION, Exchange(), server.origin)

        session.get("https://built.in/path?query=1")

    assert server.lines == ["GET /path"]
    assert server.asked[0].headers["Connection"] == "close"
    assert server.asked[0].headers["Accept-Encoding"] == "identity"


# -- TLS, which fails alike before a request and after it


@pytest.mark.parametrize(("is_trusted", "received"), [(False, b""), (True, b"POST /2/tweets ")])
def test_a_tls_error_proves_nothing_unless_the_server_got_nothing(
    tmp_path: Path, is_trusted: bool, received: bytes
) -> None:
    with TlsServer(tmp_path) as tls:
        facts = tls.ask(trusted=is_trusted)

    assert (facts.status, facts.is_sent) == (None, is_trusted)
    assert tls.received[:15] == received


class TlsServer:
    """Takes one request over TLS and answers with bytes that are no TLS."""

    def __init__(self, folder: Path) -> None:
        self.certificate, self._key = folder / "cert.pem", folder / "key.pem"
        command = [require_tool("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes"]
        command += ["-keyout", str(self._key), "-out", str(self.certificate), "-days", "2"]
        command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
        subprocess.run(command, check=True, capture_output=True)
        self.received = b""
        self._listener = socket.create_server(("127.0.0.1", 0))

    def __enter__(self) -> TlsServer:
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._thread.join(5)
        self._listener.close()

    def _serve(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self._key)
        plain, _ = self._listener.accept()
        raw = plain.dup()
        try:
            with context.wrap_socket(plain, server_side=True) as client:
                self.received = client.recv(65536)
                raw.sendall(b"this is no TLS record at all, and long enough to be read as one")
        except OSError:
            pass  # a client that does not trust us hangs up
        finally:
            raw.close()

    def ask(self, *, trusted: bool) -> Exchange:
        exchange, verify = Exchange(), str(self.certificate) if trusted else True
        origin = f"https://localhost:{self._listener.getsockname()[1]}"
        with (
            BoundedSession(_CONNECTION, exchange, origin) as session,
            pytest.raises(requests.exceptions.ConnectionError),
        ):
            session.post("https://built.in/2/tweets", json={}, verify=verify)
        return exchange


@pytest.mark.parametrize(
    ("status", "remaining", "wait"),
    [(429, "7", 60), (500, "0", 60), (200, "0", 60), (500, "7", None), (404, "", None)],
)
def test_when_a_limit_starts_anew_matters_only_once_it_is_reached(
    status: int, remaining: str, wait: int | None
) -> None:
    made = Exchange()

    made.answered(
        status,
        {
            "Date": "Mon, 23 Nov 2026 12:00:00 GMT",
            "x-rate-limit-reset": str(int(NOW.timestamp()) + 60),
            "x-rate-limit-remaining": remaining,
        },
    )

    assert made.wait == (None if wait is None else timedelta(seconds=wait))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"error":{"message":"gone","code":"NO_SUCH_NOTE"}}', ("", "gone")),
        (b'{"error":"invalid_token","error_description":"revoked"}', ("invalid_token", "revoked")),
        (b'{"detail":"Not found"}', ("", "Not found")),
        (b'{"detail":[{"loc":7}]}', ("", "")),
    ],
)
def test_the_words_of_an_error_are_found_wherever_servers_put_them(
    body: bytes, words: tuple[str, str]
) -> None:
    made = exchange(422)

    made.read(body)

    assert (made.error, made.message) == words


OURS = RejectedError("here", "422: too long")
THEIRS = UnauthorizedError("here", "401: revoked")


@pytest.mark.parametrize(
    ("refusal", "told", "kind"),
    [
        (OURS, None, RejectedError),
        (OURS, UnauthorizedError("here", "who?"), UnauthorizedError),
        (OURS, UnavailableError("here", "busy"), UnconfirmedError),
        (THEIRS, None, UnconfirmedError),
        (THEIRS, UnauthorizedError("here", "who?"), UnauthorizedError),
        (UnavailableError("here", "busy"), None, UnavailableError),
    ],
)
def test_a_refusal_is_believed_once_the_server_was_asked_who_we_are(
    refusal: PlatformError, told: PlatformError | None, kind: type[PlatformError]
) -> None:
    facts = exchange(422)

    def ask() -> None:
        facts.begin("GET /me")
        if told is not None:
            raise told

    meant = confirmed(facts, refusal, ask)

    assert type(meant) is kind
    assert str(refusal).removeprefix("here: ") in str(meant)
    assert (facts.path, facts.status) == ("/path", 422)
