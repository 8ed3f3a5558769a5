"""How a database comes to the newest revision, or to be another one, of either kind."""

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import (
    URL,
    Column,
    Connection,
    ForeignKey,
    MetaData,
    String,
    Table,
    bindparam,
    func,
    insert,
    inspect,
    literal,
    select,
    update,
)

from bot.canonical import sha256_hex
from bot.db import sqlite as files
from bot.db.columns import metadata
from bot.db.database import Database, connect, translated
from bot.errors import DatabaseUnusableError, StoreError

_PG_LOCK = 0x6D696772
#: In the place of a revision: all that was here is in another database now.
MOVED = "moved"
#: In the place of a revision: all is here, and the database that it came from still counts.
ARRIVING = "arriving"
#: Rows that are in memory at once; one may be a picture.
_CHUNK = 50
#: As Alembic makes it.
_revision = Table(
    "alembic_version", MetaData(), Column("version_num", String(32), primary_key=True)
)


#: Where the steps are.
SCRIPTS = Path(__file__).parent / "migrations"


def revisions() -> set[str]:
    """Name all that this program knows: each step's file begins with its revision."""
    return {path.stem.partition("_")[0] for path in (SCRIPTS / "versions").glob("[!_]*.py")}


def newest() -> str:
    """Name the revision that this program works with."""
    return max(revisions())


def revision_of(db: Database) -> str | None:
    """Return the revision a database is at; None where it has no tables of ours."""
    with db.read() as connection:
        return _revision_in(connection)


def _revision_in(connection: Connection) -> str | None:
    if not inspect(connection).has_table(_revision.name):
        return None
    return connection.scalar(select(_revision.c.version_num))


def prove_known(revision: str) -> None:
    """Raise DatabaseUnusableError for a revision that only a newer program can have made."""
    if revision not in revisions():
        raise DatabaseUnusableError(
            f"the database is at revision {revision}, which this program does not know: it was"
            f" used by a newer one. Run that one, or `restore` a backup from before"
        )


def upgrade(db: Database) -> None:
    """Bring a database to the newest revision, in one transaction.

    An empty one gets the tables as the program declares them: all steps lead to just these.

    Raises:
        StoreError: it could not be brought there; it is as it was.
    """
    # SQLite rebuilds tables: with foreign keys on, dropping the old one deletes what points to it.
    with translated(), db.engine.connect() as keyless:
        if db.is_sqlite:
            _set_foreign_keys(keyless, on=False)
        try:
            with keyless.begin():
                _upgrade(keyless, is_sqlite=db.is_sqlite)
        finally:
            if db.is_sqlite:
                _set_foreign_keys(keyless, on=True)


def _upgrade(connection: Connection, *, is_sqlite: bool) -> None:
    # 8 MB that nobody needs whose database is there and new.
    from alembic import command
    from alembic.config import Config

    if not is_sqlite:
        # Replicas that start together upgrade once.
        connection.execute(select(func.pg_advisory_xact_lock(_PG_LOCK)))
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = connection
    if _revision_in(connection) is None:
        # Not where a table of that name is already: it is somebody else's.
        metadata.create_all(connection, checkfirst=False)
        command.stamp(config, "head")
    else:
        command.upgrade(config, "head")
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first() if is_sqlite else None
    if broken is not None:
        raise StoreError(f"after the migration a row of {broken[0]} points to nothing")


def _set_foreign_keys(connection: Connection, *, on: bool) -> None:
    # The pragma does nothing inside a transaction, so past SQLAlchemy, which would begin one.
    driver = connection.connection.driver_connection
    if driver is not None:
        driver.execute(f"PRAGMA foreign_keys={'ON' if on else 'OFF'}").close()


