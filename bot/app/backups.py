"""Backups of a campaign's database, encrypted on request, and the way back from one."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.app.storage import database_url, owner_of, settings
from bot.canonical import sha256_hex
from bot.clock import SystemClock
from bot.content.model import Mode
from bot.db.backup import Backup, restore
from bot.db.lock import lock_beside
from bot.errors import DecisionError
from bot.operations.opening import declare_restored, open_store, sent_log_path
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
    if not is_embedded:
        raise DecisionError(
            "PostgreSQL is restored with pg_restore, and then told so with --loaded; see"
            " docs/operating.md"
        )
    target = Path(url.removeprefix("sqlite:///"))
    log = sent_log_path(url)
    with TemporaryDirectory(dir=directory) as folder:
        plain = Path(folder) / backup.name if identity else backup
        if identity:
            from bot.db.encryption import decrypt  # only who encrypts needs the library

            decrypt(backup, plain, identity)
        kept = restore(plain, target, lock=lock_beside(log), now=SystemClock().now())
    return _noted(Restored(kept, log.exists()), url, directory, backup)


def _noted(done: Restored, url: str, data: Path, backup: Path) -> Restored:
    """Write into the audit log that a backup was brought back, after what that had forgotten."""
    machine, now = settings().machine_id(), SystemClock().now()
    with closing(open_store(url, create=True, data=data, machine=machine)) as store:
        store.audit.write("command line", "restore", backup.name, now=now)
    return done
