"""Rows 6, 8, 9 and 29: several processes, signals, and a PostgreSQL that goes away."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.delivery.model import State
from bot.planning.store import Store
from tests.faults.ledgers import Networks
from tests.faults.networks import PUBLISH
from tests.faults.reporting import Tally
from tests.faults.storm import HASTY, PATIENT, Plan, Storm
from tests.servers.postgres import PostgresServer
from tests.waiting import PATIENCE, wait_until

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("may_sleep")]


class Calm(Storm):
    """The same processes without a storm; each test does one thing to them."""

    def __init__(self, *where: Any, **how: Any) -> None:
        super().__init__(*where, **how)
        self.opened: list[Store] = []
        self.was_active = 0

    def begin(self) -> None:
        self.clear()
        for one in self.replicas:
            self._start(one)
        self.store = self._store()
        self.opened.append(self.store)

    def until(self, is_so: Callable[[], bool]) -> float:
        """Wait until something is so; how long that took."""
        began = time.monotonic()
        wait_until(is_so, getattr(is_so, "__name__", ""), log=self.log, every=0.05)
        return time.monotonic() - began

    def has_standby(self) -> bool:
        return "standing by" in self._told()

    def is_stopping(self) -> bool:
        return '"stopping"' in self._told()

    def _told(self) -> str:
        return "".join(path.read_text() for path in self.folder.glob("data*.log"))

    def is_sending_x(self) -> bool:
        rows = self.store.outbox.find(states={State.SENDING}, account="x")
        attempts = [one for row in rows for one in self.store.outbox.attempts_of(row.id)]
        return any(one.phase == "calling" for one in attempts)

    def is_due(self) -> bool:
        return datetime.now(UTC) >= self.first

    def is_done(self) -> bool:
        return self._at_rest(self.store)

    def has_another(self) -> bool:
        return self._active() not in {0, self.was_active}

    def has_active(self) -> bool:
        return self._active() != 0

    def end(self) -> dict[str, object]:
        self.until(self.is_done)
        told = self.world.order("told")
        counted = self._judge(self.store.outbox.find(), told, 0.0)
        return {name: counted[name] for name in counted if name not in {"also", "injected"}}

    def close(self) -> None:
        super().close()
        for store in self.opened:
            store.close()


MakeCalm = Callable[..., Calm]


@pytest.fixture
def calm(tmp_path: Path, world: Networks) -> Iterator[MakeCalm]:
    """Return a maker of two processes and a few posts; they end with the test in any case."""
    made: list[Calm] = []

    def make(*, url: str = "", posts: int = 3, is_hasty: bool = False) -> Calm:
        settings = HASTY if is_hasty else PATIENT
        plan = Plan(posts=posts, over=posts, share=0.0, lives=None, settings=settings)
        made.append(Calm(tmp_path, world, plan, url=url))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_row_08_two_processes_on_one_file(calm: MakeCalm, tally: Tally) -> None:
    stage = calm()
    stage.begin()
    stage.until(stage.has_standby)
    stage.was_active = stage._active()
    active = next(
        one for one in stage.replicas if one.process and one.process.pid == stage.was_active
    )
    assert active.process is not None
    active.process.kill()
    active.process.wait()

    took = stage.until(stage.has_another)

    counted = stage.end()
    tally(8, "two processes on one file, the active one killed", counted, injected=1,
          also={"take-over": round(took, 2), "kills": 1})  # fmt: skip
    assert (counted["duplicate"], counted["lost"]) == (0, 0)
    assert counted["once"] == counted["deliveries"]


def test_row_09_a_stop_in_the_middle_of_a_call(
    world: Networks, calm: MakeCalm, tally: Tally
) -> None:
    stage = calm()
    stage.begin()
    world.order("spoil", account="x", match=PUBLISH["x"], times=1, stall=PATIENCE)
    stage.until(stage.is_sending_x)
    stage.was_active = stage._active()
    active = next(
        one for one in stage.replicas if one.process and one.process.pid == stage.was_active
    )
    assert active.process is not None
    active.process.send_signal(signal.SIGTERM)
    stage.until(stage.is_stopping)
    assert active.process.poll() is None, "it waits for the call"
    world.order("hurry", account="x")

    code = active.process.wait(PATIENCE)

    assert code == 0
    assert not stage.store.outbox.find(states={State.SENDING})
    counted = stage.end()
    tally(9, "SIGTERM in the middle of a call", counted, injected=1)
    assert counted["once"] == counted["deliveries"]


@pytest.mark.slow
def test_row_06_a_sender_that_stands_still_for_two_leases(
    world: Networks, calm: MakeCalm, postgres_url: str, tally: Tally
) -> None:
    stage = calm(url=postgres_url, is_hasty=True)
    stage.begin()
    world.order("spoil", account="x", match=PUBLISH["x"], times=1, stall=1.0)
    stage.until(stage.is_sending_x)
    for one in stage.replicas:
        assert one.process is not None
    (row,) = stage.store.outbox.find(states={State.SENDING}, account="x")
    sender = next(
        one for one in stage.replicas
        if one.process and row.owner.endswith(f"/{one.process.pid}")
    )  # fmt: skip
    assert sender.process is not None
    sender.process.send_signal(signal.SIGSTOP)
    time.sleep(17)  # two leases of eight seconds
    sender.process.send_signal(signal.SIGCONT)

    counted = stage.end()

    tally(6, "SIGSTOP for two leases in the middle of a call, 2 replicas", counted, injected=1)
    assert (counted["duplicate"], counted["lost"]) == (0, 0)
    assert counted["once"] == counted["deliveries"]


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_row_29_postgresql_goes_away_and_comes_back(
    calm: MakeCalm, postgres_server: PostgresServer, tally: Tally, mode: str
) -> None:
    with postgres_server.database() as url:
        stage = calm(url=url, posts=30, is_hasty=True)
        stage.begin()
        stage.until(stage.is_due)
        for _ in range(3):
            time.sleep(3)
            postgres_server.stop(mode=mode)
            time.sleep(1)
            postgres_server.start()
        counted = stage.end()

    tally(29, f"PostgreSQL stopped ({mode}) and started thrice, 2 replicas", counted, injected=3)
    assert (counted["duplicate"], counted["lost"]) == (0, 0)
    assert counted["once"] == counted["deliveries"]
