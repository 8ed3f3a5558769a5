"""What an operator does while the bot stands still."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bot.app.storage import database_url, settings
from bot.clock import SystemClock
from bot.content.model import Mode
from bot.db.backup import restore
from bot.db.lock import lock_beside
from bot.errors import DecisionError
from bot.operations.opening import declare_restored, sent_log_path
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
    log = sent_log_path(url)
    kept = restore(backup, target, lock=lock_beside(log), now=SystemClock().now())
    return Restored(kept, log.exists())


def _declare(url: str, backup: Path, directory: Path) -> Restored:
    if url.startswith("sqlite"):
        raise DecisionError("an embedded database is restored by this verb; leave --loaded away")
    declare_restored(url, f"restored from {backup.name}")
    return Restored(None, sent_log_path(url, data=directory).exists())
