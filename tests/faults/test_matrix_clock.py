"""Rows 21 and 22: a clock that is wrong delays, and never blurts."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.clock import FastClock
from bot.delivery.model import State
from bot.engine.clock_guard import ClockGuard
from tests.conftest import require_tool
from tests.faults.judged_bot import JudgedBot
from tests.faults.ledgers import ROOT
from tests.faults.reporting import Counts

Make = Callable[..., JudgedBot]
MINUTE = timedelta(minutes=1)
STEPS = {"+2 h": timedelta(hours=2), "-2 h": timedelta(hours=-2), "+10 y": timedelta(days=3650)}


def run_for(bot: JudgedBot, seconds: int) -> None:
    """Let the bot work while true time passes, whatever its clock says."""
    for _ in range(seconds):
        bot.work()
        bot.clock.pass_by(timedelta(seconds=1))


@pytest.mark.parametrize("name", list(STEPS))
def test_row_21_a_step_before_it_is_due(make_bot: Make, tally: Counts, name: str) -> None:
    bot = make_bot()
    bot.start()
    run_for(bot, 2)
    bot.clock.wrong_by = STEPS[name]

    run_for(bot, 10)

    assert bot.world.taken() == [], "early"
    bot.clock.wrong_by = timedelta(0)
    counted = bot.result()
    tally(21, f"clock {name} before it is due, then right again", counted, injected=1)
    early = [status for status in bot.world.taken() if status.at < bot.due]
    assert early == []
    assert (counted["duplicate"], counted["lost"], counted["once"]) == (0, 0, 3)


@pytest.mark.parametrize("name", list(STEPS))
def test_row_21_a_step_while_it_waits_to_be_tried_again(
    make_bot: Make, tally: Counts, name: str
) -> None:
    bot = make_bot("m")
    bot.start()
    bot.wait(bot.due - timedelta(seconds=1))
    bot.proxies["m"].refuse()
    bot.wait(bot.due + timedelta(seconds=5))
    bot.clock.wrong_by = STEPS[name]
    bot.proxies["m"].accept()
    run_for(bot, 5)
    assert bot.world.taken() == []
    bot.clock.wrong_by = timedelta(0)

    counted = bot.result()

    tally(21, f"clock {name} between two tries", counted, injected=1)
    assert counted["once"] == 1


def test_row_21_a_clock_that_stands_still_sends_nothing_early(
    make_bot: Make, tally: Counts
) -> None:
    bot = make_bot("m")
    bot.start()
    for _ in range(60):
        bot.clock.wrong_by -= timedelta(seconds=1)
        run_for(bot, 1)
    assert bot.world.taken() == []
    bot.clock.wrong_by = timedelta(0)

    counted = bot.result()

    tally(21, "clock frozen for a minute, then right again", counted, injected=1)
    assert counted["once"] == 1


@pytest.mark.parametrize("wrong", [timedelta(days=-20_000), timedelta(minutes=3)])
def test_row_22_a_clock_that_is_wrong_from_the_start(
    make_bot: Make, tally: Counts, wrong: timedelta
) -> None:
    bot = make_bot("m")
    bot.start()
    bot.stop()
    bot.clock.wrong_by = wrong
    bot.start()
    run_for(bot, 29)

    assert bot.world.taken() == []
    assert bot.services.clock_guard.why() or wrong < timedelta(0)
    bot.clock.wrong_by = timedelta(0)
    bot.restart()
    counted = bot.result()

    tally(22, f"started with a clock that is {wrong} wrong", counted, injected=1)
    assert counted["once"] == 1
    assert all(status.at >= bot.due for status in bot.world.taken())


def test_one_server_that_is_wrong_stops_nobody() -> None:
    clock = FastClock(datetime(2026, 12, 9, tzinfo=UTC))
    guard = ClockGuard(clock)

    guard.note_server_time("wrong", clock.now() + timedelta(hours=1))
    guard.note_server_time("right", clock.now() + timedelta(seconds=2))

    assert guard.why() == ""
    assert guard.is_sure()


def test_servers_that_agree_against_the_clock_stop_all() -> None:
    clock = FastClock(datetime(2026, 12, 9, tzinfo=UTC))
    guard = ClockGuard(clock)

    guard.note_server_time("one", clock.now() - timedelta(minutes=2))
    guard.note_server_time("two", clock.now() - timedelta(minutes=3))

    assert guard.why() == "the machine's clock is 120 s ahead of what every server says"
    assert not guard.is_sure(lambda: True)


def test_what_was_released_by_a_wrong_clock_waits_for_its_time(make_bot: Make) -> None:
    bot = make_bot("m")
    bot.start()
    bot.clock.wrong_by = timedelta(hours=2)
    bot.services.releaser.run("m")
    (row,) = bot.rows()
    assert row.state in {State.READY, State.HELD}
    bot.clock.wrong_by = timedelta(0)

    bot.services.publisher.run("m")

    assert bot.world.taken() == []


def test_a_live_jump_of_the_machine_s_clock_is_noticed(tmp_path: Path) -> None:
    require_tool("faketime")
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    shift = tmp_path / "time"
    shift.write_text("+0")
    program = (
        "import pathlib, sys\n"
        "from datetime import datetime, UTC\n"
        "from bot.clock import SystemClock\n"
        "from bot.engine.clock_guard import ClockGuard\n"
        "guard = ClockGuard(SystemClock())\n"
        "guard.note_server_time('one', datetime.now(UTC))\n"
        "print(guard.is_sure())\n"
        f"pathlib.Path({str(shift)!r}).write_text('+2h')\n"
        "print(guard.is_sure(), guard.is_sure(lambda: False))\n"
    )
    environment = {
        "PATH": os.environ["PATH"],
        "LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(shift),
        "FAKETIME_NO_CACHE": "1", "DONT_FAKE_MONOTONIC": "1",
    }  # fmt: skip

    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip

    told = [line for line in done.stdout.splitlines() if "clock" not in line]
    assert told == ["True", "False False"], done.stderr
