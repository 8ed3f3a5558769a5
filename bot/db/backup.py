"""Backups in SQLite's form, the way back from one, and their encryption in the age format.

Never a plain copy of the file: a copy of a live database can lack what stands in its journal.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot.canonical import sha256_hex
from bot.db import sqlite as files
from bot.db.lock import ProcessLock
from bot.errors import DecisionError, StoreError

#: Files that SQLite keeps beside a database; an old one next to a new database corrupts it.
_SIDECARS = ("-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was read back and found sound."""

    path: Path
    sha256: str
    #: Bytes.
    size: int
    deliveries: int


def back_up(source: Path, target: Path) -> Backup:
    """Write a live database to a new file, and prove it; StoreError, and no file, for a failure."""
    if target.exists():
        raise DecisionError(f"{target} exists; a backup never overwrites")
    part = target.with_name(target.name + ".part")
    try:
        files.make_private_directory(target.parent)
        _copy(source, part)
        with closing(sqlite3.connect(part)) as copy:
            (verdict,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
            if verdict != "ok":
                raise StoreError(f"the backup of {source} is broken: {verdict}")
            (deliveries,) = copy.execute("SELECT count(*) FROM delivery").fetchone()
        _keep(part)
        part.rename(target)
        files.sync(target)
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"the backup to {target} failed: {error}") from error
    finally:
        if part.is_file():
            part.unlink()
    return Backup(target, sha256_hex(target.read_bytes()), target.stat().st_size, int(deliveries))


def restore(backup: Path, target: Path, *, lock: ProcessLock, now: datetime) -> Path | None:
    """Put a backup in a database's place; what stood there is kept beside it (its new path).

    The database then settles first: nothing is sent before all that may have gone out since the
    backup is read back. The sent log beside the database is left as it is; it tells what.

    Raises:
        DecisionError: the bot runs.
        DatabaseUnusableError: the backup is not sound, or not ours; nothing was changed.
    """
    files.prove(backup)
    files.make_private_directory(target.parent)
    if not lock.acquire():
        raise DecisionError("the bot runs on this data directory; stop it first")
    try:
        part = target.with_name(target.name + ".restoring")
        _copy(backup, part)
        with closing(sqlite3.connect(part)) as copy:
            settle = "UPDATE instance SET settle_reason = ?, epoch = epoch + 1"
            copy.execute(settle, (f"restored from {backup.name}",))
            copy.commit()
        old = put_in_place(part, target, now)
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"the restore from {backup} failed: {error}") from error
    finally:
        lock.release()
    return old


def put_in_place(part: Path, target: Path, now: datetime) -> Path | None:
    """Let a new file be the database; return where the one is kept that was there before."""
    _keep(part)
    old = None
    if target.exists():
        old = target.with_name(f"{target.name}.before-{now:%Y%m%dT%H%M%S}")
        for ending in _SIDECARS:
            beside = target.with_name(target.name + ending)
            if beside.exists():
                beside.rename(old.with_name(old.name + ending))
        target.rename(old)
    part.rename(target)
    files.sync(target)
    return old


def _copy(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    target.touch(mode=0o600)  # private before a byte is in it
    # Three characters would end the path in SQLite's URI.
    quoted = str(source).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    with closing(sqlite3.connect(f"file:{quoted}?mode=ro", uri=True)) as live:
        live.execute(f"PRAGMA busy_timeout={int(files.BUSY_SECONDS * 1000)}").close()
        live.execute("VACUUM INTO ?", (str(target),)).close()


def _keep(path: Path) -> None:
    files.make_private(path)
    files.sync(path)


def encrypt(source: Path, target: Path, readers: Sequence[str]) -> None:
    """Write a file that only these keys' owners open (age1… or SSH); DecisionError for others."""
    import pyrage  # only who encrypts needs the library

    kinds = {True: pyrage.ssh.Recipient, False: pyrage.x25519.Recipient}
    try:
        keys = [kinds[reader.startswith("ssh-")].from_str(reader) for reader in readers]
    except pyrage.RecipientError as error:
        raise DecisionError(f"no public key of age or SSH: {error}") from error
    target.touch(mode=0o600, exist_ok=False)
    pyrage.encrypt_file(str(source), str(target), keys)


def decrypt(source: Path, target: Path, identity: Path) -> None:
    """Open such a file by an age identity or SSH key; DecisionError where that does not open it."""
    import pyrage  # as above

    raw = identity.read_bytes()
    try:
        found = [line for line in raw.decode().splitlines() if line.startswith("AGE-SECRET-KEY-")]
        keys = [*map(pyrage.x25519.Identity.from_str, found)] or [
            pyrage.ssh.Identity.from_buffer(raw)
        ]
        target.touch(mode=0o600, exist_ok=False)
        pyrage.decrypt_file(str(source), str(target), keys)
    except (pyrage.IdentityError, pyrage.DecryptError, ValueError) as error:
        raise DecisionError(f"{source} does not open with {identity}: {error}") from error
