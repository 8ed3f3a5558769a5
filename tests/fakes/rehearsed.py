"""What a rehearsal's file shows, as its accounts would."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bot.platforms.status import Status, status_from_json


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """One live status of a rehearsal."""

    id: str
    account: str
    status: Status
    parent: str | None


def rehearsed(path: Path) -> tuple[Rehearsed, ...]:
    """Return every live status of all accounts, in the order of their publication."""
    query = (
        "SELECT id, account, status_json, parent FROM status WHERE is_deleted = 0 ORDER BY rowid"
    )
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
        rows = db.execute(query).fetchall()
    return tuple(
        Rehearsed(id_, account, status_from_json(status), parent)
        for id_, account, status, parent in rows
    )
