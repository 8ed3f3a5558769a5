"""What an operator does while the bot stands still."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bot.app.storage import database_url, settings
from bot.clock import SystemClock
from bot.content.model import Mode
from bot.db.backup import restore
from bot.errors import DecisionError
from bot.operations.opening import declare_restored, has_sent_log, process_lock_of
from bot.settings import prepare_data


@dataclass(frozen=True, slots=True)
class Restored:
    """A database that was brought back, and settles first."""

    #: Where the one that stood there is kept.
    kept: Path | None
    #: The sent log is there, which tells what went out since the backup.
    has_log: bool


def restore_backup(backup: Path, data: Path, mode: str, *, loaded: bool) -> Restored:
    """Put a backup in the place of a mode's database; of PostgreSQL, say that it was loaded.

    Raises:
        DecisionError: the bot runs, or it is the other kind of database.
        DatabaseUnusableError: the backup is not sound.
    """
    directory = prepare_data(data)
    url = database_url(Mode(mode), directory, settings())
    if loaded:
        return _declare(url, backup, directory)
    if not url.startswith("sqlite"):
        raise DecisionError(
            "PostgreSQL is restored with pg_restore, and then told so with --loaded; see"
            " docs/operating.md"
        )
    target = Path(url.removeprefix("sqlite:///"))
    kept = restore(backup, target, lock=process_lock_of(url), now=SystemClock().now())
    return Restored(kept, has_sent_log(url))


def _declare(url: str, backup: Path, directory: Path) -> Restored:
    if url.startswith("sqlite"):
        raise DecisionError("an embedded database is restored by this verb; leave --loaded away")
    declare_restored(url, f"restored from {backup.name}")
    return Restored(None, has_sent_log(url, data=directory))
