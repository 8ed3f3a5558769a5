"""Locks that die with their process: one sender a data directory, one sender an account."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from sqlalchemy import func, select

from bot.canonical import sha256_hex
from bot.db.database import Database, translated
from bot.errors import StoreError


class ProcessLock:
    """A kernel lock on a file: a dead process frees it at once, a stopped one keeps it.

    The time lease of a claim is only the second line behind it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Take the lock, without waiting; False where another process has it."""
        if self._descriptor is not None:
            return True
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        except OSError as error:
            os.close(descriptor)
            raise StoreError(
                f"{self._path.parent} cannot be locked ({error.strerror}), as on some network "
                "drives; keep the data on a local disk, or use PostgreSQL"
            ) from error
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Give the lock back; the file stays, or two could lock two files of one name."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def lock_beside(log_path: Path) -> ProcessLock:
    """Return the lock that stands beside a sent log; not yet taken."""
    return ProcessLock(log_path.with_suffix(".lock"))


class AccountLocks:
    """One sender an account at a time, over all threads and, on PostgreSQL, all replicas."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._guard = Lock()
        self._busy: set[str] = set()

    @contextmanager
    def sending(self, account: str) -> Iterator[bool]:
        """Hold the account while sending; yields False where another sender has it."""
        with self._guard:
            is_mine = account not in self._busy
            self._busy.add(account)
        if not is_mine:
            yield False
            return
        try:
            with self._advisory(account) as is_held:
                yield is_held
        finally:
            with self._guard:
                self._busy.discard(account)

    @contextmanager
    def _advisory(self, account: str) -> Iterator[bool]:
        if self._db.is_sqlite:
            yield True  # the process lock is there for that
            return
        key = int(sha256_hex(account)[:15], 16)
        # A session lock on a connection of its own: no open transaction over the call, and it
        # ends with the connection.
        with translated():
            connection = self._db.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            with translated():
                held = connection.execute(select(func.pg_try_advisory_lock(key))).scalar_one()
            yield bool(held)
        finally:
            # Thrown away, not given back to the pool: its end is what surely ends the lock.
            connection.invalidate()
            connection.close()
