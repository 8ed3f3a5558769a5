"""What the facts of an exchange prove, and the small parts that gather them."""

from __future__ import annotations

import gzip
import socket
import zlib
from datetime import UTC, datetime, timedelta

import pytest

from bot.errors import (
    PlatformError,
    RejectedError,
    UnauthorizedError,
    UnavailableError,
    UnconfirmedError,
)
from bot.platforms.wall import Wall
from bot.platforms.wire import (
    MAX_BODY,
    AnswerError,
    Trace,
    describe,
    is_loopback,
    redact,
    redact_bytes,
    take,
    told_wait,
    translated,
    unpack,
)

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
REFUSALS = frozenset({422})


def trace(status: int | None = None, *, sent: bool = True) -> Trace:
    made = Trace()
    made.begin("/path")
    if sent:
        made.connected()
    if status is not None:
        made.answer(status, {})
    return made


def judge(facts: Trace | None, *, writing: bool = True) -> PlatformError:
    told = Trace()

    def call() -> None:
        if facts is not None:
            told.begin(facts.path)
            told.is_sent, told.status = facts.is_sent, facts.status
        # What a library raises for a TLS break before the request and after it alike.
        raise OSError("EOF occurred in violation of protocol")

    with (
        pytest.raises(PlatformError) as caught,
        translated("here", told, writing=writing, refusals=REFUSALS if writing else frozenset()),
    ):
        call()
    return caught.value


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        (None, RejectedError),
        (trace(sent=False), UnavailableError),
        (trace(), UnconfirmedError),
        (trace(200), UnconfirmedError),
        (trace(302), UnconfirmedError),
        (trace(401), UnauthorizedError),
        (trace(403), UnauthorizedError),
        (trace(422), RejectedError),
        (trace(429), UnavailableError),
        (trace(500), UnconfirmedError),
        (trace(503), UnconfirmedError),
    ],
)
def test_a_write_is_unconfirmed_unless_the_facts_prove_more(
    facts: Trace | None, kind: type[PlatformError]
) -> None:
    assert type(judge(facts)) is kind


@pytest.mark.parametrize("facts", [None, trace(sent=False), trace(), trace(200), trace(422)])
def test_a_read_that_failed_is_unavailable(facts: Trace | None) -> None:
    assert type(judge(facts, writing=False)) is UnavailableError


def test_our_own_errors_pass_as_they_are() -> None:
    error = RejectedError("here", "so")

    with pytest.raises(RejectedError) as caught, translated("here", Trace()):
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
    assert told_wait(headers, NOW) == wait


@pytest.mark.parametrize("value", ["2026-11-23T12:01:00Z", "1795428300"])
def test_a_moment_without_the_servers_time_says_nothing(value: str) -> None:
    assert told_wait({"x-ratelimit-reset": value}, None) is None


def test_the_servers_time_is_kept_from_each_answer() -> None:
    made = Trace()

    made.answer(200, {"Date": "Mon, 23 Nov 2026 12:00:00 GMT"})

    assert made.server_time == NOW


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 99 Nov 2026 12:00:00 GMT"])
def test_a_date_that_cannot_be_read_is_no_time(date: str) -> None:
    made = Trace()

    made.answer(200, {"Date": date})

    assert made.server_time is None


def test_a_date_without_a_zone_is_utc() -> None:
    made = Trace()

    made.answer(200, {"Date": "Mon, 23 Nov 2026 12:00:00 -0000"})

    assert made.server_time == NOW


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error":"Too\\nmany \\u001b[31mwords","message":7}', "Too many [31mwords"),
        (b'{"error":"' + b"x" * 9000 + b'"}', "x" * 200),
        (b"[" * 100_000, ""),
        (b"<html>", ""),
        (b"[1]", ""),
    ],
)
def test_what_a_server_says_is_made_fit_to_be_shown(body: bytes, said: str) -> None:
    made = trace(400)

    made.body(body)

    assert made.error == said
    assert made.message == ""


def test_a_message_says_what_came_back() -> None:
    refused = trace(422)
    refused.body(b'{"error":"InvalidRecord","message":"too long"}')

    told = [describe(facts, ValueError("x")) for facts in (refused, trace(200), trace(), Trace())]

    assert told == [
        "answered 422: InvalidRecord: too long",
        "answered 200 with what cannot be read (ValueError)",
        "no answer (ValueError)",
        "not called (ValueError)",
    ]


def test_packed_answers_are_read_up_to_a_bound() -> None:
    assert unpack(b"plain", "") == b"plain"
    assert unpack(gzip.compress(b"packed"), "gzip") == b"packed"
    assert unpack(zlib.compress(b"packed"), "deflate") == b"packed"


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(bytes(MAX_BODY + 1)), "gzip"),
        (gzip.compress(b"packed")[:-9], "gzip"),
        (b"junk", "gzip"),
        (b"junk", "zstd"),
    ],
    ids=["bomb", "cut", "damaged", "unknown"],
)
def test_other_packed_answers_are_refused(body: bytes, encoding: str) -> None:
    with pytest.raises(AnswerError):
        unpack(body, encoding)


def test_a_body_is_taken_up_to_a_bound() -> None:
    assert take(iter([b"a", b"b"])) == b"ab"
    with pytest.raises(AnswerError):
        take(iter([bytes(MAX_BODY), b"x"]))


@pytest.mark.parametrize("secret", ["", "w", "words"])
def test_what_is_too_short_for_a_secret_blacks_out_nothing(secret: str) -> None:
    assert redact("words", {"TOKEN": secret}) == "words"
    assert redact_bytes(b"words", {"TOKEN": secret}) == b"words"


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("10.0.0.1", False),
        ("localhost.example", False),
        ("2130706433", False),
        ("", False),
    ],
)
def test_loopback_is_told_from_the_rest(host: str, local: bool) -> None:
    assert is_loopback(host) is local


def test_a_wall_cuts_a_socket_in_mid_read() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, Wall(0.05) as wall:
        wall.watch(ours)

        assert ours.recv(1) == b""


def test_a_socket_that_comes_after_the_end_is_cut_too() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, Wall(30) as wall:
        wall._cut()
        wall.watch(ours)

        assert ours.recv(1) == b""
