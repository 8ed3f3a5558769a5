"""Locks that die with their process: one sender a data directory, one sender an account."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock

from sqlalchemy import Connection, func, select
from sqlalchemy.sql.functions import Function

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
        #: Has all advisory locks of this process, however many accounts there are: a connection
        #: for each would leave the senders none to store with.
        self._session: Connection | None = None

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
        try:
            is_held = self._ask(func.pg_try_advisory_lock(key))
        except StoreError:  # the server may have been away since the last time
            is_held = self._ask(func.pg_try_advisory_lock(key))
        try:
            yield is_held
        finally:
            # Where that fails, the session has ended, and its locks with it.
            with suppress(StoreError):
                if is_held and self._session:
                    self._ask(func.pg_advisory_unlock(key))

    def close(self) -> None:
        """Let go of all locks."""
        with self._guard:
            self._end_session()

    def _ask(self, question: Function[bool]) -> bool:
        """Ask in the session that has the locks; no transaction is open over a platform's call."""
        with self._guard, translated():
            try:
                if self._session is None:
                    connection = self._db.engine.connect()
                    self._session = connection.execution_options(isolation_level="AUTOCOMMIT")
                return bool(self._session.execute(select(question)).scalar_one())
            except BaseException:
                # Who sends just now goes on: a claim's lease is the second line.
                self._end_session()
                raise

    def _end_session(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            # Thrown away, not given back to the pool: its end is what surely ends the locks.
            session.invalidate()
            session.close()
