"""Kills lives whose database is PostgreSQL, and measures how long it keeps what the dead held.

``python -m tests.faults.onpostgres postgresql+psycopg://postgres@127.0.0.1:PORT/NAME`` does so
for Mastodon, in a database that may hold nothing else: it is emptied again and again.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from bot.db.columns import metadata
from bot.operations.opening import open_store
from tests.faults.enumeration import Change, Enumeration, print_outcome, schedules_parser
from tests.faults.ledgers import PLATFORMS, Networks, networks
from tests.faults.prepared import Elsewhere, PreparedCampaign
from tests.integration.store_rows import NO_ROOM
from tests.waiting import PATIENCE


class EmptyTables:
    """A database of tables with nothing in them, as often as one likes."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        open_store(url, create=True, data=folder, room=NO_ROOM).close()
        address = make_url(url).set(drivername="postgresql")
        self._owner = psycopg.connect(address.render_as_string(False), autocommit=True)

    def empty(self) -> None:
        """Forget all: the next life gives the database its identity."""
        names = [sql.Identifier(table.name) for table in reversed(metadata.sorted_tables)]
        delete = sql.SQL("DELETE FROM {}")
        self._owner.execute(sql.SQL("; ").join(delete.format(name) for name in names))

    def wait_for_end_of(self, life: str) -> None:
        """Wait until the server has let go of all connections of a life."""
        deadline = time.monotonic() + PATIENCE
        query = "SELECT 1 FROM pg_stat_activity WHERE application_name = %s"
        while self._owner.execute(query, (life,)).fetchone():
            assert time.monotonic() < deadline, f"the server keeps the connections of {life}"

    def close(self) -> None:
        self._owner.close()


class OnPostgres(Enumeration):
    """A life whose database outlives it, as do, for a moment, its connections and locks."""

    def __init__(
        self, platform: str, folder: Path, world: Networks, tables: EmptyTables, *, long: bool,
        change: Change | None, words: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self._tables = tables
        #: What the connections of the last life are called and when it died, if it was killed.
        self._dead: tuple[str, float] | None = None
        super().__init__(platform, folder, world, long=long, change=change, words=words)

    def _prepare(self, *, long: bool) -> PreparedCampaign:
        there = Elsewhere(self._tables.url, self._tables.empty)
        return replace(super()._prepare(long=long), elsewhere=there)

    def _child(self, campaign: PreparedCampaign, die_at: int = 0) -> int:
        code = super()._child(campaign, die_at)
        self._dead = (self._name(), time.monotonic()) if code == -signal.SIGKILL else None
        return code

    def _name(self) -> str:
        return f"life {self._lives}"

    def _meanwhile(self) -> None:
        # The restart is alive already: it gets no help by our waiting.
        if self._dead:
            life, died = self._dead
            self._tables.wait_for_end_of(life)
            self.outcome.worst("let go within", time.monotonic() - died)

    def _live(self, campaign: PreparedCampaign, die_at: int) -> list[str]:
        os.environ["PGAPPNAME"] = self._name()  # libpq's word for what a connection is called
        return super()._live(campaign, die_at)


def main() -> int:
    """Print one line of JSON; 1 where anything went wrong."""
    parser = schedules_parser()
    parser.add_argument("url")
    parser.add_argument("--platform", choices=PLATFORMS, default="mastodon")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made, networks(Path(made)) as world:
        tables = EmptyTables(given.url, Path(made) / "first")
        try:
            run = OnPostgres(
                given.platform, Path(made), world, tables, long=False, change=None,
                words=["tests.faults.onpostgres", given.url, "--platform", given.platform],
            )  # fmt: skip
            run.run_singles(given.every, given.kills)
            return print_outcome(run.outcome)
        finally:
            tables.close()


if __name__ == "__main__":
    sys.exit(main())
