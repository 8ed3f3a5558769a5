"""Rows 24, 25, 27, 28 and 32: what a disk, a file, a restore and a month can do."""

from __future__ import annotations

import errno
import gc
import os
import random
import resource
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from statistics import linear_regression

import pytest

from bot.db.backup import restore
from bot.db.lock import lock_beside
from bot.delivery.model import State
from bot.errors import BotError, DatabaseUnusableError, UnavailableError, UnconfirmedError
from bot.operations.opening import open_store
from tests.fakes.running_bot import DAY, MINUTE, NINE, START, RunningBot, post
from tests.faults.cluster import Replica
from tests.faults.judged_bot import JudgedBot
from tests.faults.reporting import Counts, judged_by_account
from tests.integration.store_rows import NO_ROOM, due

Make = Callable[..., JudgedBot]


# Row 24


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """Let no file grow beyond that; Python turns the signal into an error."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("limit", [100, 520, 2_000, 8_300, 20_000, -1, -8_192])
def test_row_24_no_room_at_the_moment_of_sending(make_bot: Make, tally: Counts, limit: int) -> None:
    bot = make_bot("xmb")
    bot.start()
    bot.wait(bot.due - timedelta(seconds=1))
    grown = bot.campaign.data.joinpath("live.db").stat().st_size
    with files_up_to(limit if limit > 0 else grown - limit - 1):
        for _ in range(5):
            for account in "xmb":
                try:
                    bot.services.work_account(account)
                except (BotError, OSError):
                    continue
            bot.clock.jump(bot.clock.now() + timedelta(seconds=1))
        began = [row for row in bot.rows() if row.attempts]
        assert len(bot.world.taken()) <= len(began), "sent without a stored intent"

    bot.restart()
    counted = bot.result()

    tally(24, "no room for files, then room again", counted, injected=1)
    assert (counted["duplicate"], counted["lost"], counted["once"]) == (0, 0, 3)


# Row 25


@pytest.mark.parametrize("failing", [1, 2, 5])
def test_row_25_a_disk_that_does_not_sync(
    make_bot: Make, tally: Counts, failing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = make_bot("xmb")
    bot.start()
    bot.wait(bot.due - timedelta(seconds=1))
    left = [failing]
    real = os.fsync

    def fail(descriptor: int) -> None:
        if left[0]:
            left[0] -= 1
            raise OSError(errno.EIO, "Input/output error")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fail)
    bot.wait(bot.due)

    counted = bot.result()

    tally(25, "fsync of the sent log fails", counted, injected=failing)
    assert (counted["duplicate"], counted["lost"], counted["once"]) == (0, 0, 3)


# Row 27


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096:4196] = bytes(100)
    path.write_bytes(content)


def _newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()


_DAMAGE: dict[str, Callable[[Path], object]] = {
    "a page flipped": _flip,
    "truncated": lambda path: os.truncate(path, path.stat().st_size // 2),
    "zero length": lambda path: path.write_bytes(b""),
    "missing": lambda path: path.unlink(),
    "a newer schema": _newer,
    "another file": lambda path: path.write_bytes(b"#!/bin/sh\n" * 1000),
}


@pytest.mark.parametrize("name", list(_DAMAGE))
def test_row_27_a_damaged_database_is_refused(
    new_bot: RunningBot, tally: Counts, name: str
) -> None:
    new_bot.start_approved(post("one", at=NINE), post("two", at=NINE + DAY))
    new_bot.wait(NINE)
    new_bot.stop()
    _DAMAGE[name](new_bot.folder / "data" / "live.db")

    with pytest.raises(DatabaseUnusableError):
        open_store(new_bot.url, create=True, room=NO_ROOM)

    sends = len(new_bot.servers["m"].live)
    tally(27, f"database: {name}", injected=1, deliveries=1, once=sends, also={"sends after": 0})
    assert sends == 1


# Row 28

_AGES = {"1 minute": MINUTE, "1 day": DAY, "30 days": 30 * DAY}


@pytest.mark.parametrize("age", list(_AGES))
@pytest.mark.parametrize("way", ["restore", "file copied behind its back"])
def test_row_28_an_older_database(new_bot: RunningBot, tally: Counts, age: str, way: str) -> None:
    names = [f"n{number}" for number in range(6)]
    gap = _AGES[age] / 6
    new_bot.use("m", "x")
    new_bot.set("not_after: 15m", "not_after: 15m\nsimilarity: 1.0")
    new_bot.start_approved(*(post(n, at=NINE + i * gap) for i, n in enumerate(names)))
    new_bot.store.backup(new_bot.folder / "backup.db")
    new_bot.wait(NINE + _AGES[age] + timedelta(seconds=30))
    lock = lock_beside(new_bot.store.outbox._log.path)
    new_bot.stop()
    target = new_bot.folder / "data" / "live.db"
    if way == "restore":
        restore(new_bot.folder / "backup.db", target, lock=lock, now=new_bot.clock.now())
    else:
        shutil.copy(new_bot.folder / "backup.db", target)

    new_bot.start()
    new_bot.services.beat()
    new_bot.wait(new_bot.clock.now() + 3 * DAY)

    live = {account: new_bot.servers[account].texts for account in ("m", "x")}
    counted = judged_by_account(new_bot.rows(), live)
    tally(28, f"{way}, {age} old", counted, injected=1)
    assert (counted["duplicate"], counted["lost"], counted["once"]) == (0, 0, 12)


def test_row_28_a_data_directory_cloned_to_another_machine(
    new_bot: RunningBot, tally: Counts
) -> None:
    new_bot.start_approved(post("one", at=NINE), post("two", at=NINE + DAY))
    new_bot.stop()
    shutil.copytree(new_bot.folder / "data", new_bot.folder / "clone")
    new_bot.start()
    new_bot.wait(NINE + MINUTE)
    new_bot.stop()

    store = open_store(f"sqlite:///{new_bot.folder / 'clone' / 'live.db'}", create=True,
                       machine="two", room=NO_ROOM, now=new_bot.clock.now)  # fmt: skip
    claim = store.outbox.claim("m", now=NINE + DAY, owner="clone", lease=MINUTE)

    assert store.restore_guard.reason() == "the data directory was copied, or is on another machine"
    assert claim is None
    store.close()
    tally(28, "a clone on another machine sends nothing", injected=1, deliveries=1, once=1)


def test_row_28_a_clone_that_works_beside_the_first(make_bot: Make, tally: Counts) -> None:
    bot = make_bot()
    bot.start()
    bot.stop()
    first = bot.campaign
    twin = replace(first, folder=first.folder / "twin")
    shutil.copytree(first.data, twin.data)
    both = [
        Replica(campaign, campaign.url, campaign.data, bot.world, bot.clock, machine=machine)
        for campaign, machine in ((first, "one"), (twin, "two"))
    ]
    for replica in both:
        replica.start()

    while bot.clock.now() < bot.due + 3 * MINUTE:
        for replica in both:
            replica.work()
        bot.clock.jump(bot.clock.now() + timedelta(seconds=5))

    counted = [replica.result() for replica in both]
    states = [row.state for row in both[0].store.outbox.find()]
    for replica in both:
        replica.stop()
    tally(28, "a data directory on two machines, both at work", counted[0], injected=1)
    assert [(counts["duplicate"], counts["lost"]) for counts in counted] == [(0, 0), (0, 0)]
    assert states == [State.SENT] * 3
    assert len(bot.world.taken()) == 3


# Row 32


def _resident() -> float:
    """Return how much memory (kB) this process has, without what is only not yet thrown away."""
    gc.collect()
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


@pytest.mark.deep
@pytest.mark.parametrize("seed", [1, 2])
def test_row_32_a_month_of_everything(new_bot: RunningBot, tally: Counts, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - a month that can be repeated
    names = [f"q{number}" for number in range(30)]
    new_bot.use("m", "b", "x")
    new_bot.set("not_after: 15m", "not_after: 15m\nsimilarity: 1.0")
    new_bot.start_approved(*(post(name) for name in names))
    injected, sizes = 0, []
    target = new_bot.folder / "data" / "live.db"
    for day in range(31):
        for account in ("m", "b", "x"):
            server = new_bot.servers[account]
            server.steps.clear()
            for _ in range(dice.randint(0, 3)):
                injected += 1
                server.fails(
                    dice.choice((UnconfirmedError("net", "504"), UnavailableError("net", "down"))),
                    keeps=False,
                )
            if dice.random() < 0.3:
                server.fails(UnconfirmedError("net", "lost"), keeps=True)
                injected += 1
        if dice.random() < 0.3:
            new_bot.restart()
        new_bot.services.beat()
        new_bot.wait(START + day * DAY + DAY)
        sizes.append((_resident(), target.stat().st_size / 1000))

    # By how much they grow a day, once they are warm.
    memory, disk = (
        linear_regression(range(10, 31), kilobytes[10:31]).slope
        for kilobytes in zip(*sizes, strict=True)
    )
    over = [row for row in new_bot.rows() if due(row) < new_bot.clock.now()]
    live = {account: new_bot.servers[account].texts for account in ("m", "b", "x")}
    counted = judged_by_account(over, live)
    tally(32, f"31 days, faults at random, seed {seed}", counted, injected=injected,
          also={"kB of memory a day": round(memory, 1),
                "kB of database a day": round(disk, 1)})  # fmt: skip
    assert (counted["duplicate"], counted["lost"]) == (0, 0)
    assert counted["deliveries"] >= 80
    assert memory < 50
    assert disk < 9, "what is kept of three deliveries, and nothing besides"
    assert set(counted["held"]) <= {"late", "attempts used up", "cannot tell whether it is out"}
    assert not new_bot.rows("", State.SENDING, State.UNKNOWN)
