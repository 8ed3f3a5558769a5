"""Row 23: hours that a clock skips or repeats, and rules of a zone that change; to the outbox."""

from __future__ import annotations

import shutil
import zoneinfo
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.clock import FastClock
from bot.errors import ContentError
from tests.fakes.running_bot import DAY, RunningBot, post
from tests.faults.reporting import Counts, judged
from tests.integration.store_rows import due

ZONE = "America/New_York"
#: The days around the two changes of that zone.
SPRING, AUTUMN = datetime(2027, 3, 12, 12, tzinfo=UTC), datetime(2027, 11, 5, 12, tzinfo=UTC)
_OTHERS = shutil.ignore_patterns("right", "posix")
NAMES = [f"n{number}" for number in range(6)]


def opened(new_bot: RunningBot, start: datetime, at: str, *more: str) -> None:
    """Start with a slot at a local time on each day, and posts that wait for it."""
    new_bot.clock = FastClock(start)
    new_bot.set("timezone: UTC", f"timezone: {ZONE}")
    new_bot.set('"09:00"', f'"{at}"')
    new_bot.start_with(*map(post, NAMES), *more)
    new_bot.approve(*(one.id for one in new_bot.services.contents.campaign().posts))


def sent_at(new_bot: RunningBot) -> list[str]:
    rows = sorted((row for row in new_bot.rows() if row.sent_at), key=due)
    return [f"{due(row):%d %H:%M}" for row in rows]


def judge(new_bot: RunningBot) -> dict[str, Any]:
    over = [row for row in new_bot.rows() if due(row) < new_bot.clock.now()]
    return judged(over, Counter(new_bot.servers["m"].texts))


def test_row_23_a_slot_in_an_hour_that_comes_twice(new_bot: RunningBot, tally: Counts) -> None:
    opened(new_bot, AUTUMN, "01:30", post("fixed", at="2027-11-07 01:45"))
    warnings = [str(problem) for problem in new_bot.services.contents.warnings()]

    new_bot.wait(AUTUMN + 4 * DAY)

    tally(23, "a slot, and a time, in an hour that comes twice", judge(new_bot), injected=2)
    assert sent_at(new_bot) == ["06 05:30", "07 05:30", "07 05:45", "08 06:30", "09 06:30"]
    assert any("2027-11-07 01:45 comes twice" in problem for problem in warnings), "people are told"


def test_row_23_a_slot_in_an_hour_that_never_comes_is_refused(
    new_bot: RunningBot, tally: Counts
) -> None:
    opened(new_bot, SPRING, "03:30")
    new_bot.set('"03:30"', '"02:30"')

    new_bot.watch(broken=True)
    new_bot.wait(SPRING + 4 * DAY)

    assert "2027-03-14 02:30 does not exist" in new_bot.services.contents.broken()
    tally(23, "a slot in an hour that never comes: what was in force stays", judge(new_bot),
          injected=1)  # fmt: skip
    assert sent_at(new_bot) == ["13 08:30", "14 07:30", "15 07:30", "16 07:30"]


def test_row_23_a_time_that_never_comes_is_refused(new_bot: RunningBot, tally: Counts) -> None:
    new_bot.set("timezone: UTC", f"timezone: {ZONE}")
    new_bot.write(post("one", at="2027-03-14 02:30"))

    with pytest.raises(ContentError, match="2027-03-14 02:30 does not exist"):
        new_bot.start()

    tally(23, "a time that never comes", injected=1)


@pytest.fixture
def rules(tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """Return a switch to a copy of the machine's zones in which ours has another one's rules."""
    before = zoneinfo.TZPATH

    def switch(other: str) -> None:
        folder = tmp_path / "zones"
        path = next(Path(folder) for folder in before if (Path(folder) / other).exists())
        shutil.copytree(path, folder, dirs_exist_ok=True, ignore=_OTHERS)
        shutil.copy(path / other, folder / ZONE)
        zoneinfo.reset_tzpath([str(folder)])
        ZoneInfo.clear_cache()

    yield switch
    zoneinfo.reset_tzpath(before)
    ZoneInfo.clear_cache()


@pytest.mark.parametrize("other", ["America/Puerto_Rico", "America/Chicago"])
def test_row_23_rules_of_a_zone_that_change_under_a_plan(
    new_bot: RunningBot, rules: Callable[[str], None], tally: Counts, other: str
) -> None:
    start = datetime(2026, 12, 7, 12, tzinfo=UTC)
    opened(new_bot, start, "09:00", post("local", at="2026-12-10 12:00"),
           post("instant", at="2026-12-10 17:00:00+00:00"))  # fmt: skip
    new_bot.wait(start + DAY)
    new_bot.stop()
    rules(other)

    new_bot.start()
    new_bot.wait(start + 10 * DAY)

    counted = judge(new_bot)
    tally(23, f"{ZONE} gets the rules of {other} under a plan", counted, injected=1)
    assert (counted["duplicate"], counted["lost"]) == (0, 0)
    hours = {row.post_id: due(row) for row in new_bot.rows() if row.sent_at}
    assert hours["instant"] == datetime(2026, 12, 10, 17, tzinfo=UTC), "what was approved"
    assert "local" not in hours, "nobody approved the instant that its words mean now"
    slots = Counter(hours[name].date() for name in NAMES)
    assert set(slots.values()) == {1}, "one post a slot"
    assert len(slots) == len(NAMES)
