"""Restored, cloned and forgetful databases: nothing is sent before all is read back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from bot.content.model import Account
from bot.db.backup import restore
from bot.db.lock import ProcessLock, lock_beside
from bot.delivery.lifecycle import Event
from bot.delivery.model import Delivery, HoldReason, State
from bot.delivery.sent_log import instance_id, mark_restored, start_log
from bot.errors import DatabaseUnusableError, DecisionError, LeaseLostError, PausedError, StoreError
from bot.operations.opening import open_store
from bot.planning.store import Store
from tests.integration.store_rows import (
    DRAFT,
    LEASE,
    NO_ROOM,
    NOW,
    REF,
    begun,
    claimed,
    copied_database,
    epoch,
    new_publication,
    ready,
    sent,
)

Open = Callable[..., Store]


@pytest.fixture
def reopen(store_url: str, tmp_path: Path) -> Iterator[Open]:
    """Open the same database again, as a new process would."""
    opened: list[Store] = []

    def open_again(*, data: Path = tmp_path / "data", machine: str = "here") -> Store:
        for store in opened:
            store.close()
        url = store_url
        if url.startswith("sqlite"):
            url = f"sqlite:///{data / 'live.db'}"
        store = open_store(url, create=True, data=data, machine=machine, room=NO_ROOM)
        store.accounts.sync([Account("acc", "bluesky")], NOW)
        opened.append(store)
        return store

    yield open_again
    for store in opened:
        store.close()


def send(store: Store, delivery_id: str = "d1") -> None:
    store.outbox.commit(begin(store, delivery_id), sent(REF), now=NOW)


def begin(store: Store, delivery_id: str = "d1") -> Delivery:
    store.outbox.add(new_publication(id=delivery_id), now=NOW)
    store.outbox.move(delivery_id, Event.RELEASE, now=NOW, actor="publisher")
    return begun(store)


def log_of(store: Store) -> Path:
    return store.outbox._log.path


# --- the log


def test_every_attempt_stands_in_the_log_before_the_call_and_every_status_after(
    reopen: Open,
) -> None:
    store = reopen()
    send(store)

    lines = [json.loads(line) for line in log_of(store).read_text().splitlines()]

    assert [line.get("event") for line in lines] == [None, "attempt", "sent"]
    assert [line.get("seq", 0) for line in lines] == [0, 1, 2]
    assert lines[2]["remote"] == {"id": REF.id, "url": REF.url, "cid": REF.cid}


def test_an_ordinary_restart_needs_no_settling(reopen: Open) -> None:
    send(reopen())
    begin(reopen(), "d2")

    store = reopen()

    assert store.restore_guard.reason() is None
    assert "d2" in store.outbox._log.attempted


def test_nothing_is_sent_where_the_log_cannot_be_written(reopen: Open) -> None:
    store = reopen()
    log_of(store).rename(log_of(store).with_suffix(".aside"))
    log_of(store).mkdir()  # a directory in its place cannot be appended to, not even by root

    with pytest.raises(StoreError, match="cannot write"):
        begin(store)

    row = store.outbox.get("d1")
    assert row is not None
    assert (row.state, row.attempts) == (State.READY, 0)
    log_of(store).rmdir()


def test_a_status_that_only_the_database_noted_is_no_reason_to_stop(reopen: Open) -> None:
    store = reopen()
    claim = begin(store)
    log_of(store).rename(log_of(store).with_suffix(".aside"))
    log_of(store).mkdir()

    row = store.outbox.commit(claim, sent(REF), now=NOW)

    assert row.state is State.SENT
    log_of(store).rmdir()


def test_a_torn_last_line_is_no_attempt_and_the_next_one_stands_alone(reopen: Open) -> None:
    store = reopen()
    with log_of(store).open("a") as file:
        file.write('{"seq": 77, "event": "att')

    store = reopen()
    assert store.restore_guard.reason() is None
    send(store)

    assert reopen().restore_guard.reason() is None
    assert log_of(store).read_text().count('"attempt"') == 1


# --- the database behind the log


def older_database(reopen: Open) -> Store:
    """Send d1 and be cut off in d2's call, then go back to the database of before both."""
    store = reopen()
    store.outbox.add(new_publication(id="d1"), now=NOW)
    send(store)
    begin(store, "d2")
    with store._db.write() as connection:
        connection.exec_driver_sql("DELETE FROM attempt")
        connection.exec_driver_sql("DELETE FROM move")
        connection.exec_driver_sql("DELETE FROM delivery WHERE id = 'd2'")
        connection.exec_driver_sql("DELETE FROM publication WHERE id = 'd2'")
        connection.exec_driver_sql(
            "UPDATE delivery SET state = 'READY', attempts = 0, draft_json = NULL,"
            " first_intent_at = NULL, remote_id = '', sent_at = NULL, fence = 0"
        )
        connection.exec_driver_sql("UPDATE sent_log SET seq = 0")
    return reopen()


