"""Rows 24, 25, 27, 28 and 32: what a disk, a file, a restore and a month can do."""

from __future__ import annotations

import errno
import gc
import os
import random
import resource
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from statistics import linear_regression

import pytest

from bot.db.backup import restore
from bot.db.diskspace import Room
from bot.db.errors import DatabaseUnusableError
from bot.db.lock import lock_beside
from bot.delivery.model import State
from bot.errors import BotError, UnavailableError, UnconfirmedError
from bot.operations.opening import open_store
from tests.fakes.newsroom import DAY, MINUTE, NINE, START, Newsroom, post
from tests.faults.cluster import Replica
from tests.faults.reporting import Tally, judged
from tests.faults.theatre import Theatre
from tests.integration.store_rows import due

Make = Callable[..., Theatre]


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
def test_row_24_no_room_at_the_moment_of_sending(theatre: Make, tally: Tally, limit: int) -> None:
    stage = theatre("xmb")
    stage.start()
    stage.until(stage.due - timedelta(seconds=1))
    grown = stage.stage.data.joinpath("live.db").stat().st_size
    with files_up_to(limit if limit > 0 else grown - limit - 1):
        for _ in range(5):
            for account in "xmb":
                try:
                    stage.bot.work_account(account)
                except (BotError, OSError):
                    continue
            stage.clock.jump(stage.clock.now() + timedelta(seconds=1))
        began = [row for row in stage.rows if row.attempts]
        assert len(stage.world.taken()) <= len(began), "sent without a stored intent"

    stage.restart()
    stage.start()
    counted = stage.go_on()

    tally(24, "no room for files, then room again", counted, injected=1)
    assert (counted["duplicate"], counted["lost"], counted["once"]) == (0, 0, 3)


# Row 25


@pytest.mark.parametrize("failing", [1, 2, 5])
def test_row_25_a_disk_that_does_not_sync(
    theatre: Make, tally: Tally, failing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = theatre("xmb")
    stage.start()
    stage.until(stage.due - timedelta(seconds=1))
    left = [failing]
    real = os.fsync

    def fail(descriptor: int) -> None:
        if left[0]:
            left[0] -= 1
            raise OSError(errno.EIO, "Input/output error")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fail)
    stage.until(stage.due)

    counted = stage.go_on()

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
def test_row_27_a_damaged_database_is_refused(newsroom: Newsroom, tally: Tally, name: str) -> None:
    newsroom.write(post("one", at=NINE), post("two", at=NINE + DAY))
    newsroom.start()
    newsroom.approve("one", "two")
    newsroom.wait(NINE)
    newsroom.stop()
    _DAMAGE[name](newsroom.root / "data" / "live.db")

    with pytest.raises(DatabaseUnusableError):
        open_store(newsroom.url, create=True, room=Room(0, 0))

    sends = len(newsroom.servers["m"].live)
    tally(27, f"database: {name}", injected=1, deliveries=1, once=sends, also={"sends after": 0})
    assert sends == 1


# Row 28

_AGES = {"1 minute": MINUTE, "1 day": DAY, "30 days": 30 * DAY}


@pytest.mark.parametrize("age", list(_AGES))
@pytest.mark.parametrize("way", ["restore", "file copied behind its back"])
def test_row_28_an_older_database(newsroom: Newsroom, tally: Tally, age: str, way: str) -> None:
    names = [f"n{number}" for number in range(6)]
    gap = _AGES[age] / 6
    newsroom.use("m", "x")
    newsroom.set("not_after: 15m", "not_after: 15m\nsimilarity: 1.0")
    newsroom.write(*(post(n, at=NINE + i * gap) for i, n in enumerate(names)))
    newsroom.start()
    newsroom.approve(*names)
    newsroom.store.backup(newsroom.root / "backup.db")
    newsroom.wait(NINE + _AGES[age] + timedelta(seconds=30))
    lock = lock_beside(newsroom.store.outbox._log.path)
    newsroom.stop()
    target = newsroom.root / "data" / "live.db"
    if way == "restore":
        restore(newsroom.root / "backup.db", target, lock=lock, now=newsroom.clock.now())
    else:
        shutil.copy(newsroom.root / "backup.db", target)

    newsroom.start()
    newsroom.bot.beat()
    newsroom.wait(newsroom.clock.now() + 3 * DAY)

    counted: dict[str, int] = {}
    for account in ("m", "x"):
        live = Counter(newsroom.servers[account].texts)
        rows = [row for row in newsroom.rows() if row.account == account]
        one = judged(rows, live)
        counted = {name: counted.get(name, 0) + one[name] for name in one if name != "held"}
    tally(28, f"{way}, {age} old", counted, injected=1)
    assert (counted["duplicate"], counted["lost"], counted["once"]) == (0, 0, 12)


