"""What an operator does while the bot stands still."""

from __future__ import annotations

from pathlib import Path

from bot.clock import SystemClock
from bot.core.campaign import Mode
from bot.errors import DecisionError
from bot.settings import prepare_data
from bot.store import process_lock_of, restore
from bot.wiring.storage import database_url, settings


def restore_backup(backup: Path, data: Path, mode: str) -> Path | None:
    """Put a backup in the place of a mode's database; give where the old one is kept.

    Raises:
        DecisionError: the bot runs, or the database is PostgreSQL.
        DatabaseUnusableError: the backup is not sound.
    """
    directory = prepare_data(data)
    url = database_url(Mode(mode), directory, settings())
    if not url.startswith("sqlite"):
        raise DecisionError("PostgreSQL is restored with pg_restore; see docs/operating.md")
    target = Path(url.removeprefix("sqlite:///"))
    return restore(backup, target, lock=process_lock_of(url), now=SystemClock().now())
