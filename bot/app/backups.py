"""Copies of the whole state: backups, encrypted on request, the way back from one, and a move."""

import shutil
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import URL, func, select

from bot.app.storage import database_url, existing_store, owner_of, settings
from bot.authority.audit import append
from bot.authority.tables import PauseScope, audit, pause, worker
from bot.canonical import sha256_hex
from bot.clock import SystemClock
from bot.content.model import Mode
from bot.db import migrate
from bot.db import sqlite as files
from bot.db.backup import Backup, decrypt, encrypt, put_in_place, restore
from bot.db.database import Database, connect, parse_url, path_of
from bot.db.lock import lock_beside
from bot.db.migrate import ARRIVING, MOVED, set_revision
from bot.delivery.sent_log import instance_id, mark_restored
from bot.errors import DatabaseUnusableError, DecisionError, SettingsError, StoreError
from bot.operations.opening import MOVE, declare_restored, open_store, sent_log_path
from bot.operations.status import SILENT
from bot.planning.store import Store
from bot.settings.environment import Settings, database_address
from bot.settings.private import prepare_data


def back_up_for(store: Store, target: Path, readers: Sequence[str], *, now: datetime) -> Backup:
    """Write the whole state to a new file, and prove it; where there are readers, only for them.

    Raises:
        DecisionError: the file exists, or a reader is no public key.
    """
    with TemporaryDirectory(dir=store.directory) as folder:
        # What anybody could read never leaves the data directory.
        plain = Path(folder) / "plain.db" if readers else target
        made = store.backup(plain)
        if readers:
            encrypt(plain, target, readers)
            sha256 = sha256_hex(target.read_bytes())
            made = replace(made, path=target, sha256=sha256, size=target.stat().st_size)
    store.audit.write("command line", "backup", target.name, detail={"for": [*readers]}, now=now)
    return made


def restore_backup(
    backup: Path, data: Path, mode: str, *, loaded: bool, identity: Path | None = None
) -> tuple[Path | None, bool]:
    """Put a backup in the place of a mode's database; of PostgreSQL, say that it was loaded.

    Returns:
        Where the one that was there before is kept; and whether there is a sent log, which tells
        what went out since the backup.

    Raises:
        DecisionError: the bot runs, or it is the other kind of database.
        DatabaseUnusableError: the backup is not sound.
    """
    directory = prepare_data(data)
    if (owner := owner_of(directory)) and owner.mode != mode:
        raise DecisionError(f"{data} is of {owner}: give --mode {owner.mode}, or another --data")
    url, kept = database_url(Mode(mode), directory, settings()), None
    is_embedded, log = url.startswith("sqlite"), sent_log_path(url, data=directory)
    if loaded and is_embedded:
        raise DecisionError("an embedded database is restored by this verb; leave --loaded away")
    if loaded:
        declare_restored(url, f"restored from {backup.name}")
    else:
        with TemporaryDirectory(dir=directory) as folder:
            plain = Path(folder) / backup.name if identity else backup
            if identity:
                decrypt(backup, plain, identity)
            if is_embedded:
                target = Path(url.removeprefix("sqlite:///"))
                _refuse_moved(target)
                kept = restore(plain, target, lock=lock_beside(log), now=SystemClock().now())
            else:
                _load(plain, Path(folder) / "loaded.db", url, backup.name)
    has_log, machine = log.exists(), settings().machine_id()
    # In the audit log it stands after what the backup had forgotten.
    with closing(open_store(url, create=True, data=directory, machine=machine)) as store:
        store.audit.write("command line", "restore", backup.name, now=SystemClock().now())
    return kept, has_log


def _refuse_moved(target: Path) -> None:
    """Raise DecisionError where the database in this place is another one now."""
    if not target.exists():
        return
    with suppress(StoreError), closing(connect(URL.create("sqlite", database=str(target)))) as db:
        if migrate.revision_of(db) == MOVED:
            raise DecisionError(
                f"{target} was moved: let VERBATIM_DATABASE_URL name where it is now, and restore"
                " there; or move it back first"
            )


def refuse_replicas(db: Database) -> None:
    """Raise DecisionError while a service is at work on a PostgreSQL database."""
    if migrate.revision_of(db) is None:
        return
    with db.read() as connection:
        last = connection.execute(select(func.max(worker.c.beat_at))).scalar_one()
    if last and abs(db.time() - last) < SILENT:
        raise DecisionError("`run` is at work on that database; stop each replica first")


def _load(backup: Path, part: Path, url: str, name: str) -> None:
    """Replace all that PostgreSQL has by a backup, in one transaction."""
    files.prove(backup)
    shutil.copyfile(backup, part)
    copy = URL.create("sqlite", database=str(part))
    with closing(connect(parse_url(url))) as target, closing(connect(copy)) as source:
        refuse_replicas(target)
        migrate.prove_known(migrate.revision_of(source) or "")
        migrate.upgrade(source)
        mark_restored(source, f"restored from {name}")
        with source.read() as old, target.write() as new:
            migrate.fill(new, old, revision=migrate.newest())


#: Stands for the database in the data directory.
EMBEDDED = "embedded"
#: Who moves it, in the log: whoever may read and write both databases.
BY = "command line"


