"""Row 29: a PostgreSQL that is cut off, locked, deadlocked or restarted at the worst moment."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.faults.cluster import LOCK, Cluster, CuttingProxy, Trap
from tests.faults.ledgers import Networks
from tests.faults.prepared import SECRETS
from tests.faults.reporting import Counts, total
from tests.servers.postgres import PostgresServer

pytestmark = [
    pytest.mark.server,
    pytest.mark.timeout(2400),
    pytest.mark.usefixtures("may_sleep"),
]

Make = Callable[[str], Cluster]


@pytest.fixture
def make_cluster(
    tmp_path: Path,
    world: Networks,
    postgres_server: PostgresServer,
    migrated_database: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[[str], Cluster]]:
    made: list[Cluster] = []
    for name in SECRETS:
        monkeypatch.setenv(name, "-")  # so that what a campaign sets is taken away again

    def make(accounts: str) -> Cluster:
        made.append(Cluster(tmp_path, world, postgres_server, migrated_database, accounts))
        return made[-1]

    world.order("quirk", account="m", ignores_key=True)  # a second copy would show
    yield make
    world.order("quirk", account="m", ignores_key=False)
    for one in made:
        one.close()


def assert_once(counted: Mapping[str, Any]) -> None:
    assert (counted["duplicate"], counted["lost"], counted["held"]) == (0, 0, {})
    assert counted["once"] == counted["deliveries"]


#: Statements that are cut at: a few in each run, and a sixth of all in each long one.
FEW = "few"
SIXTHS = [pytest.param(sixth, marks=pytest.mark.slow) for sixth in range(6)]


def cut_at(turns: range, which: str | int) -> Sequence[int]:
    if isinstance(which, int):
        return turns[which::6]
    return random.Random(29).sample(turns, 3)  # noqa: S311 - the same few each time


@pytest.mark.parametrize("which", [FEW, *SIXTHS])
@pytest.mark.parametrize("is_late", [False, True], ids=["before", "after"])
def test_row_29_a_connection_cut_at_any_statement(
    make_cluster: Make, tally: Counts, is_late: bool, which: str | int
) -> None:
    cluster, plays, failed = make_cluster("xmb"), [], 0
    with CuttingProxy(cluster.server.port) as proxy:
        with cluster.replica(proxy.port) as bot:
            proxy.count()
            bot.run()
        turns = range(1, proxy.turns + 1)
        for k in cut_at(turns, which):
            with cluster.replica(proxy.port) as bot:
                proxy.count(k, is_late=is_late)
                bot.run()
                proxy.count()  # a life that was shorter: not the judge is to be cut
                plays.append(bot.result())
                failed += bot.failed
                assert_once(plays[-1])

    when = "after" if is_late else "before"
    tally(29, f"connection cut {when} the server did what it was told, {len(plays)} of"
          f" {len(turns)} statements", total(*plays), injected=proxy.cuts,
          also={"errors": failed})  # fmt: skip
    # Of a few statements none need be one that ends a job: whoever asks again goes on.
    assert proxy.cuts
    assert failed or which == FEW


@pytest.mark.parametrize("accounts", ["x", pytest.param("mb", marks=pytest.mark.slow)])
def test_row_29_a_lock_that_nobody_gives_back(
    make_cluster: Make, tally: Counts, accounts: str
) -> None:
    cluster, plays = make_cluster(accounts), []
    for account in accounts:
        with cluster.replica() as bot, cluster.rival(bot) as rival:
            bot.hasten("lock_timeout", "100ms")
            cluster.spoil(account, partial(rival.execute, LOCK.format("delivery")))
            bot.run(5)
            assert bot.failed >= 5
            rival.rollback()
            bot.go_on()
            plays.append(bot.result())

    counted = total(*plays)
    tally(29, f"lock timeouts while a call is in the air ({', '.join(accounts)})", counted,
          injected=len(plays))  # fmt: skip
    assert_once(counted)


def deadlocked(cluster: Cluster, springs: Callable[[int], bool]) -> tuple[dict[str, Any], Trap]:
    """Live once, with deadlocks at some of the bot's locks."""
    with cluster.replica() as bot, cluster.rival(bot) as rival:
        bot.hasten("deadlock_timeout", "20ms")
        trap = Trap(bot, rival, springs)
        bot.run()
        trap.join()
        return bot.result(), trap


def test_row_29_deadlocks_at_one_lock_after_another(make_cluster: Make, tally: Counts) -> None:
    counted, trap = deadlocked(make_cluster("x"), lambda nth: nth % 3 == 0 and nth < 30)

    tally(29, "deadlocks with another session, all in one life", counted, injected=trap.deadlocks)
    assert trap.deadlocks
    assert_once(counted)


@pytest.mark.slow
@pytest.mark.parametrize("account", ["x", "m", "b"])
def test_row_29_a_deadlock_at_any_lock(make_cluster: Make, tally: Counts, account: str) -> None:
    cluster, plays, deadlocks = make_cluster(account), [], 0
    for at in range(1, 100):
        counted, trap = deadlocked(cluster, at.__eq__)
        plays.append(counted)
        deadlocks += trap.deadlocks
        assert_once(counted)
        if not trap.is_sprung:
            break

    tally(29, f"a deadlock with another session ({account})", total(*plays), injected=deadlocks)
    assert deadlocks >= 3, "claim, begin and accept"


@pytest.mark.parametrize("mode", ["immediate", pytest.param("fast", marks=pytest.mark.slow)])
def test_row_29_a_restart_while_a_call_is_in_the_air(
    make_cluster: Make, tally: Counts, mode: str
) -> None:
    cluster = make_cluster("xmb")

    def restart() -> None:
        cluster.server.stop(mode=mode)
        cluster.server.start()

    with cluster.replica() as bot:
        cluster.spoil("b", restart)
        cluster.spoil("m", lambda: cluster.server.stop(mode=mode))  # and it stays away
        cluster.spoil("x", restart)
        bot.run(5)
        cluster.server.start()
        back = bot.clock.now()
        bot.go_on()
        counted = bot.result()
        took = (bot.clock.now() - back).total_seconds()

    tally(29, f"restarted ({mode}) while a call is in the air", counted, injected=3,
          also={"database recovery": round(took, 1)})  # fmt: skip
    assert bot.failed >= 5
    assert_once(counted)
