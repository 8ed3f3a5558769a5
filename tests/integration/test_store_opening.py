"""Opening a store: what is created, what is upgraded, and what is refused with a word on why."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import NullPool, create_engine, inspect

from bot.db import migrate
from bot.db import sqlite as files
from bot.db.columns import metadata
from bot.db.lock import lock_beside
from bot.db.sqlite import Room
from bot.errors import DatabaseUnusableError, OperatorError, StoreError
from bot.operations.opening import open_store
from bot.planning.store import Store
from tests.conftest import ROOT
from tests.fixtures.released import add_revision, become_later, differences
from tests.integration.store_rows import NO_ROOM, NOW, copied_database, new_publication


@pytest.fixture
def path(tmp_path: Path, migrated_file: Path) -> Path:
    """Copy a new SQLite database."""
    copied_database(migrated_file, tmp_path / "data")
    return tmp_path / "data" / "live.db"


def open_file(path: Path, *, create: bool = False) -> Store:
    return open_store(f"sqlite:///{path}", create=create, room=NO_ROOM)


# --- creating


def test_a_first_start_creates_the_database_and_later_ones_find_it(
    new_store_url: str, tmp_path: Path
) -> None:
    with pytest.raises(DatabaseUnusableError, match="first `run` creates"):
        open_store(new_store_url, create=False, data=tmp_path / "data", room=NO_ROOM)

    store = open_store(new_store_url, create=True, data=tmp_path / "data", room=NO_ROOM)
    store.outbox.add(new_publication(), now=NOW)
    store.close()

    store = open_store(new_store_url, create=False, data=tmp_path / "data", room=NO_ROOM)
    assert store.outbox.get("d1") is not None
    assert store.restore_guard.reason() is None
    store.close()


def test_a_missing_database_is_no_first_start_where_a_sent_log_is(
    new_store_url: str, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "live.sent.log").write_text('{"log":"l","instance":"i"}\n')

    with pytest.raises(DatabaseUnusableError, match="says that one existed"):
        open_store(new_store_url, create=True, data=tmp_path / "data", room=NO_ROOM)


def test_a_new_database_has_just_the_tables_of_the_program(
    new_store_url: str, tmp_path: Path
) -> None:
    open_store(new_store_url, create=True, data=tmp_path / "data", room=NO_ROOM).close()

    assert differences(new_store_url) == []


def test_every_column_says_what_it_is() -> None:
    silent = [
        str(column)
        for table in metadata.tables.values()
        for column in table.columns
        if not column.comment
    ]

    assert silent == []


def test_a_database_that_died_half_created_does_not_stand_in_the_way(tmp_path: Path) -> None:
    path = tmp_path / "data" / "live.db"
    path.parent.mkdir()
    path.with_name("live.db.creating").write_bytes(b"half")

    open_file(path, create=True).close()

    assert path.exists()
    assert not path.with_name("live.db.creating").exists()


def test_each_step_is_named_by_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    become_later(monkeypatch, tmp_path)

    scripts = ScriptDirectory(str(migrate.SCRIPTS))

    assert migrate.revisions() == {step.revision for step in scripts.walk_revisions()}
    assert (migrate.newest(), scripts.get_current_head()) == ("next", "next")


def test_a_database_that_is_there_is_opened_without_alembic(path: Path) -> None:
    code = (
        "import sys; from bot.operations.opening import open_store;"
        " open_store(sys.argv[1], create=True).close(); print('alembic' in sys.modules)"
    )
    command = [sys.executable, "-c", code, f"sqlite:///{path}"]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"


def test_files_are_private_whatever_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "data" / "live.db"
    before = os.umask(0)
    try:
        store = open_store(f"sqlite:///{path}", create=True, room=Room(0, 4096))
        assert lock_beside(store.outbox._log.path).acquire()
    finally:
        os.umask(before)
    store.close()

    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    modes = {one.name: stat.S_IMODE(one.stat().st_mode) for one in path.parent.iterdir()}
    assert modes == dict.fromkeys(
        ("live.db", "live.sent.log", "live.sent.lock", "ballast", "audit.key"), 0o600
    )


def test_a_file_that_others_could_read_is_made_private(path: Path) -> None:
    path.chmod(0o644)

    open_file(path).close()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


# --- refusing


def test_a_database_of_a_newer_program_is_refused(store_url: str, tmp_path: Path) -> None:
    engine = create_engine(store_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    engine.dispose()

    for create in (True, False):
        with pytest.raises(DatabaseUnusableError, match="newer"):
            open_store(store_url, create=create, data=tmp_path / "data", room=NO_ROOM)


def another_programs(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096 * 5 : 4096 * 5 + 8] = b"\xff" * 8
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda path: path.write_bytes(b""), "empty"),
        (lambda path: path.write_text("hello, this is no database\n" * 20), "not a SQLite file"),
        (another_programs, "another program"),
        (lambda path: os.truncate(path, path.stat().st_size // 2), "."),
        (flipped, "`restore`"),
    ],
)
def test_a_file_that_is_no_database_of_ours_is_refused_and_left_as_it_is(
    path: Path, spoil: Callable[[Path], object], told: str
) -> None:
    spoil(path)
    before = path.read_bytes()

    for create in (True, False):
        with pytest.raises(DatabaseUnusableError, match=told) as caught:
            open_file(path, create=create)
        assert isinstance(caught.value, OperatorError)
        assert isinstance(caught.value, StoreError)
    assert path.read_bytes() == before


@pytest.mark.parametrize("statement", [
    "CREATE TRIGGER t AFTER INSERT ON audit BEGIN DELETE FROM move; END",
    "CREATE VIEW v AS SELECT * FROM audit",
])  # fmt: skip  # one statement a line
def test_a_trigger_or_view_from_elsewhere_is_refused(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)

    with pytest.raises(DatabaseUnusableError, match="somebody else"):
        open_file(path)


def test_a_directory_that_everybody_may_write_to_is_refused(path: Path) -> None:
    path.parent.chmod(0o777)

    with pytest.raises(DatabaseUnusableError, match="everybody"):
        open_file(path)


@pytest.mark.parametrize(("kind", "refused"), [("nfs4", True), ("cifs", True), ("ext4", False)])
def test_a_network_file_system_is_told_from_a_local_one_and_refused(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, refused: bool
) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "1 0 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
        f"2 1 0:9 / {tmp_path} rw master:2 - {kind} server:/data rw\n"
    )
    found = files.filesystem_of(tmp_path, mounts=mounts)
    assert found == kind
    assert files.filesystem_of(tmp_path, mounts=tmp_path / "none") == ""
    monkeypatch.setattr(files, "filesystem_of", lambda _directory: found)

    if not refused:
        open_file(path).close()
        return
    with pytest.raises(DatabaseUnusableError, match="network file system"):
        open_file(path)


@pytest.mark.parametrize("url", [
    "sqlite:///relative.db", "sqlite://", "mysql://h/d", "postgresql://h/d", "nonsense",
])  # fmt: skip  # one line is enough
def test_an_address_that_is_none_of_ours_is_refused(url: str) -> None:
    with pytest.raises(StoreError):
        open_store(url, create=True)
    with pytest.raises(StoreError, match="data directory"):  # for the sent log
        open_store("postgresql+psycopg://127.0.0.1:1/x", create=True)


# --- settings


@pytest.mark.parametrize(("version", "expected"), [
    ((3, 40, 1), ("DELETE", "EXTRA")),
    ((3, 51, 2), ("DELETE", "EXTRA")),
    ((3, 51, 3), ("WAL", "FULL")),
    ((3, 53, 0), ("WAL", "FULL")),
])  # fmt: skip  # one version a line
def test_wal_is_used_only_where_it_cannot_corrupt(
    version: tuple[int, ...], expected: tuple[str, str]
) -> None:
    assert files.journal_for(version) == expected
    with pytest.raises(DatabaseUnusableError, match=r"3\.34\.1 is too old"):  # no RETURNING
        files.journal_for((3, 34, 1))


def test_every_connection_has_the_settings(path: Path) -> None:
    store = open_file(path)
    with store._db.read() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in (
                "journal_mode", "synchronous", "busy_timeout", "foreign_keys", "trusted_schema",
                "mmap_size", "cell_size_check", "application_id",
            )
        }  # fmt: skip  # one line is enough
    store.close()

    journal, synchronous = files.journal_for(sqlite3.sqlite_version_info)
    assert found == {
        "journal_mode": journal.lower(),
        "synchronous": {"FULL": 2, "EXTRA": 3}[synchronous],
        "busy_timeout": 10000,
        "foreign_keys": 1,
        "trusted_schema": 0,
        "mmap_size": 0,
        "cell_size_check": 1,
        "application_id": files.APPLICATION_ID,
    }


def test_a_reader_does_not_change_anything(store: Store) -> None:
    with store._db.read() as connection:
        connection.exec_driver_sql("DELETE FROM account")

    assert store.accounts.get("acc") is not None


def test_a_closed_store_is_not_opened_by_who_reads_on(store: Store) -> None:
    store.outbox.add(new_publication(), now=NOW)
    rows, more = store.outbox.each(), new_publication(id="d2")
    store.close()

    with pytest.raises(StoreError, match="was closed"):
        next(rows)
    with pytest.raises(StoreError, match="was closed"):
        store.outbox.add(more, now=NOW)


# --- upgrading


def test_an_older_database_is_upgraded_by_the_service_after_a_backup(
    path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    add_revision(monkeypatch, tmp_path, "op.add_column('worker', sa.Column('mood', sa.Text()))")
    with pytest.raises(DatabaseUnusableError, match="at revision"):
        open_file(path)

    open_file(path, create=True).close()

    columns = {
        column["name"]
        for column in inspect(create_engine(f"sqlite:///{path}", poolclass=NullPool)).get_columns(
            "worker"
        )
    }
    (backup,) = (path.parent / "backups").iterdir()
    assert "mood" in columns
    assert backup.name.startswith("live-before-next-")


def test_a_migration_that_fails_leaves_the_database_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = "op.drop_table('worker'); op.execute('INSERT INTO nowhere VALUES (1)')"
    add_revision(monkeypatch, tmp_path, broken)

    with pytest.raises(StoreError):
        open_file(path, create=True)

    tables = inspect(create_engine(f"sqlite:///{path}", poolclass=NullPool)).get_table_names()
    assert "worker" in tables


def test_a_migration_that_leaves_a_row_pointing_to_nothing_is_undone(
    path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store = open_file(path)
    store.outbox.add(new_publication(), now=NOW)
    store.snapshots.schedule("d1", {"1h": NOW})
    store.close()
    add_revision(monkeypatch, tmp_path, "op.execute('DELETE FROM delivery')")

    with pytest.raises(StoreError, match="points to nothing"):
        open_file(path, create=True)


@pytest.mark.parametrize("create", [True, False])
def test_an_unreachable_server_is_a_store_error_without_its_password(
    tmp_path: Path, create: bool
) -> None:
    url = "postgresql+psycopg://u:hunter2@127.0.0.1:1/x"

    with pytest.raises(StoreError, match="the database fails") as caught:
        open_store(url, create=create, data=tmp_path)
    assert "hunter2" not in str(caught.value)
