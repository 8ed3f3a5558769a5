"""Which revision a database is at, and how it comes to the one that this program knows."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, select

from bot.db.columns import metadata
from bot.db.database import Database, translated
from bot.db.errors import DatabaseUnusableError
from bot.errors import StoreError

_PG_LOCK = 0x6D696772
#: Where the steps are.
SCRIPTS = Path(__file__).parent / "migrations"


def newest() -> str:
    """Name the revision that this program works with."""
    return str(ScriptDirectory(str(SCRIPTS)).get_current_head())


def revision_of(db: Database) -> str | None:
    """Return the revision a database is at; None where it has no tables of ours."""
    with db.read() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def prove_known(revision: str) -> None:
    """Raise DatabaseUnusableError for a revision that only a newer program can have made."""
    known = {script.revision for script in ScriptDirectory(str(SCRIPTS)).walk_revisions()}
    if revision not in known:
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
    if not is_sqlite:
        # Replicas that start together upgrade once.
        connection.execute(select(func.pg_advisory_xact_lock(_PG_LOCK)))
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = connection
    if MigrationContext.configure(connection).get_current_revision() is None:
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