def test_an_older_database_sends_nothing_and_holds_what_the_log_knows_until_all_is_read_back(
    reopen: Open,
) -> None:
    store = older_database(reopen)
    assert store.restore_guard.reason() == "the database is older than the sent log (0 of 3 lines)"
    assert store.outbox.claim("acc", now=NOW, owner="w", lease=LEASE) is None
    ((row, ref),) = store.restore_guard.suspects(NOW)
    assert (row.id, ref, row.draft) == ("d1", REF, DRAFT)
    assert (row.first_intent_at, row.attempts) == (NOW, 1)

    store.outbox.add(new_publication(id="d2"), now=NOW)

    held = store.outbox.get("d2")
    assert held is not None
    assert (held.state, held.reason) == (State.HELD, HoldReason.UNSETTLED)
    assert (held.draft, held.attempts) == (DRAFT, 1)
    suspects = store.restore_guard.suspects(NOW)
    assert [row.id for row, _ref in suspects] == ["d1", "d2"]

    for row, ref in suspects:
        store.outbox.recognise(row.id, ref or REF, now=NOW)
    store.restore_guard.settled(NOW)
    assert store.restore_guard.reason() is None
    send(store, "d3")
    assert reopen().restore_guard.reason() is None


def test_what_is_due_is_a_suspect_too_and_what_is_over_is_not(reopen: Open) -> None:
    store = reopen()
    later = NOW + timedelta(hours=1)
    for name, due in (("due", NOW), ("later", later), ("dropped", NOW)):
        store.outbox.add(new_publication(id=name, due_at=due), now=NOW)
    store.outbox.move("dropped", Event.CANCEL, now=NOW, actor="planner")

    assert [row.id for row, _ref in store.restore_guard.suspects(NOW)] == ["due"]


def test_a_claim_made_before_the_flag_begins_nothing(reopen: Open) -> None:
    store = reopen()
    ready(store)
    claim = claimed(store)

    assert mark_restored(store._db, "pg_restore") == 1

    with pytest.raises(PausedError, match="settling"):
        store.outbox.begin(claim, DRAFT, now=NOW)
    assert store.restore_guard.reason() == "pg_restore"


def forget_log(store: Store) -> None:
    with store._db.write() as connection:
        connection.exec_driver_sql("DELETE FROM sent_log")


def swap_log(store: Store) -> None:
    path = log_of(store)
    path.write_text(path.read_text().replace('"instance":"', '"instance":"x'))


@pytest.mark.parametrize(
    ("spoil", "machine", "reason"),
    [
        (lambda store: log_of(store).unlink(), "here", "the sent log is missing"),
        (swap_log, "here", "the sent log belongs to another database"),
        (forget_log, "here", "the database does not know the sent log"),
        (lambda _store: None, "elsewhere", "another machine"),
    ],
)
def test_what_does_not_belong_together_settles_first_and_then_does(
    reopen: Open, spoil: Callable[[Store], object], machine: str, reason: str
) -> None:
    store = reopen()
    send(store)
    spoil(store)

    store = reopen(machine=machine)

    # On PostgreSQL a log that is missing is a new replica's.
    is_new_replica = "missing" in reason and not store.is_sqlite
    assert (store.restore_guard.reason() is None) is is_new_replica
    assert reason in (store.restore_guard.reason() or reason)
    store.restore_guard.settled(NOW)
    assert reopen(machine=machine).restore_guard.reason() is None


def test_a_lost_log_is_missed_though_the_start_that_made_a_new_one_died(reopen: Open) -> None:
    store = reopen()
    send(store)
    log_of(store).unlink()
    start_log(log_of(store), instance_id(store._db), now=NOW)

    reason = reopen().restore_guard.reason()

    assert reason == ("the sent log is missing" if store.is_sqlite else None)


@pytest.mark.parametrize(
    "spoil",
    [lambda store: log_of(store).unlink(), swap_log, forget_log],
    ids=["lost", "swap", "db"],
)
def test_what_is_found_out_is_written_down_in_every_doubt(
    reopen: Open, spoil: Callable[[Store], object]
) -> None:
    store = reopen()
    send(store)
    store.outbox.add(new_publication(id="d2"), now=NOW)
    spoil(store)
    store = reopen()

    store.outbox.recognise("d2", REF, now=NOW)

    assert store.outbox._log.known()["d2"].ref == REF
    store.restore_guard.settled(NOW)
    assert reopen().restore_guard.reason() is None


def test_what_an_older_database_writes_is_numbered_after_all_that_stands_in_the_log(
    reopen: Open,
) -> None:
    store = older_database(reopen)

    store.outbox.recognise("d1", REF, now=NOW)

    last = json.loads(log_of(store).read_text().splitlines()[-1])
    assert (last["event"], last["seq"]) == ("sent", 4)
    assert reopen().restore_guard.reason(), "it is not settled by being opened again"


def test_where_a_stale_workers_status_is_stands_in_the_log(reopen: Open) -> None:
    store = reopen()
    claim = begin(store)
    store.outbox.expire(NOW + LEASE)

    with pytest.raises(LeaseLostError):
        store.outbox.commit(claim, sent(REF), now=NOW + LEASE)

    assert store.outbox._log.known()["d1"].ref == REF
    assert reopen().restore_guard.reason() is None


