"""Connections and transactions: the one place that knows which of the two databases it is."""

import ipaddress
import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock, local
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    PoolProxiedConnection,
    Row,
    Select,
    Table,
    UpdateBase,
    create_engine,
    event,
    func,
    literal,
    select,
    tuple_,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from bot.db import sqlite as files
from bot.db.sqlite import Ballast, Room
from bot.errors import ConflictError, DiskFullError, StoreError

_Found = TypeVar("_Found")
#: Rows that are read at once where there may be any number.
PAGE = 500
#: For connections of a store that is as wide as our threads: publishers, web, reports.
_POOL = {"pool_size": 10, "max_overflow": 10, "pool_timeout": 30}
_PG_SESSION = {
    # A worker that dies takes its connection with it within half a minute.
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "connect_timeout": 10,
    "options": (
        "-c timezone=UTC -c synchronous_commit=on -c statement_timeout=60000"
        " -c lock_timeout=10000 -c idle_in_transaction_session_timeout=60000"
    ),
}


class _Begun(local):
    """The transactions that this thread has begun by `together`, and by `looking`."""

    together: Connection | None = None
    looking: Connection | None = None


class Database:
    """An engine with our settings, and transactions that raise only `StoreError`s."""

    def __init__(self, url: URL, engine: Engine, *, ballast: Ballast | None) -> None:
        self.url = url
        self.engine = engine
        self._ballast = ballast
        # SQLite lets one connection write at a time, and whoever waits for it polls: with many
        # threads some of them wait in vain. In this process they take turns instead.
        self._turn: AbstractContextManager[Any] = RLock() if self.is_sqlite else nullcontext()
        self._begun = _Begun()
        # By itself PostgreSQL shows each statement a state of its own.
        isolation = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        self._reading: dict[str, Any] = {"reading": True, **isolation}
        #: Never writes, so that it sees whatever else does.
        self._watching: PoolProxiedConnection | None = None
        self._is_closed = False

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Look at one state of the database; nothing that is written here stays."""
        if (begun := self._begun.together or self._begun.looking) is not None:
            with translated():
                yield begun
            return
        with self._turn, translated(), self._opened().connect() as raw:
            connection = raw.execution_options(**self._reading)
            with connection.begin() as transaction:
                yield connection
                transaction.rollback()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Change the database as a whole or not at all.

        Raises:
            ConflictError: a row that must be the only one exists.
            DiskFullError: there is no room.
            StoreError: it could not be stored, or nobody knows whether it was.
        """
        if (begun := self._begun.together) is not None:
            with translated():
                yield begun
            return
        if self._begun.looking is not None:
            raise RuntimeError("nothing is written while several reads are one")
        with self._turn, translated(), self._opened().begin() as connection:
            yield connection

    @contextmanager
    def together(self) -> Iterator[None]:
        """Let all that this thread reads and writes meanwhile be one transaction."""
        with self.write() as connection:
            before, self._begun.together = self._begun.together, connection
            try:
                yield
            finally:
                self._begun.together = before

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Let all that this thread reads meanwhile be one transaction; it must not write."""
        with self.read() as connection:
            before, self._begun.looking = self._begun.looking, connection
            try:
                yield
            finally:
                self._begun.looking = before

    @property
    def is_together(self) -> bool:
        """Whether this thread is within `together`, so that what it wrote may yet be undone."""
        return self._begun.together is not None

    def must_write(self, work: Callable[[Connection], _Found]) -> _Found:
        """Store what has already happened out there; a full disk gives up its ballast for it."""
        try:
            with self.write() as connection:
                return work(connection)
        except DiskFullError:
            if self._ballast is None or not self._ballast.free():
                raise
        with self.write() as connection:
            return work(connection)

    def time(self) -> datetime:
        """Return the server's time, in UTC; an embedded database has none of its own."""
        with self.read() as connection:
            # Not now(), which is the time at which the transaction began.
            found: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
        return found.astimezone(UTC)

    def version(self) -> int | None:
        """Return what changes with each write, whoever writes; None where only a look tells."""
        if not self.is_sqlite:
            return None
        with self._turn, translated():
            self._watching = self._watching or self._opened().raw_connection()
            with closing(self._watching.cursor()) as cursor:
                return int(cursor.execute("PRAGMA data_version").fetchone()[0])

    def insert(self, table: Table) -> postgresql.Insert | sqlite.Insert:
        """Start an insert that knows ON CONFLICT."""
        return sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)

    def _opened(self) -> Engine:
        if self._is_closed:
            # An engine would connect anew, and nobody would close that.
            raise StoreError("the database was closed")
        return self.engine

    def close(self) -> None:
        self._is_closed = True
        if self._watching is not None:
            self._watching.close()
        self.engine.dispose()


