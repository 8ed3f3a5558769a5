"""What is read of a sent log when a database is opened."""

from __future__ import annotations

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


def test_words_of_a_post_are_no_line_of_the_log(tmp_path: Path) -> None:
    log = start_log(tmp_path / "log", "one", now=NOW)
    log._append({"draft": '{"text": ",\\"instance\\":\\"x\\",\\"log\\":1"}', "seq": 1})

    found = open_log(tmp_path / "log")

    assert found
    assert (found.instance_id, found.seq) == ("one", 1)
