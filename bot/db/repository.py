"""What every repository is made with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bot.db.database import Database
from bot.db.diskspace import Room


@dataclass(frozen=True, slots=True)
class StoreContext:
    """The database, its directory, and the disk that both are on."""

    db: Database
    #: Of the sent log, the lock and a SQLite database.
    directory: Path
    room: Room


class Repository:
    """The SQL of one concern."""

    def __init__(self, context: StoreContext) -> None:
        self._db = context.db
