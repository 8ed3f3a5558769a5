"""A DB-API over `apsw` that SQLAlchemy's SQLite dialect and `bot.db.sqlite` take for `sqlite3`.

Python's own module knows one file system; through `apsw` the same SQL runs on one of ours.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from os import PathLike, fspath
from typing import Any, TypeVar

import apsw

_Found = TypeVar("_Found")
Row = tuple[Any, ...]
#: What `sqlite3` raises for an error that is none of the usual kind.
_KINDS: dict[int, type[sqlite3.Error]] = {
    apsw.SQLITE_CONSTRAINT: sqlite3.IntegrityError,
    apsw.SQLITE_MISMATCH: sqlite3.IntegrityError,
    apsw.SQLITE_CORRUPT: sqlite3.DatabaseError,
    apsw.SQLITE_NOTADB: sqlite3.DatabaseError,
    apsw.SQLITE_INTERNAL: sqlite3.InternalError,
    apsw.SQLITE_MISUSE: sqlite3.InterfaceError,
}
_CHANGES = ("INSERT", "UPDATE", "DELETE", "REPLACE", "WITH")


def _ignore(_connection: apsw.Connection) -> None:
    """Do nothing around a commit."""


@dataclass(frozen=True, slots=True)
class Driver:
    """Stands where the module `sqlite3` stands."""

    #: Name of the file system.
    name: str
    #: It itself: SQLite forgets one that nobody holds.
    vfs: apsw.VFS
    #: What it says it is, by which the journal is chosen.
    sqlite_version_info: tuple[int, int, int]
    #: Other words of some statements: settings that are worse than ours, say.
    instead: Callable[[str], str] = str
    before_commit: Callable[[apsw.Connection], None] = _ignore
    after_commit: Callable[[apsw.Connection], None] = _ignore
    #: After so many pages a log is brought back into its database; the number is SQLite's own.
    checkpoint_after: int = 1000
    paramstyle: str = "qmark"
    threadsafety: int = 1
    apilevel: str = "2.0"
    Binary = bytes
    Warning = sqlite3.Warning
    Error = sqlite3.Error
    InterfaceError = sqlite3.InterfaceError
    DatabaseError = sqlite3.DatabaseError
    DataError = sqlite3.DataError
    OperationalError = sqlite3.OperationalError
    IntegrityError = sqlite3.IntegrityError
    InternalError = sqlite3.InternalError
    ProgrammingError = sqlite3.ProgrammingError
    NotSupportedError = sqlite3.NotSupportedError

    def connect(
        self, path: str | PathLike[str], timeout: float = 5.0, **_others: object
    ) -> Connection:
        """Open a file; whether the thread stays the same is nothing to `apsw`."""
        raw = _translated(lambda: apsw.Connection(fspath(path), vfs=self.name))
        raw.set_busy_timeout(int(timeout * 1000))
        raw.wal_autocheckpoint(self.checkpoint_after)
        return Connection(self, raw)


class Connection:
    """One connection, without a transaction until one is begun in words."""

    def __init__(self, driver: Driver, raw: apsw.Connection) -> None:
        self.driver = driver
        self.raw = raw
        self.isolation_level: str | None = None

    def cursor(self) -> Cursor:
        return Cursor(self)

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Cursor:
        return self.cursor().execute(sql, parameters)

    def commit(self) -> None:
        """Commit what is open; whoever wants to know is told before, and once it is done."""
        if not self.raw.in_transaction:
            return
        _translated(lambda: self.driver.before_commit(self.raw))
        self.execute("COMMIT")
        self.driver.after_commit(self.raw)

    def rollback(self) -> None:
        if self.raw.in_transaction:
            self.execute("ROLLBACK")

    def close(self) -> None:
        # SQLite closes it whatever its last checkpoint met, and `sqlite3` says nothing of that.
        with suppress(apsw.Error):
            self.raw.close()

    def create_function(
        self, name: str, count: int, function: Callable[..., Any], *, deterministic: bool = False
    ) -> None:
        self.raw.create_scalar_function(name, function, count, deterministic=deterministic)


class Cursor:
    """What one statement answered; all of it is read at once."""

    arraysize = 1

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.description: tuple[tuple[Any, ...], ...] | None = None
        self.rowcount = -1
        self.lastrowid = 0
        self._rows: list[Row] = []

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Cursor:
        raw = self.connection.raw
        sql = self.connection.driver.instead(sql)
        cursor = raw.cursor()
        cursor.exec_trace = self._describe
        self.description, self.rowcount = None, -1
        self._rows = _translated(lambda: list(cursor.execute(sql, tuple(parameters))))
        if sql.lstrip()[:7].upper().startswith(_CHANGES):
            self.rowcount, self.lastrowid = raw.changes(), raw.last_insert_rowid()
        return self

    def executemany(self, sql: str, many: Iterable[Sequence[Any]]) -> Cursor:
        total = sum(max(self.execute(sql, one).rowcount, 0) for one in many)
        self.rowcount = total
        return self

    def _describe(self, cursor: apsw.Cursor, _sql: str, _bindings: object) -> bool:
        named = cursor.get_description()
        self.description = tuple((one[0], *(None,) * 6) for one in named) or None
        return True

    def fetchone(self) -> Row | None:
        return self._rows.pop(0) if self._rows else None

    def fetchmany(self, size: int = 1) -> list[Row]:
        taken, self._rows = self._rows[:size], self._rows[size:]
        return taken

    def fetchall(self) -> list[Row]:
        return self.fetchmany(len(self._rows))

    def close(self) -> None:
        self._rows = []


def _translated(call: Callable[[], _Found]) -> _Found:
    """Raise what `sqlite3` would raise, with the number of the error."""
    try:
        return call()
    except apsw.Error as error:
        number = getattr(error, "extendedresult", apsw.SQLITE_MISUSE)
        known = _KINDS.get(number & 0xFF, sqlite3.OperationalError)(str(error))
        known.sqlite_errorcode = number
        raise known from error
