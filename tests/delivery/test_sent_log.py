"""What is read of a sent log when a database is opened."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.delivery import sent_log
from bot.delivery.sent_log import SentLog, open_log, start_log
from bot.platforms.status import PostRef

NOW = datetime(2026, 12, 9, 9, tzinfo=UTC)


def confirm(log: SentLog, *numbers: int) -> None:
    for number in numbers:
        log.confirm(f"d{number}", PostRef(id=str(number), url="", cid=""), number, now=NOW)


def test_the_highest_number_counts_though_a_lower_one_was_written_after_it(tmp_path: Path) -> None:
    log = start_log(tmp_path / "log", "one", now=NOW)
    confirm(log, 1, 3, 2)

    found = open_log(tmp_path / "log")

    assert found
    assert found.seq == 3


def test_of_a_long_log_its_database_is_known_however_far_back_it_was_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sent_log, "_LAST", 4)
    log = start_log(tmp_path / "log", "one", now=NOW)
    log.adopt("two", now=NOW)
    confirm(log, *range(1, 20))

    found = open_log(tmp_path / "log")

    assert found
    assert (found.log_id, found.instance_id, found.seq) == (log.log_id, "two", 19)


@pytest.mark.parametrize(
    "torn", [b"", b'{"account":"m","at":"2026-12', b"\0" * 50], ids=["empty", "torn", "filled"]
)
def test_the_highest_number_is_known_however_many_lines_after_it_are_torn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, torn: bytes
) -> None:
    monkeypatch.setattr(sent_log, "_LAST", 4)
    log = start_log(tmp_path / "log", "one", now=NOW)
    confirm(log, *range(1, 20))
    with log.path.open("ab") as file:
        file.write((torn + b"\n") * 10 + torn)

    found = open_log(tmp_path / "log")

    assert found
    assert found.seq == 19


@pytest.mark.parametrize(
    "spoil",
    [
        lambda whole: whole.replace(b"\n", b"\r\n"),
        lambda whole: whole.removesuffix(b"\n"),
        lambda whole: whole[:-1].replace(b"\n", b"\n" + b"\0" * 9),
    ],
    ids=["CRLF", "no end of line", "filled"],
)
def test_a_line_that_is_whole_counts_whatever_is_around_it(
    tmp_path: Path, spoil: Callable[[bytes], bytes]
) -> None:
    log = start_log(tmp_path / "log", "one", now=NOW)
    confirm(log, 1, 2, 3)
    log.path.write_bytes(spoil(log.path.read_bytes()))

    found = open_log(tmp_path / "log")

    assert found
    assert (found.instance_id, found.seq) == ("one", 3)


def test_words_of_a_post_are_no_line_of_the_log(tmp_path: Path) -> None:
    log = start_log(tmp_path / "log", "one", now=NOW)
    log._append({"draft": '{"text": ",\\"instance\\":\\"x\\",\\"log\\":1"}', "seq": 1})

    found = open_log(tmp_path / "log")

    assert found
    assert (found.instance_id, found.seq) == ("one", 1)