def fill(target: Connection, source: Connection, *, revision: str, is_old: bool = False) -> int:
    """Replace all that a database has by another's rows, and read them back; return how many.

    Args:
        target: Empty, or ours; in a transaction, which ends with an error as it began.
        source: Shows one moment, and changes no more.
        revision: What the target says that it is at.
        is_old: The source is of an older program: its rows come as they are, without indexes.

    Raises:
        StoreError: what was read back is not what the source has.
    """
    found = inspect(target).get_table_names()
    if found and _revision.name not in found:
        raise DatabaseUnusableError(f"the database has somebody else's tables ({found[0]})")
    for table in reversed(_tables(target)):
        table.drop(target)
    tables = [table for table in _tables(source) if table.name != _revision.name]
    if is_old:
        _bare(tables).create_all(target)
    else:
        metadata.create_all(target, checkfirst=False)
    _revision.create(target)
    target.execute(insert(_revision).values(version_num=revision))
    rows = 0
    for table in tables:
        _copy(table, source, target)
        there, here = (_fingerprint(table, connection) for connection in (source, target))
        if there != here:
            raise StoreError(f"{table.name}: {here[0]} rows came over of {there[0]}, or others")
        rows += here[0]
    if target.dialect.name == "postgresql":
        _count_on(target)
    return rows


def set_revision(connection: Connection, revision: str) -> None:
    connection.execute(update(_revision).values(version_num=revision))


def close_to_writers(connection: Connection) -> None:
    """Let nobody else write until this transaction ends; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        quoted = connection.dialect.identifier_preparer.quote
        names = ", ".join(quoted(table.name) for table in metadata.sorted_tables)
        connection.exec_driver_sql(f"LOCK TABLE {names} IN EXCLUSIVE MODE")


def create_file(path: Path) -> Database:
    """Return a new, private SQLite database that says whose it is; one that was there is gone."""
    files.make_private_directory(path.parent)
    for ending in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    path.touch(mode=0o600)
    db = connect(URL.create("sqlite", database=str(path)))
    with translated(), db.engine.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA application_id={files.APPLICATION_ID}")
        connection.commit()
    return db


def write_file(db: Database, path: Path, *, revision: str) -> None:
    """Write all that PostgreSQL has at one moment to a new SQLite file, while it is in use."""
    made = create_file(path)
    try:
        with translated(), db.engine.connect() as raw:
            source = raw.execution_options(isolation_level="REPEATABLE READ")
            with source.begin(), made.write() as target:
                fill(target, source, revision=revision, is_old=revision != newest())
    finally:
        made.close()
    files.sync(path)


def _tables(connection: Connection) -> list[Table]:
    found = MetaData()
    found.reflect(connection)
    return found.sorted_tables


def _bare(tables: list[Table]) -> MetaData:
    made = MetaData()
    for table in tables:
        columns = (
            Column(
                each.name,
                each.type.as_generic(),
                *(ForeignKey(key.target_fullname) for key in each.foreign_keys),
                primary_key=each.primary_key,
            )
            for each in table.columns
        )
        Table(table.name, made, *columns)
    return made


def _copy(table: Table, source: Connection, target: Connection) -> None:
    # A row may point to one of its own table that comes after it.
    own = {key.parent.name for key in table.foreign_keys if key.column.table is table}
    (id_,) = table.primary_key.columns if own else (None,)
    plain = insert(table)
    pointing = update(table).values({name: bindparam(f"to_{name}") for name in own})
    if id_ is not None:
        pointing = pointing.where(id_ == bindparam("of"))
    pointers = []
    for rows in _chunks(table, source):
        target.execute(plain, [row | dict.fromkeys(own) for row in rows])
        pointers += [
            {"of": row[id_.name], **{f"to_{name}": row[name] for name in own}}
            for row in rows
            if id_ is not None and any(row[name] is not None for name in own)
        ]
    if pointers:
        target.execute(pointing, pointers)


def _chunks(table: Table, source: Connection) -> Iterator[list[dict[str, object]]]:
    query = select(table).execution_options(yield_per=_CHUNK)
    for rows in source.execute(query).partitions():
        yield [dict(row._mapping) for row in rows]


def _fingerprint(table: Table, connection: Connection) -> tuple[int, int]:
    """Return the number of rows, and a sum over them that no order changes."""
    count = total = 0
    for rows in _chunks(table, connection):
        count += len(rows)
        total += sum(int(sha256_hex(repr(sorted(row.items()))), 16) for row in rows)
    return count, total


def _count_on(target: Connection) -> None:
    """Let PostgreSQL's counters go on after the rows that are there."""
    for table in metadata.sorted_tables:
        column = table.autoincrement_column
        if column is not None:
            last = select(func.max(column)).scalar_subquery()
            counter = func.pg_get_serial_sequence(literal(table.name), literal(column.name))
            target.execute(select(func.setval(counter, last)))
