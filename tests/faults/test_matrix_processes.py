"""Rows 6 to 9 and 29: several processes, signals, and a PostgreSQL that goes away."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.delivery.model import State
from tests.faults.ledgers import Networks
from tests.faults.networks import PUBLISH
from tests.faults.reporting import Counts
from tests.faults.running import run_program
from tests.faults.storm import HASTY, PATIENT, Calm, StormPlan
from tests.servers.postgres import PostgresServer
from tests.waiting import PATIENCE

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("may_sleep")]


MakeCalm = Callable[..., Calm]


@pytest.fixture
def make_calm(tmp_path: Path, world: Networks) -> Iterator[MakeCalm]:
    """Return a maker of two processes and a few posts; they end with the test in any case."""
    made: list[Calm] = []

    def make(*, url: str = "", posts: int = 3, is_hasty: bool = False, lead: float = 12.0) -> Calm:
        settings = HASTY if is_hasty else PATIENT
        plan = StormPlan(posts, posts, lead, share=0.0, lives=None, settings=settings)
        made.append(Calm(tmp_path, world, plan, url=url))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_row_08_two_processes_on_one_file(make_calm: MakeCalm, tally: Counts) -> None:
    calm = make_calm()
    calm.begin()
    calm.until(calm.has_standby)
    active = calm.active_process()
    active.kill()
    active.wait()

    took = calm.until(calm.has_another)

    counted = calm.end()
    tally(8, "two processes on one file, the active one killed", counted, injected=1,
          also={"take-over": round(took, 2), "kills": 1})  # fmt: skip
    assert (counted["duplicate"], counted["lost"]) == (0, 0)
    assert counted["once"] == counted["deliveries"]


def spoiled(world: Networks) -> int:
    """Return how many requests have met a fault that was ordered."""
    return int(world.order("told")["thrown"].get("ordered", 0))


def test_row_09_a_stop_in_the_middle_of_a_call(
    world: Networks, make_calm: MakeCalm, tally: Counts
) -> None:
    calm = make_calm(lead=4.0)  # nothing has to be up before the first is due
    calm.begin()
    before = spoiled(world)
    world.order("spoil", account="x", match=PUBLISH["x"], times=1, stall=PATIENCE)
    calm.until(lambda: spoiled(world) > before)  # the call is there, not only begun
    assert calm.is_sending_x()
    active = calm.active_process()
    active.send_signal(signal.SIGTERM)
    calm.until(calm.is_stopping)
    assert active.poll() is None, "it waits for the call"
    world.order("hurry", account="x")

    code = active.wait(PATIENCE)

    assert code == 0
    # The other replica may have begun to send by now.
    sending = calm.store.outbox.find(states={State.SENDING})
    assert [row.owner for row in sending if row.owner.endswith(f"/{active.pid}")] == []
    counted = calm.end()
    tally(9, "SIGTERM in the middle of a call", counted, injected=1)
    assert counted["once"] == counted["deliveries"]


@pytest.mark.slow
def test_row_06_a_sender_that_stands_still_for_two_leases(
    world: Networks, make_calm: MakeCalm, postgres_url: str, tally: Counts
) -> None:
    calm = make_calm(url=postgres_url, is_hasty=True)
    calm.begin()
    world.order("spoil", account="x", match=PUBLISH["x"], times=1, stall=1.0)
    calm.until(calm.is_sending_x)
    (row,) = calm.store.outbox.find(states={State.SENDING}, account="x")
    sender = int(row.owner.rpartition("/")[2])
    os.kill(sender, signal.SIGSTOP)
    time.sleep(17)  # two leases of eight seconds
    os.kill(sender, signal.SIGCONT)

    counted = calm.end()

    tally(6, "SIGSTOP for two leases in the middle of a call, 2 replicas", counted, injected=1)
    assert (counted["duplicate"], counted["lost"]) == (0, 0)
    assert counted["once"] == counted["deliveries"]


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_row_29_postgresql_goes_away_and_comes_back(
    make_calm: MakeCalm, postgres_server: PostgresServer, tally: Counts, mode: str
) -> None:
    with postgres_server.database() as url:
        calm = make_calm(url=url, posts=30, is_hasty=True)
        calm.begin()
        calm.until(calm.is_due)
        for _ in range(3):
            time.sleep(3)
            postgres_server.stop(mode=mode)
            time.sleep(1)
            postgres_server.start()
        counted = calm.end()

    tally(29, f"PostgreSQL stopped ({mode}) and started thrice, 2 replicas", counted, injected=3)
    assert (counted["duplicate"], counted["lost"]) == (0, 0)
    assert counted["once"] == counted["deliveries"]


@pytest.mark.parametrize(
    ("account", "cuts"),
    [("m", 1), *(pytest.param(name, 12, marks=pytest.mark.slow) for name in ("x", "m", "b"))],
)
def test_row_07_a_sender_that_stands_still_in_the_middle_of_a_body(
    postgres_server: PostgresServer,
    migrated_database: str,
    tally: Counts,
    account: str,
    cuts: int,
) -> None:
    where = ("--port", str(postgres_server.port), "--template", migrated_database)
    counted = run_program("stops", account, *where, "--cuts", str(cuts))

    tally(7, f"SIGSTOP within request and answer for 10 min, another replica at work ({account})",
          counted)  # fmt: skip
    assert counted["injected"] == 2 * cuts
    assert (counted["duplicate"], counted["lost"]) == (0, 0)
    assert counted["once"] + sum(counted["held"].values()) == counted["deliveries"]
