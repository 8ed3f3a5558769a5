"""Locks that die with their process, a full disk, and a server that goes away."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, event, text

from bot.content.model import Account
from bot.db.lock import ProcessLock
from bot.db.sqlite import Ballast, Room
from bot.delivery.model import State
from bot.errors import DiskFullError, StoreError
from bot.operations.opening import open_store
from bot.planning.store import Store
from bot.platforms.status import PostRef
from tests.integration.store_rows import (
    LEASE,
    NO_ROOM,
    NOW,
    begun,
    copied_database,
    new_publication,
    ready,
    sent,
)
from tests.servers.postgres import PostgresServer

# --- locks


def test_one_process_holds_the_lock_and_its_death_frees_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    code = (
        "import sys; from pathlib import Path; from bot.db.lock import ProcessLock\n"
        "lock = ProcessLock(Path(sys.argv[1])); print(lock.acquire(), flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert other.stdout is not None
    assert other.stdout.readline() == b"True\n"
    mine = ProcessLock(path)

    assert not mine.acquire()
    assert int(path.read_text()) == other.pid
    other.kill()
    other.communicate()
    assert mine.acquire()
    assert mine.acquire()
    assert not ProcessLock(path).acquire()
    mine.release()
    assert ProcessLock(path).acquire()


def test_an_account_is_sent_to_by_one_at_a_time(store: Store) -> None:
    mine, same, other = store.sending("acc"), store.sending("acc"), store.sending("other")
    with mine as first, same as second, other as third:
        assert (first, second, third) == (True, False, True)

    with store.sending("acc") as again:
        assert again


def test_as_many_accounts_as_there_are_can_be_sent_to_at_once(
    postgres_url: str, tmp_path: Path
) -> None:
    """A connection for each would leave the senders none to store what came of it."""
    replicas = [
        open_store(postgres_url, create=True, data=tmp_path / name, room=NO_ROOM)
        for name in ("one", "two")
    ]
    accounts = [f"account-{number}" for number in range(60)]

    with ExitStack() as stack:
        held = [stack.enter_context(replicas[0].sending(account)) for account in accounts]
        assert all(held)
        with ThreadPoolExecutor(30) as pool:  # as many senders that store something
            times = [pool.submit(replicas[0].time) for _ in accounts]
            assert all(each.result() for each in times)
        with replicas[1].sending(accounts[-1]) as taken:
            assert not taken
    with replicas[1].sending(accounts[-1]) as taken:
        assert taken
    for store in replicas:
        store.close()


def test_the_locks_come_back_after_the_server_was_away(postgres_url: str, tmp_path: Path) -> None:
    mine, other = (
        open_store(postgres_url, create=True, data=tmp_path / name, room=NO_ROOM)
        for name in ("one", "two")
    )
    with mine.sending("acc") as first:
        assert first
        with create_engine(postgres_url, poolclass=NullPool).connect() as admin:
            admin.execute(
                text(
                    "select pg_terminate_backend(pid) from pg_locks "
                    "where locktype = 'advisory' and database = "
                    "(select oid from pg_database where datname = current_database())"
                )
            )
    with mine.sending("acc") as again, other.sending("acc") as taken:
        assert (again, taken) == (True, False)
    mine.close()
    other.close()


def test_replicas_that_start_together_create_the_tables_once(
    postgres_url: str, tmp_path: Path
) -> None:
    def start(name: str) -> Store:
        return open_store(postgres_url, create=True, data=tmp_path / name, room=NO_ROOM)

    with ThreadPoolExecutor(3) as pool:
        replicas = list(pool.map(start, ("one", "two", "three")))

    assert [store.restore_guard.reason() for store in replicas] == [None, None, None]
    for store in replicas:
        store.close()


# --- the disk


@pytest.fixture
def full(migrated_file: Path, tmp_path: Path) -> Iterator[Store]:
    """Open a database that may not grow: what SQLite does when the disk is full."""
    url = copied_database(migrated_file, tmp_path / "data")
    store = open_store(url, create=True, room=Room(0, 1 << 20))
    store.accounts.sync([Account("acc", "bluesky")], NOW)
    yield store
    store.close()


def cap(store: Store, ballast: Path) -> None:
    """Let every new transaction see a disk that is full as long as the ballast lies on it."""

    @event.listens_for(store._db.engine, "begin")
    def limit(connection: object) -> None:
        pages = 1 if ballast.exists() else 1_000_000
        raw = connection.connection.driver_connection  # type: ignore[attr-defined]  # SQLAlchemy's
        assert isinstance(raw, sqlite3.Connection)
        raw.execute(f"PRAGMA max_page_count={pages}")


def test_on_a_full_disk_what_was_sent_is_still_stored(full: Store) -> None:
    ready(full)
    claim = begun(full)
    ballast = full.directory / "ballast"
    assert ballast.stat().st_size == 1 << 20
    cap(full, ballast)
    url = "https://social.example/" + "1" * 50_000  # cannot fit in what is left of a page

    row = full.outbox.commit(claim, sent(PostRef("1", url)), now=NOW)

    assert (row.state, row.url, ballast.exists()) == (State.SENT, url, False)


def test_on_a_full_disk_without_ballast_the_log_still_says_where_it_is(full: Store) -> None:
    ready(full)
    claim = begun(full)
    ballast = full.directory / "ballast"
    ballast.unlink()
    ballast.mkdir()  # is there, so the disk counts as full, but cannot be given up
    cap(full, ballast)
    ref = PostRef("1", "https://social.example/" + "1" * 50_000)

    with pytest.raises(DiskFullError):
        full.outbox.commit(claim, sent(ref), now=NOW)

    assert full.outbox._log.known()["d1"].ref == ref
    ballast.rmdir()
    again = open_store(f"sqlite:///{full.directory / 'live.db'}", create=False, room=NO_ROOM)
    assert "older than the sent log" in (again.restore_guard.reason() or "")
    again.close()


def test_on_a_full_disk_nothing_is_planned_and_the_ballast_stays(full: Store) -> None:
    ballast = full.directory / "ballast"
    cap(full, ballast)

    with pytest.raises(DiskFullError, match="make room"):
        full.outbox.add(new_publication(theme="x" * 50_000), now=NOW)

    assert ballast.exists()


def test_with_the_disk_nearly_full_nothing_is_claimed(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'd' / 'l.db'}", create=True, room=Room(1 << 60, 0))
    ready(store)

    assert not Room(1 << 60, 0).is_left(tmp_path)
    assert store.outbox.claim("acc", now=NOW, owner="w", lease=LEASE) is None
    store.close()


def test_ballast_that_would_take_the_last_room_is_not_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not Ballast(tmp_path / "b", size=1 << 60).load()
    assert not Ballast(tmp_path / "b", size=1 << 20).free()

    def refuse(*_: object) -> None:
        raise OSError(28, "no space left on device")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    assert not Ballast(tmp_path / "b", size=1 << 20).load()
    assert list(tmp_path.iterdir()) == []


# --- the server goes away


@pytest.mark.server
def test_a_restarted_server_is_found_again(postgres_server: PostgresServer, tmp_path: Path) -> None:
    with postgres_server.database() as url:
        store = open_store(url, create=True, data=tmp_path, room=NO_ROOM)
        ready(store)
        postgres_server.stop(mode="immediate")
        with pytest.raises(StoreError, match="the database fails"):
            store.outbox.get("d1")
        postgres_server.start()

        row = store.outbox.get("d1")

        assert row is not None
        assert row.state is State.READY
        store.close()