def test_row_28_a_data_directory_cloned_to_another_machine(
    newsroom: Newsroom, tally: Tally
) -> None:
    newsroom.write(post("one", at=NINE), post("two", at=NINE + DAY))
    newsroom.start()
    newsroom.approve("one", "two")
    newsroom.stop()
    shutil.copytree(newsroom.root / "data", newsroom.root / "clone")
    newsroom.start()
    newsroom.wait(NINE + MINUTE)
    newsroom.stop()

    store = open_store(f"sqlite:///{newsroom.root / 'clone' / 'live.db'}", create=True,
                       machine="two", room=Room(0, 0), now=newsroom.clock.now)  # fmt: skip
    claim = store.outbox.claim("m", now=NINE + DAY, owner="clone", lease=MINUTE)

    assert store.restore_guard.reason() == "the data directory was copied, or is on another machine"
    assert claim is None
    store.close()
    tally(28, "a clone on another machine sends nothing", injected=1, deliveries=1, once=1)


def test_row_28_a_clone_that_works_beside_the_first(theatre: Make, tally: Tally) -> None:
    stage = theatre()
    stage.start()
    stage.bot.close()
    first = stage.stage
    twin = replace(first, folder=first.folder / "twin")
    shutil.copytree(first.data, twin.data)
    both = [
        Replica(one, one.url, one.data, stage.world, stage.clock, machine=machine)
        for one, machine in ((first, "one"), (twin, "two"))
    ]
    for one in both:
        one.bot.start()

    while stage.clock.now() < stage.due + 3 * MINUTE:
        for one in both:
            one.work()
        stage.clock.jump(stage.clock.now() + timedelta(seconds=5))

    counted = [one.judge() for one in both]
    states = [row.state for row in both[0].bot.store.outbox.find()]
    for one in both:
        one.bot.close()
    tally(28, "a data directory on two machines, both at work", counted[0], injected=1)
    assert [(one["duplicate"], one["lost"]) for one in counted] == [(0, 0), (0, 0)]
    assert states == [State.SENT] * 3
    assert len(stage.world.taken()) == 3


# Row 32


def _resident() -> float:
    """Return how much memory (kB) this process has, without what is only not yet thrown away."""
    gc.collect()
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def _slope(sizes: Sequence[float]) -> float:
    """Tell by how much it grows a day, once it is warm."""
    return linear_regression(range(10, 31), sizes[10:31]).slope


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.deep)])
def test_row_32_a_month_of_everything(newsroom: Newsroom, tally: Tally, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - a month that can be repeated
    names = [f"q{number}" for number in range(30)]
    newsroom.use("m", "b", "x")
    newsroom.set("not_after: 15m", "not_after: 15m\nsimilarity: 1.0")
    newsroom.write(*(post(name) for name in names))
    newsroom.start()
    newsroom.approve(*names)
    injected, sizes = 0, []
    target = newsroom.root / "data" / "live.db"
    for day in range(31):
        for account in ("m", "b", "x"):
            server = newsroom.servers[account]
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
            newsroom.restart()
        newsroom.bot.beat()
        newsroom.wait(START + day * DAY + DAY)
        sizes.append((_resident(), target.stat().st_size / 1000))

    memory, disk = (_slope(one) for one in zip(*sizes, strict=True))
    counted = {"deliveries": 0, "once": 0, "duplicate": 0, "lost": 0}
    held: Counter[str] = Counter()
    over = [row for row in newsroom.rows() if due(row) < newsroom.clock.now()]
    for account in ("m", "b", "x"):
        one = judged(
            [row for row in over if row.account == account],
            Counter(newsroom.servers[account].texts),
        )
        held += Counter(one.pop("held"))
        counted = {name: counted[name] + one[name] for name in counted}
    tally(32, f"31 days, faults at random, seed {seed}", counted, injected=injected,
          held=dict(held), also={"kB of memory a day": round(memory, 1),
                                 "kB of database a day": round(disk, 1)})  # fmt: skip
    assert (counted["duplicate"], counted["lost"]) == (0, 0)
    assert counted["deliveries"] >= 80
    assert memory < 50
    assert disk < 9, "what is kept of three deliveries, and nothing besides"
    assert set(held) <= {"late", "attempts used up", "cannot tell whether it is out"}
    assert not newsroom.rows("", State.SENDING, State.UNKNOWN)
