"""A log record is one line of JSON in UTC that tells no secret."""

from __future__ import annotations

import base64
import io
import json
import logging
import re
import string
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from bot import log, masking, visible
from tests.conftest import ROOT

SECRET = 'tok/3f9c+2a"77=é'
HOSTILE = st.text(
    st.one_of(
        st.sampled_from('\r\n\x00\x1b\x7f\x85\u2028\u2029\u202e\u2066\u200f\ud800\udfff"\\{}ئ'),
        st.characters(),
    )
)


class Lines:
    """What was logged."""

    def __init__(self, stream: io.StringIO) -> None:
        self._stream = stream

    @property
    def text(self) -> str:
        return self._stream.getvalue()

    def only(self) -> dict[str, Any]:
        """The one record there is; as JSON."""
        assert self.text.endswith("\n")
        assert len(self.text.splitlines()) == 1
        record: dict[str, Any] = json.loads(self.text)
        return record


@pytest.fixture
def put_back(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level, logging.getLogger("bot").level
    fresh = masking.Masker()
    monkeypatch.setattr(log, "masked", fresh)
    monkeypatch.setattr(masking, "masked", fresh)
    monkeypatch.setattr(masking, "mask", fresh.add)
    yield
    root.handlers[:], root.level = before[0], before[1]
    logging.getLogger("bot").setLevel(before[2])
    structlog.reset_defaults()


@pytest.fixture
def lines(put_back: None) -> Lines:
    stream = io.StringIO()
    log.configure(stream=stream, level="DEBUG")
    return Lines(stream)


def fresh(form: str = "json") -> Lines:
    stream = io.StringIO()
    log.configure(stream=stream, form="console" if form == "console" else "json")
    return Lines(stream)


def test_a_record_has_its_time_in_utc_its_level_its_logger_and_its_values(lines: Lines) -> None:
    log.get_logger("bot.delivery").warning("held", delivery="d1", attempts=3, after=1.5, by=None)

    record = lines.only()
    age = datetime.now(UTC) - datetime.fromisoformat(record.pop("time"))
    assert abs(age.total_seconds()) < 60
    assert record == {
        "event": "held",
        "level": "warning",
        "logger": "bot.delivery",
        "delivery": "d1",
        "attempts": 3,
        "after": 1.5,
        "by": None,
    }


@pytest.fixture(scope="module")
def handlers_kept() -> Iterator[None]:
    before = logging.getLogger().handlers[:]
    yield
    logging.getLogger().handlers[:] = before


@given(event=HOSTILE, key=HOSTILE, value=HOSTILE)
def test_any_text_makes_exactly_one_line_that_reads_back(
    handlers_kept: None, event: str, key: str, value: str
) -> None:
    lines = fresh()

    log.get_logger("bot").info(event, nested={key: [value]}, same=value)

    record = lines.only()
    written = lines.text.removesuffix("\n")
    assert visible.line(written) == written
    assert record["event"] == masking.masked(event)
    assert record["nested"] == {masking.masked(key): [masking.masked(value)]}
    assert record["same"] == masking.masked(value)


@given(text=HOSTILE)
def test_a_record_for_a_person_cannot_be_forged_either(handlers_kept: None, text: str) -> None:
    lines = fresh("console")

    log.get_logger("bot").info("said", by=text, exception=f"Error: {text}\nend")

    first, *rest = lines.text.split("\n")[:-1]
    assert "said" in first
    assert all(line.startswith("  | ") for line in rest)
    assert visible.block(lines.text) == lines.text


@pytest.mark.parametrize(
    "shown",
    [
        SECRET,
        quote(SECRET, safe=""),
        quote(SECRET),
        quote_plus(SECRET),
        re.sub("%..", lambda found: found[0].lower(), quote(SECRET, safe="")),
        repr({"token": SECRET}),
        json.dumps([SECRET]),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip("="),
    ],
)
def test_a_secret_is_masked_however_it_is_written(shown: str, lines: Lines) -> None:
    masking.mask(SECRET)

    log.get_logger("bot").info(
        f"sent {shown}", value=shown, deep=[{shown: {shown}}], odd=Odd(shown)
    )

    lines.only()
    core = shown.strip("{}[]'\"=")
    assert core[2:-3] not in lines.text
    assert "tok/3f9c" not in lines.text
    assert masking.STARS in lines.text


class Odd:
    """A value that only `str` can show."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __str__(self) -> str:
        return self._text


class Broken:
    """A value that cannot be shown."""

    def __str__(self) -> str:
        raise ValueError(SECRET)


@given(before=st.binary(max_size=8), after=st.binary(max_size=8))
def test_a_secret_inside_base64_is_masked_at_every_alignment(before: bytes, after: bytes) -> None:
    masker = masking.Masker()
    masker.add("correct-horse-battery")

    shown = base64.b64encode(before + b"correct-horse-battery" + after).decode()

    assert masking.STARS in masker(shown)


@given(st.text(string.ascii_letters + string.digits + "+/=%&\"'\\", min_size=4, max_size=40))
def test_no_secret_survives_whole(secret: str) -> None:
    masker = masking.Masker()
    masker.add(secret)

    text = masker(f"a {secret} {secret}{secret} {quote(secret, safe='')} b")

    assert secret not in text.replace(masking.STARS, "")


def test_a_numeric_secret_is_masked_as_a_number_too(lines: Lines) -> None:
    masking.mask("73920458")

    log.get_logger("bot").info("x", code=73920458, other=5)

    assert (lines.only()["code"], lines.only()["other"]) == (masking.STARS, 5)


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer abc.def-ghi",
        "{'Authorization': 'Bearer abc.def-ghi'}",
        "authorization=bearer%20abc.def-ghi",
        "DPoP abc.def-ghi",
        "{'accessJwt': 'eyJabcXAiOiJh.eyJzY29wZ.sig-nature'}",
    ],
)
def test_a_token_of_a_session_is_masked_without_being_known(text: str, lines: Lines) -> None:
    log.get_logger("bot").info(text)

    assert "abc" not in lines.text
    assert masking.STARS in lines.only()["event"]


def parse(text: str) -> None:
    raise ValueError(f"inner {text}")


def raise_with(text: str) -> None:
    try:
        parse(text)
    except ValueError as error:
        raise RuntimeError(f"https://api.example/2/tweets?token={text}&x=1") from error


def test_a_traceback_is_one_line_masked_with_queries_cut(lines: Lines) -> None:
    masking.mask(SECRET)

    try:
        raise_with(SECRET)
    except RuntimeError:
        log.get_logger("bot").exception("failed")

    trace = lines.only()["exception"]
    assert "inner ***" in trace
    assert "https://api.example/2/tweets?…" in trace
    assert "Traceback (most recent call last)" in trace
    assert SECRET not in lines.text


LIBRARIES = "tweepy", "urllib3.connectionpool", "httpx", "requests_oauthlib", "mastodon", "atproto"


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_s_debug_lines_are_never_written(library: str, lines: Lines) -> None:
    logging.getLogger(library).setLevel(logging.DEBUG)
    try:
        logging.getLogger(library).debug("PARAMS: %s", {"oauth_token": "abc"})
    finally:
        logging.getLogger(library).setLevel(logging.NOTSET)

    assert lines.text == ""


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_s_queries_are_cut_and_its_secrets_masked(library: str, lines: Lines) -> None:
    masking.mask("oauth-secret")

    logging.getLogger(library).info(
        'HTTP Request: GET %s "HTTP/1.1 200 OK" and %s by %s',
        "https://api.example/2/users?ids=1&key=abc",
        "/1/x?y=z",
        "oauth-secret",
    )

    record = lines.only()
    assert record["logger"] == library
    assert record["event"] == (
        'HTTP Request: GET https://api.example/2/users?… "HTTP/1.1 200 OK" and /1/x?… by ***'
    )


def test_a_level_above_info_holds_for_libraries_too(put_back: None) -> None:
    stream = io.StringIO()
    log.configure(stream=stream, level="ERROR")

    logging.getLogger("httpx").warning("x")
    log.get_logger("bot").warning("x")

    assert stream.getvalue() == ""


def test_a_value_that_cannot_be_shown_does_not_lose_the_record(lines: Lines) -> None:
    log.get_logger("bot").info("x", value=Broken(), number=float("nan"))

    assert lines.only()["value"] == "<Broken, not printable: ValueError>"
    assert lines.only()["number"] == "nan"


def test_a_record_that_cannot_be_written_tells_no_values(lines: Lines) -> None:
    record = logging.LogRecord("tweepy", logging.INFO, "x.py", 1, "%d", (SECRET,), None)

    logging.getLogger().handlers[0].handle(record)

    assert lines.only()["event"] == "unwritable record"
    assert SECRET not in lines.text


def test_a_broken_stderr_stops_nothing(lines: Lines, put_back: None) -> None:
    stream = io.StringIO()
    log.configure(stream=stream)
    stream.close()

    log.get_logger("bot").info("nobody hears this")


def test_a_huge_or_endless_value_is_bounded(lines: Lines) -> None:
    endless: list[object] = []
    endless.append(endless)
    secret_at_the_cut = "x" * (log.LONGEST_TEXT - 4) + "correct-horse"
    masking.mask("correct-horse")

    log.get_logger("bot").info("x", text=secret_at_the_cut, endless=endless)

    assert len(lines.text) < log.LONGEST_TEXT + 1_000
    assert "corr" not in lines.text


UNCAUGHT = """
import threading, warnings
from bot import log, masking, visible
log.configure(); log.catch_uncaught(); masking.mask("correct-horse")
def fail():
    raise ValueError("correct-horse")
thread = threading.Thread(target=fail); thread.start(); thread.join()
warnings.warn("correct-horse")
fail()
"""


def test_what_nobody_catches_is_logged_masked() -> None:
    done = subprocess.run(
        [sys.executable, "-c", UNCAUGHT], cwd=ROOT, capture_output=True, text=True
    )

    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert [event["level"] for event in events] == ["critical", "warning", "critical"]
    assert done.returncode == 1
    assert "horse" not in done.stderr + done.stdout


def test_the_same_trouble_is_written_once_a_minute(
    put_back: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, stream = [0.0], io.StringIO()
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    log.configure(stream=stream)
    logger = log.get_logger("bot.test")

    for second in range(0, 150, 10):
        now[0] = float(second)
        logger.info("sent", delivery="a")
        logger.error("tick failed", exc_info=OSError("the disk is full"))
        logger.warning("held", delivery="a" if second else "b")

    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    told = [(line["event"], line.get("repeated", 0)) for line in lines if line["event"] != "sent"]
    assert told == [
        ("tick failed", 0), ("held", 0), ("held", 0),
        ("tick failed", 5), ("held", 5), ("tick failed", 5), ("held", 5),
    ]  # fmt: skip
    assert len([line for line in lines if line["event"] == "sent"]) == 15


def test_another_error_under_the_same_words_is_written_with_its_traceback(lines: Lines) -> None:
    logger, library = log.get_logger("bot.test"), logging.getLogger("library")
    for text in ("one", "two", "one"):
        try:
            int(text, 2)
        except ValueError as error:
            logger.exception("tick failed")
            logger.exception("uncaught", exc_info=(ValueError, error, error.__traceback__))
            library.exception("no answer")

    told = [json.loads(line) for line in lines.text.splitlines()]

    assert [line["event"] for line in told] == ["tick failed", "uncaught", "no answer"] * 2
    assert ["'two'" in line["exception"] for line in told] == [False] * 3 + [True] * 3
