"""Rows 21 and 22 with the customer's command: a machine's clock that is set while it runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import require_tool
from tests.faults.ledgers import Networks, Taken
from tests.faults.reporting import Tally
from tests.faults.storm import PATIENT, Plan, Replica, Storm
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.server,
    pytest.mark.usefixtures("may_sleep"),
]

RIGHT = "+0"
#: Seconds from one post to the next: its clock is wrong around its time, then right again.
APART = 20
STEPS = {
    "+2 h": "+2h", "-2 h": "-2h", "+10 y": "+10y", "1970": "@1970-01-01 00:00:00",
    "frozen": "2026-01-01 00:00:00",
}  # fmt: skip


class Clocked(Storm):
    """One process whose wall clock reads a file; the platforms keep true time."""

    def __init__(self, folder: Path, world: Networks, posts: int) -> None:
        self._shift = folder / "shift"
        self.set(RIGHT)
        plan = Plan(posts, posts * APART, lead=15, replicas=1, share=0.0, lives=None,
                    settings=PATIENT)  # fmt: skip
        super().__init__(folder, world, plan)

    def surroundings(self, _one: Replica) -> dict[str, str]:
        library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
        return {
            "LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(self._shift),
            "FAKETIME_CACHE_DURATION": "1", "DONT_FAKE_MONOTONIC": "1",
        }  # fmt: skip

    def set(self, to: str) -> None:
        self._shift.write_text(to)

    def due(self, number: int) -> datetime:
        return self.first + timedelta(seconds=number * APART)

    def begin(self, to: str = RIGHT) -> None:
        """Start the process by this clock."""
        self.world.forget()
        self.world.set_ahead(timedelta(0))
        self.set(to)
        self._start(self.replicas[0])
        self.store = self._store()

    def wait_for_start(self) -> None:
        """Wait until the process is at work, or has given up."""
        process = self.replicas[0].process
        log = self.folder / "data.log"
        wait_until(
            lambda: '"running"' in log.read_text() or not process or process.poll() is not None,
            "started",
            log=self.log,
        )

    def rest(self) -> dict[str, Any]:
        """Wait until all is at rest, and judge."""

        def is_at_rest() -> bool:
            self._look_after(self.replicas[0], kills=False)
            return self._at_rest(self.store)

        wait_until(is_at_rest, "at rest", log=self.log)
        counted = self._judge(self.store.outbox.find(), self.world.order("told"), 0.0)
        return {name: counted[name] for name in counted if name not in {"also", "injected"}}

    def until(self, moment: datetime) -> None:
        while datetime.now(UTC) < moment:
            self._look_after(self.replicas[0], kills=False)
            time.sleep(0.05)

    def taken(self, number: int) -> list[Taken]:
        return [one for one in self.world.taken() if one.text.startswith(f"Post {number} ")]

    def end(self) -> None:
        process = self.replicas[0].process
        if process is not None:
            process.kill()
            process.wait()


@pytest.fixture
def stage(tmp_path: Path, world: Networks) -> Iterator[Callable[[int], Clocked]]:
    require_tool("faketime")
    made: list[Clocked] = []

    def make(posts: int) -> Clocked:
        made.append(Clocked(tmp_path, world, posts))
        return made[-1]

    yield make
    for one in made:
        one.end()
        one.store.close()


@pytest.mark.slow
def test_row_21_a_running_process_whose_clock_is_set(
    stage: Callable[[int], Clocked], tally: Tally
) -> None:
    one = stage(len(STEPS))
    one.begin()
    for number, (name, to) in enumerate(STEPS.items()):
        one.until(one.due(number) - timedelta(seconds=3))
        one.set(to)
        one.until(one.due(number) + timedelta(seconds=2))
        assert one.taken(number) == [], f"{name}: nothing goes out by a clock that is wrong"
        one.set(RIGHT)

    counted = one.rest()

    tally(21, f"a running process: clock {', '.join(STEPS)}, each then right again", counted,
          injected=2 * len(STEPS))  # fmt: skip
    assert_on_time(one, counted)


#: In 1970 all dates of the files are yet to come, so it does not even start; 300 days ago it does.
@pytest.mark.parametrize(
    ("name", "to"),
    [("in 1970", STEPS["1970"]), pytest.param("300 days ago", "-300d", marks=pytest.mark.slow)],
)
def test_row_22_a_process_that_starts_with_a_clock_that_is_wrong(
    stage: Callable[[int], Clocked], tally: Tally, name: str, to: str
) -> None:
    one = stage(1)
    one.begin(to)
    one.until(one.due(0) + timedelta(seconds=2))
    one.wait_for_start()
    assert one.taken(0) == []
    one.set(RIGHT)

    counted = one.rest()

    tally(22, f"a process that starts {name}, then the time is set", counted, injected=2)
    assert_on_time(one, counted)


def assert_on_time(one: Clocked, counted: dict[str, Any]) -> None:
    assert (counted["duplicate"], counted["lost"], counted["held"]) == (0, 0, {})
    assert counted["once"] == counted["deliveries"] == 3 * one.plan.posts
    for number in range(one.plan.posts):
        assert min(taken.at for taken in one.taken(number)) >= one.due(number)
