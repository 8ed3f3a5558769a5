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
from tests.faults.reporting import Counts
from tests.faults.storm import PATIENT, Calm, ReplicaProcess, StormPlan

pytestmark = [
    pytest.mark.server,
    pytest.mark.usefixtures("may_sleep"),
]

RIGHT = "+0"
#: Seconds after which what has ended is started again, as supervisors do.
RESTART = 5
#: Seconds from one post to the next: its clock is wrong around its time, then right again.
APART = 20
STEPS = {
    "+2 h": "+2h", "-2 h": "-2h", "+10 y": "+10y", "1970": "@1970-01-01 00:00:00",
    "frozen": "2026-01-01 00:00:00",
}  # fmt: skip


class Clocked(Calm):
    """One process whose wall clock reads a file; the platforms keep true time."""

    def __init__(self, folder: Path, world: Networks, posts: int) -> None:
        self._shift = folder / "shift"
        self.set(RIGHT)
        plan = StormPlan(posts, posts * APART, lead=15, replicas=1, share=0.0, lives=None,
                    settings=PATIENT)  # fmt: skip
        super().__init__(folder, world, plan)

    def surroundings(self, _one: ReplicaProcess) -> dict[str, str]:
        library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
        return {
            "LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(self._shift),
            "FAKETIME_CACHE_DURATION": "1", "DONT_FAKE_MONOTONIC": "1",
        }  # fmt: skip

    def set(self, to: str) -> None:
        self._shift.write_text(to)

    def due(self, number: int) -> datetime:
        return self.first + timedelta(seconds=number * APART)

    def begin_by(self, to: str) -> None:
        """Start the process by this clock."""
        self.set(to)
        self.begin()

    def has_started(self) -> bool:
        """Return whether the process is at work, or has given up."""
        process = self.replicas[0].process
        return '"running"' in self.logged() or not process or process.poll() is not None

    def _look_after(self, one: ReplicaProcess, *, kills: bool) -> None:
        if time.monotonic() > one.started_at + RESTART:
            super()._look_after(one, kills=kills)

    def is_done(self) -> bool:
        self._look_after(self.replicas[0], kills=False)
        return super().is_done()

    def wait_for(self, moment: datetime) -> None:
        while datetime.now(UTC) < moment:
            self._look_after(self.replicas[0], kills=False)
            time.sleep(0.05)

    def taken(self, number: int) -> list[Taken]:
        return [
            status for status in self.world.taken() if status.text.startswith(f"Post {number} ")
        ]


@pytest.fixture
def make_clocked(tmp_path: Path, world: Networks) -> Iterator[Callable[[int], Clocked]]:
    require_tool("faketime")
    made: list[Clocked] = []

    def make(posts: int) -> Clocked:
        made.append(Clocked(tmp_path, world, posts))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.mark.slow
def test_row_21_a_running_process_whose_clock_is_set(
    make_clocked: Callable[[int], Clocked], tally: Counts
) -> None:
    one = make_clocked(len(STEPS))
    one.begin_by(RIGHT)
    for number, (name, to) in enumerate(STEPS.items()):
        one.wait_for(one.due(number) - timedelta(seconds=3))
        one.set(to)
        one.wait_for(one.due(number) + timedelta(seconds=2))
        assert one.taken(number) == [], f"{name}: nothing goes out by a clock that is wrong"
        one.set(RIGHT)

    counted = one.end()

    tally(21, f"a running process: clock {', '.join(STEPS)}, each then right again", counted,
          injected=2 * len(STEPS))  # fmt: skip
    assert_on_time(one, counted)


#: In 1970 all dates of the files are yet to come, so it does not even start; 300 days ago it does.
@pytest.mark.parametrize(
    ("name", "to"),
    [
        pytest.param("in 1970", STEPS["1970"], marks=pytest.mark.deep),
        pytest.param("300 days ago", "-300d", marks=pytest.mark.slow),
    ],
)
def test_row_22_a_process_that_starts_with_a_clock_that_is_wrong(
    make_clocked: Callable[[int], Clocked], tally: Counts, name: str, to: str
) -> None:
    one = make_clocked(1)
    one.begin_by(to)
    one.wait_for(one.due(0) + timedelta(seconds=2))
    one.until(one.has_started)
    assert one.taken(0) == []
    one.set(RIGHT)

    counted = one.end()

    tally(22, f"a process that starts {name}, then the time is set", counted, injected=2)
    assert_on_time(one, counted)


def assert_on_time(one: Clocked, counted: dict[str, Any]) -> None:
    assert (counted["duplicate"], counted["lost"], counted["held"]) == (0, 0, {})
    assert counted["once"] == counted["deliveries"] == 3 * one.plan.posts
    for number in range(one.plan.posts):
        assert min(taken.at for taken in one.taken(number)) >= one.due(number)


class Apart(Calm):
    """Three processes: one machine is an hour ahead, one an hour behind, one has the time."""

    def surroundings(self, one: ReplicaProcess) -> dict[str, str]:
        shift = dict(zip(("data-0", "data-1"), ("+1h", "-1h"), strict=True)).get(one.data.name)
        if shift is None:
            return {}
        library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
        return {"LD_PRELOAD": str(library), "FAKETIME": shift, "DONT_FAKE_MONOTONIC": "1"}


@pytest.mark.deep
def test_row_21_replicas_whose_clocks_disagree(
    tmp_path: Path, world: Networks, postgres_url: str, tally: Counts
) -> None:
    require_tool("faketime")
    plan = StormPlan(posts=2, over=4, replicas=3, share=0.0, lives=None, settings=PATIENT)
    apart = Apart(tmp_path, world, plan, url=postgres_url)
    try:
        apart.begin()
        counted = apart.end()
    finally:
        apart.close()

    tally(21, "three replicas: one an hour ahead, one an hour behind", counted, injected=2)
    assert (counted["duplicate"], counted["lost"]) == (0, 0)
    assert counted["once"] == counted["deliveries"] == 6
    assert min(status.at for status in world.taken()) >= apart.first
