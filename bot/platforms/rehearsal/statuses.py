"""The file that rehearsed statuses are kept in.

It is plain `sqlite3` and no part of the store: SQLAlchemy is the store's, and this file stands for
servers that are not ours. Losing it loses nothing of the campaign.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot.platforms.status import Status, status_from_json

_SCHEMA = """
CREATE TABLE IF NOT EXISTS status (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    platform TEXT NOT NULL,  -- the platform that is stood for
    key TEXT NOT NULL,       -- of the delivery; a second publish with it is the first one's
    at TEXT NOT NULL,        -- ISO 8601, UTC
    status_json TEXT NOT NULL,
    text TEXT NOT NULL,      -- of the status, to find repeated ones
    parent TEXT,             -- id of the status that this one answers
    is_deleted INTEGER NOT NULL DEFAULT 0,
    UNIQUE (account, key)
)
"""
_COLUMNS = "id, account, platform, key, at, status_json, parent"


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """One live status of a rehearsal."""

    id: str
    account: str
    #: Name of the platform that is stood for.
    platform: str
    key: str
    #: The moment at which it was prepared, by the rehearsal's clock; UTC.
    at: datetime
    status: Status
    parent: str | None


class RehearsedStatuses:
    """One account's statuses in the file."""

    def __init__(self, path: Path, account: str) -> None:
        self._account = account
        path.parent.mkdir(parents=True, exist_ok=True)
        # One thread at a time, as `Platform` says, but not for ever the same one.
        self._db = sqlite3.connect(path, timeout=5.0, check_same_thread=False)
        self._db.execute(_SCHEMA)

    def add(self, new: Rehearsed) -> None:
        """Keep a status; all of it or nothing."""
        row = (new.id, new.account, new.platform, new.key, new.at.isoformat())
        with self._db:
            self._db.execute(
                f"INSERT INTO status ({_COLUMNS}, text) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - only our own names
                (*row, new.status.to_json(), new.parent, new.status.text),
            )

    def by_key(self, key: str) -> Rehearsed | None:
        """Find the live status that was published with this key."""
        return self._one("key = ?", key)

    def by_id(self, id_: str) -> Rehearsed | None:
        """Find a live status."""
        return self._one("id = ?", id_)

    def has_said(self, text: str) -> bool:
        """Return whether the account has said just this before, whether it still stands or not."""
        query = "SELECT 1 FROM status WHERE account = ? AND text = ? LIMIT 1"
        return self._db.execute(query, (self._account, text)).fetchone() is not None

    def delete(self, id_: str) -> bool:
        """Take a status down; False where it was not there."""
        change = "UPDATE status SET is_deleted = 1 WHERE account = ? AND id = ? AND is_deleted = 0"
        with self._db:
            return self._db.execute(change, (self._account, id_)).rowcount == 1

    def _one(self, where: str, value: str) -> Rehearsed | None:
        query = f"SELECT {_COLUMNS} FROM status WHERE account = ? AND is_deleted = 0 AND {where}"  # noqa: S608 - only our own names
        row = self._db.execute(query, (self._account, value)).fetchone()
        return _rehearsed(row) if row else None

    def close(self) -> None:
        self._db.close()


def _rehearsed(row: tuple[str, str, str, str, str, str, str | None]) -> Rehearsed:
    id_, account, platform, key, at, status_json, parent = row
    moment = datetime.fromisoformat(at)
    return Rehearsed(id_, account, platform, key, moment, status_from_json(status_json), parent)


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
        yield db


def rehearsed(path: Path) -> tuple[Rehearsed, ...]:
    """Read every live status of all accounts, in the order of their publication."""
    if not path.exists():
        return ()
    with _reading(path) as db:
        query = f"SELECT {_COLUMNS} FROM status WHERE is_deleted = 0 ORDER BY rowid"  # noqa: S608 - only our own names
        return tuple(_rehearsed(row) for row in db.execute(query))
