"""Databases of every revision: a later program upgrades them; nothing lost, nothing changed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.authority.audit import first_break
from bot.db import migrate
from bot.delivery.model import State
from bot.errors import DatabaseUnusableError
from bot.operations.opening import open_store
from bot.planning.store import Store
from tests.fixtures import keep
from tests.fixtures.released import (
    FOLDER,
    MACHINE,
    Rows,
    become_later,
    bring,
    brought_to,
    differences,
    lost,
    revisions,
    rows_at,
    rows_of,
)
from tests.integration.store_rows import NO_ROOM
from tests.servers.postgres import PostgresServer

#: Kept in step with the program, not with the past.
OURS = "alembic_version"
every_revision = pytest.mark.parametrize("revision", revisions())


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    become_later(monkeypatch, tmp_path)


def open_file(path: Path, *, create: bool = True) -> Store:
    return open_store(f"sqlite:///{path}", create=create, machine=MACHINE, room=NO_ROOM)


def without(rows: Rows, *tables: str) -> Rows:
    return {name: found for name, found in rows.items() if name not in tables}


# --- the files


@every_revision
def test_every_revision_has_its_files(revision: str) -> None:
    """Fails when a migration is added without keeping the database that it leads to."""
    wanted = ("db", "sent.log", "postgresql.sql", "postgresql.sent.log")

    missing = [name for name in wanted if not (FOLDER / f"{revision}.{name}").exists()]

    assert not missing, f".venv/bin/python -m tests.fixtures.keep makes {revision}.{missing}"


@every_revision
def test_a_file_is_of_its_revision_and_has_rows_in_every_table(revision: str) -> None:
    rows = rows_of(FOLDER / f"{revision}.db")

    assert rows[OURS] == [{"version_num": revision}]
    assert [name for name, found in rows.items() if not found] == []
    assert {row["state"] for row in rows["delivery"]} == {state.value for state in State}


def test_a_file_is_made_once(capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.stat().st_mtime_ns for path in FOLDER.iterdir()}

    assert keep.main() == 1

    assert "kept already" in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in FOLDER.iterdir()} == before


# --- SQLite


@pytest.mark.usefixtures("later")
@every_revision
def test_an_upgrade_loses_nothing(revision: str, tmp_path: Path) -> None:
    path = bring(revision, tmp_path / "data")
    before = rows_of(path)

    store = open_file(path)

    assert store.restore_guard.reason() is None
    assert first_break(store.audit.raw()) is None
    store.close()
    after = rows_of(path)
    assert after[OURS] == [{"version_num": migrate.newest()}]
    assert lost(without(before, OURS), after) == []
    assert whole(path)


@every_revision
def test_an_upgrade_leads_to_just_the_tables_of_the_program(revision: str, tmp_path: Path) -> None:
    path = bring(revision, tmp_path / "data")

    open_file(path).close()

    assert differences(f"sqlite:///{path}") == []


def whole(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as connection:
        verdict = connection.execute("PRAGMA integrity_check").fetchall()
        broken = connection.execute("PRAGMA foreign_key_check").fetchall()
    return (verdict, broken) == ([("ok",)], [])


@pytest.mark.usefixtures("later")
@every_revision
def test_the_backup_from_before_an_upgrade_is_the_old_database_and_opens(
    revision: str, tmp_path: Path
) -> None:
    path = bring(revision, tmp_path / "data")
    before = rows_of(path)
    open_file(path).close()

    (backup,) = (path.parent / "backups").iterdir()

    assert rows_of(backup) == before
    again = tmp_path / "again" / "live.db"
    again.parent.mkdir()
    backup.rename(again)
    open_file(again).close()
    assert lost(without(before, OURS, "instance", "sent_log"), rows_of(again)) == []


@pytest.mark.usefixtures("later")
@every_revision
def test_whoever_only_asks_upgrades_nothing_and_is_told_what_to_do(
    revision: str, tmp_path: Path
) -> None:
    path = bring(revision, tmp_path / "data")
    before = path.read_bytes()

    with pytest.raises(DatabaseUnusableError) as caught:
        open_file(path, create=False)

    assert f"the database is at revision {revision}" in str(caught.value)
    assert "stop the running bot and start this one's `run`, which upgrades it" in str(caught.value)
    assert path.read_bytes() == before
    assert not (path.parent / "backups").exists()


@pytest.mark.usefixtures("later")
@every_revision
def test_a_directory_that_was_copied_settles_first_after_the_upgrade_too(
    revision: str, tmp_path: Path
) -> None:
    store = open_file(bring(revision, tmp_path / "data", moved=True))

    assert store.restore_guard.reason() == "the data directory was copied, or is on another machine"
    store.close()


# --- PostgreSQL


@pytest.mark.server
@pytest.mark.usefixtures("later")
@every_revision
def test_an_upgrade_of_postgresql_loses_nothing(
    revision: str, tmp_path: Path, postgres_server: PostgresServer
) -> None:
    with brought_to(postgres_server, revision, tmp_path) as url:
        before = rows_at(url)
        assert before[OURS] == [{"version_num": revision}]

        store = open_store(url, create=True, data=tmp_path, machine=MACHINE, room=NO_ROOM)

        assert store.restore_guard.reason() is None
        assert first_break(store.audit.raw()) is None
        store.close()
        assert lost(without(before, OURS), rows_at(url)) == []


@pytest.mark.server
@every_revision
def test_an_upgrade_of_postgresql_leads_to_just_the_tables_of_the_program(
    revision: str, tmp_path: Path, postgres_server: PostgresServer
) -> None:
    with brought_to(postgres_server, revision, tmp_path) as url:
        open_store(url, create=True, data=tmp_path, machine=MACHINE, room=NO_ROOM).close()

        assert differences(url) == []