@dataclass(frozen=True, slots=True)
class StoreContext:
    """The database, its directory, and the disk that both are on."""

    db: Database
    #: Of the sent log, the lock and a SQLite database.
    directory: Path
    room: Room
    #: File of approvers' public keys, which no database may hold.
    keys: Path


class Repository:
    """The SQL of one concern."""

    def __init__(self, context: StoreContext) -> None:
        self._db = context.db

    def _row(self, query: Select[Any]) -> Row[Any] | None:
        with self._db.read() as connection:
            return connection.execute(query).one_or_none()

    def _rows(self, query: Select[Any]) -> Sequence[Row[Any]]:
        with self._db.read() as connection:
            return connection.execute(query).all()

    def _each(self, query: Select[Any], *order: ColumnElement[Any]) -> Iterator[Row[Any]]:
        """Yield a query's rows in the order of columns that tell them apart, page by page.

        Any number of rows in the memory of one page, and nobody who writes waits for the reader.
        """
        keys = [column.label(f"order_{place}") for place, column in enumerate(order)]
        query = query.add_columns(*keys).order_by(*order).limit(PAGE)
        page = self._rows(query)
        while page:
            yield from page
            found = page[-1]._mapping
            last = [literal(found[key.name], key.type) for key in keys]
            # The first of them by itself as well: an index answers it.
            later = query.where(order[0] >= last[0], tuple_(*order) > tuple_(*last))
            page = self._rows(later) if len(page) == PAGE else ()

    def _change(self, statement: UpdateBase) -> int:
        """Carry out one statement as a whole transaction; return how many rows it touched."""
        with self._db.write() as connection:
            return connection.execute(statement).rowcount


def connect(url: URL, *, ballast: Ballast | None = None) -> Database:
    """Make the engine; nothing is opened or created yet."""
    if url.get_backend_name() != "sqlite":
        engine = create_engine(url, pool_pre_ping=True, connect_args=_PG_SESSION, **_POOL)
        return Database(url, engine, ballast=None)
    engine = create_engine(url, connect_args={"timeout": files.BUSY_SECONDS}, **_POOL)

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: object) -> None:
        files.configure(connection)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A deferred transaction that reads and then writes fails at once with BUSY_SNAPSHOT,
        # whatever the timeout; IMMEDIATE waits. Readers need no such lock.
        reading = connection.get_execution_options().get("reading", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return Database(url, engine, ballast=ballast)


def parse_url(url: str) -> URL:
    """Read a database address; StoreError where it is none of ours, or its path is not absolute."""
    try:
        parsed = make_url(url)
    except SQLAlchemyError as error:
        raise StoreError("the database address cannot be read") from error
    if parsed.get_backend_name() == "sqlite":
        if not parsed.database or not Path(parsed.database).is_absolute():
            raise StoreError("a SQLite database needs an absolute path: sqlite:////data/live.db")
    elif parsed.drivername != "postgresql+psycopg":
        raise StoreError(f"no such database: {parsed.drivername}; use sqlite or postgresql+psycopg")
    else:
        _refuse_open_network(parsed)
    return parsed


def _refuse_open_network(url: URL) -> None:
    """Refuse a server beyond this machine without TLS that proves which server it is."""
    # What libpq takes from its environment counts too.
    given = [url.host or ""]
    for name in ("host", "hostaddr", "service"):
        values = url.query.get(name, ())
        found = [values] if isinstance(values, str) else list(values)
        found.append(os.environ.get(f"PG{name.upper()}", ""))
        # A service's file may name any host.
        given += [f"service {each}" for each in found if each] if name == "service" else found
    hosts = [host for each in given for host in each.split(",") if not _is_this_machine(host)]
    if hosts and url.query.get("sslmode") != "verify-full":
        raise StoreError(
            f"PostgreSQL at {hosts[0]} is reached over a network: add ?sslmode=verify-full to"
            " VERBATIM_DATABASE_URL, and &sslrootcert=FILE of the authority that its certificate"
            " is from; without that anybody between could read and change what is sent"
        )


def _is_this_machine(host: str) -> bool:
    """Return whether libpq stays on this machine: loopback, or a socket's directory."""
    if host in {"", "localhost"} or host.startswith(("/", "@")):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def path_of(url: URL) -> Path:
    return Path(url.database or "")


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the database layer raises into `StoreError`s; the only place that knows both."""
    try:
        yield
    except IntegrityError as error:
        raise ConflictError(f"the database refuses: {error.orig}") from error
    except DBAPIError as error:
        if getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
            raise DiskFullError("the disk is full; make room, nothing was stored") from error
        raise StoreError(f"the database fails: {_one_line(error.orig)}") from error
    except SQLAlchemyError as error:
        raise StoreError(f"the database fails: {_one_line(error)}") from error
    except json.JSONDecodeError as error:
        raise StoreError(f"a row of the database cannot be read: {error}") from error


def _one_line(error: Any) -> str:
    return " ".join(str(error).split())