@dataclass(frozen=True, slots=True)
class Moved:
    """A database that is in force in its new place."""

    #: Without its password.
    target: str
    #: None where an earlier call had copied them.
    rows: int | None
    deliveries: int
    #: What is wrong with the audit log; empty where it verifies.
    problems: tuple[str, ...]
    #: Where a database is kept that was in this place before.
    kept: Path | None


def move_database(data: Path, to: str) -> Moved:
    """Copy all rows to another database, compare them, and let only that one be used from then on.

    Killed in between, it leaves the old database in force, or finishes when it is called again.

    Raises:
        DecisionError: the service runs, or the place is taken by another database.
        StoreError: it could not be copied; the old one is in force.
    """
    known, directory = settings(), prepare_data(data)
    owner = owner_of(directory)
    if owner is None or owner.mode is not Mode.LIVE:
        raise DecisionError(f"{data} has no live campaign's database; a rehearsal's is not moved")
    here = database_url(Mode.LIVE, directory, known)
    there = database_url(Mode.LIVE, directory, _settings_for(to))
    if parse_url(here) == parse_url(there):
        raise DecisionError("it is there already; --to names another database")
    log = sent_log_path(here, data=directory)
    if sent_log_path(there, data=directory) != log:
        raise DecisionError(
            f"the sent log is {log}, and stays: a SQLite database must be beside it"
        )
    lock = lock_beside(log)
    if not lock.acquire():
        raise DecisionError("the bot runs on this data directory; stop it first")
    try:
        return _move(here, there, directory, known)
    finally:
        lock.release()


def _settings_for(to: str) -> Settings:
    try:
        return Settings(database_url=None if to == EMBEDDED else database_address(to))
    except ValueError as error:
        raise SettingsError(f"--to: {error}, or say {EMBEDDED}") from error


def _move(here: str, there: str, directory: Path, known: Settings) -> Moved:
    clock, url = SystemClock(), parse_url(there)
    name, now = _name_of(url), clock.now()
    is_file = url.get_backend_name() == "sqlite"
    part = path_of(url).with_name(path_of(url).name + ".moving")
    with (
        closing(connect(parse_url(here))) as source,
        closing(connect(URL.create("sqlite", database=str(part)) if is_file else url)) as target,
    ):
        if migrate.revision_of(source) == MOVED:
            rows = None
            _prove_same(source, target, name)
        else:
            existing_store(Mode.LIVE, directory).close()  # it is sound
            if not source.is_sqlite:
                refuse_replicas(source)
            _prove_free(source, url)
            if is_file:
                migrate.create_file(part).close()
            rows = _hand_over(source, target, name, now)
        # From here on it is this one that counts, and a call that is killed is finished by another.
        with target.write() as connection:
            set_revision(connection, migrate.newest())
    kept = put_in_place(part, path_of(url), now) if is_file else None
    with closing(
        open_store(there, create=False, data=directory, machine=known.machine_id())
    ) as store:
        store.audit.copy()
        count = sum(tally.count for tally in store.outbox.tallies())
        return Moved(name, rows, count, tuple(store.audit_problems()), kept)


def _name_of(url: URL) -> str:
    """Return an address for people and the log; its options may hold a password too."""
    return url.set(query={}).render_as_string(hide_password=True)


def _hand_over(source: Database, target: Database, name: str, now: datetime) -> int:
    """Let the old database refuse its use in the transaction that all of it was read in."""
    with source.write() as old:
        migrate.close_to_writers(old)
        append(old, BY, MOVE, name, why="", detail={}, now=now)
        with target.write() as new:
            rows = migrate.fill(new, old, revision=ARRIVING)
        if target.is_sqlite:
            files.sync(path_of(target.url))
        # A process that slept all the while and wakes up makes no call any more.
        held = {"reason": f"moved to {name}", "by": BY, "all_calls": True, "paused_at": now}
        held |= {"scope": PauseScope.EVERYTHING, "value": ""}
        old.execute(pause.insert().values(held))
        set_revision(old, MOVED)
    return rows


def _prove_free(source: Database, url: URL) -> None:
    """Raise DecisionError where a database is that was not moved from here, or to here."""
    if url.get_backend_name() == "sqlite" and not path_of(url).exists():
        return
    with closing(connect(url)) as there:
        found = migrate.revision_of(there)
        if found is None and not there.is_sqlite:
            return  # whose tables others are, `fill` looks
        if found not in {MOVED, ARRIVING} or instance_id(there) != instance_id(source):
            raise DecisionError(f"{_name_of(url)} holds another database; --to names an empty one")


def _prove_same(source: Database, target: Database, name: str) -> None:
    """Raise DatabaseUnusableError where the target is not what a move before had copied."""
    is_there = not target.is_sqlite or path_of(target.url).exists()
    has_rows = is_there and migrate.revision_of(target) is not None
    if not has_rows or _last_row(source) != _last_row(target):
        raise DatabaseUnusableError(
            f"this database was moved already, and {name} is not where an unfinished move left it;"
            " `run` says where it is"
        )


def _last_row(db: Database) -> str | None:
    with db.read() as connection:
        newest_row = select(audit.c.sha256).order_by(audit.c.seq.desc()).limit(1)
        return connection.execute(newest_row).scalar_one_or_none()
