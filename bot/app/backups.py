"""Backups of a campaign's database, encrypted on request, and the way back from one."""

import shutil
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import URL, func, select

from bot.app.storage import database_url, owner_of, settings
from bot.authority.tables import worker
from bot.canonical import sha256_hex
from bot.clock import SystemClock
from bot.content.model import Mode
from bot.db import sqlite as files
from bot.db.backup import Backup, restore
from bot.db.database import Database, connect, parse_url
from bot.db.lock import lock_beside
from bot.db.migrate import newest, prove_known, revision_of, upgrade
from bot.db.transfer import MOVED, fill
from bot.delivery.restore_guard import mark_restored
from bot.errors import DecisionError, StoreError
from bot.operations.opening import declare_restored, open_store, sent_log_path
from bot.operations.status import SILENT
from bot.planning.store import Store
from bot.settings import prepare_data


@dataclass(frozen=True, slots=True)
class Restored:
    """A database that was brought back, and settles first."""

    #: Where the one that was there before is kept.
    kept: Path | None
    #: The sent log is there, which tells what went out since the backup.
    has_log: bool


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
            from bot.db.encryption import encrypt  # only who encrypts needs the library

            encrypt(plain, target, readers)
            sha256 = sha256_hex(target.read_bytes())
            made = replace(made, path=target, sha256=sha256, size=target.stat().st_size)
    store.audit.write("command line", "backup", target.name, detail={"for": [*readers]}, now=now)
    return made


def restore_backup(
    backup: Path, data: Path, mode: str, *, loaded: bool, identity: Path | None = None
) -> Restored:
    """Put a backup in the place of a mode's database; of PostgreSQL, say that it was loaded.

    Raises:
        DecisionError: the bot runs, or it is the other kind of database.
        DatabaseUnusableError: the backup is not sound.
    """
    directory = prepare_data(data)
    if (owner := owner_of(directory)) and owner.mode != mode:
        raise DecisionError(f"{data} is of {owner}: give --mode {owner.mode}, or another --data")
    url = database_url(Mode(mode), directory, settings())
    is_embedded = url.startswith("sqlite")
    if loaded and is_embedded:
        raise DecisionError("an embedded database is restored by this verb; leave --loaded away")
    if loaded:
        declare_restored(url, f"restored from {backup.name}")
        done = Restored(None, sent_log_path(url, data=directory).exists())
        return _noted(done, url, directory, backup)
    log = sent_log_path(url, data=directory)
    with TemporaryDirectory(dir=directory) as folder:
        plain = Path(folder) / backup.name if identity else backup
        if identity:
            from bot.db.encryption import decrypt  # only who encrypts needs the library

            decrypt(backup, plain, identity)
        if is_embedded:
            target = Path(url.removeprefix("sqlite:///"))
            _refuse_moved(target)
            kept = restore(plain, target, lock=lock_beside(log), now=SystemClock().now())
        else:
            kept = None
            _load(plain, Path(folder) / "loaded.db", url, backup.name)
    return _noted(Restored(kept, log.exists()), url, directory, backup)


def _refuse_moved(target: Path) -> None:
    """Raise DecisionError where the database in this place is another one now."""
    if not target.exists():
        return
    with suppress(StoreError), closing(connect(URL.create("sqlite", database=str(target)))) as db:
        if revision_of(db) == MOVED:
            raise DecisionError(
                f"{target} was moved: let VERBATIM_DATABASE_URL name where it is now, and restore"
                " there; or move it back first"
            )


def refuse_replicas(db: Database) -> None:
    """Raise DecisionError while a service is at work on a PostgreSQL database."""
    if revision_of(db) is None:
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
        prove_known(revision_of(source) or "")
        upgrade(source)
        mark_restored(source, f"restored from {name}")
        with source.read() as old, target.write() as new:
            fill(new, old, revision=newest())


def _noted(done: Restored, url: str, data: Path, backup: Path) -> Restored:
    """Write into the audit log that a backup was brought back, after what that had forgotten."""
    machine, now = settings().machine_id(), SystemClock().now()
    with closing(open_store(url, create=True, data=data, machine=machine)) as store:
        store.audit.write("command line", "restore", backup.name, now=now)
    return done