# --- backup and restore, of SQLite


@pytest.fixture
def sqlite_store(migrated_file: Path, tmp_path: Path) -> Iterator[Store]:
    url = copied_database(migrated_file, tmp_path / "data")
    opened = open_store(url, create=True, room=NO_ROOM)
    yield opened
    opened.close()


def test_a_backup_is_whole_private_and_opens(sqlite_store: Store, tmp_path: Path) -> None:
    begin(sqlite_store)

    made = sqlite_store.backup(tmp_path / "backups" / "a backup #1?.db")

    assert (made.deliveries, made.size) == (1, made.path.stat().st_size)
    assert made.path.stat().st_mode & 0o077 == 0
    assert [path.name for path in made.path.parent.iterdir()] == ["a backup #1?.db"]
    with pytest.raises(DecisionError, match="never overwrites"):
        sqlite_store.backup(made.path)


def lock_of(store: Store) -> ProcessLock:
    return lock_beside(log_of(store))


def test_a_restored_backup_settles_first_and_keeps_what_stood_there(
    sqlite_store: Store, tmp_path: Path
) -> None:
    target = tmp_path / "data" / "live.db"
    sqlite_store.outbox.add(new_publication(), now=NOW)
    made = sqlite_store.backup(tmp_path / "b.db")
    send(sqlite_store)
    sqlite_store.close()

    old = restore(made.path, target, lock=lock_of(sqlite_store), now=NOW)

    assert old == tmp_path / "data" / "live.db.before-20261209T140000"
    store = open_store(f"sqlite:///{target}", create=False, room=NO_ROOM)
    assert (store.restore_guard.reason(), epoch(store)) == ("restored from b.db", 1)
    ((row, ref),) = store.restore_guard.suspects(NOW)
    assert (row.state, ref, row.draft) == (State.PLANNED, REF, DRAFT)
    store.close()
    assert old.exists()


def test_a_restore_puts_old_journals_aside_with_their_database(
    sqlite_store: Store, tmp_path: Path
) -> None:
    target = tmp_path / "data" / "live.db"
    made = sqlite_store.backup(tmp_path / "b.db")
    sqlite_store.close()
    target.with_name("live.db-wal").write_bytes(b"old")

    restore(made.path, target, lock=lock_of(sqlite_store), now=NOW)

    assert not target.with_name("live.db-wal").exists()
    assert target.with_name("live.db.before-20261209T140000-wal").exists()


def test_a_restore_into_nothing_works_and_a_running_bot_is_not_pulled_away(
    sqlite_store: Store, tmp_path: Path
) -> None:
    made = sqlite_store.backup(tmp_path / "b.db")
    target = tmp_path / "new" / "live.db"
    lock = ProcessLock(tmp_path / "lock")

    assert restore(made.path, target, lock=lock, now=NOW) is None
    running = ProcessLock(tmp_path / "lock")
    assert running.acquire()
    with pytest.raises(DecisionError, match="stop it first"):
        restore(made.path, target, lock=lock, now=NOW)
    running.release()


def test_a_broken_backup_is_not_restored(sqlite_store: Store, tmp_path: Path) -> None:
    made = sqlite_store.backup(tmp_path / "b.db")
    made.path.write_bytes(made.path.read_bytes()[:20000])
    target = tmp_path / "data" / "live.db"
    before = target.read_bytes()

    with pytest.raises(DatabaseUnusableError):
        restore(made.path, target, lock=ProcessLock(tmp_path / "lock"), now=NOW)

    assert target.read_bytes() == before


def test_a_backup_that_cannot_be_written_leaves_no_file(
    sqlite_store: Store, tmp_path: Path
) -> None:
    (tmp_path / "b.db.part").mkdir()
    (tmp_path / "b.db.part" / "in the way").touch()

    with pytest.raises(StoreError, match=r"b\.db"):
        sqlite_store.backup(tmp_path / "b.db")

    assert not (tmp_path / "b.db").exists()


def test_a_restore_that_fails_says_so_and_frees_the_lock(
    sqlite_store: Store, tmp_path: Path
) -> None:
    made = sqlite_store.backup(tmp_path / "b.db")
    target = tmp_path / "data" / "live.db"
    target.with_name("live.db.restoring").mkdir()
    lock = lock_of(sqlite_store)

    with pytest.raises(StoreError, match="restore"):
        restore(made.path, target, lock=lock, now=NOW)

    assert target.exists()
    assert lock_beside(sqlite_store.outbox._log.path).acquire()


def test_a_broken_database_makes_no_backup(sqlite_store: Store, tmp_path: Path) -> None:
    path = tmp_path / "data" / "live.db"
    sqlite_store.close()
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'delivery'"
        ((page,),) = connection.execute(query)
    content, start = bytearray(path.read_bytes()), 4096 * (page - 1)
    content[start : start + 8] = b"\xff" * 8
    path.write_bytes(content)

    with pytest.raises(StoreError):
        sqlite_store.backup(tmp_path / "b.db")

    assert not (tmp_path / "b.db").exists()
