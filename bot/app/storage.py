"""The database of a campaign: which file it is, who may create it, how it is brought back."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from bot import program
from bot.clock import Clock, SharedClock, SystemClock
from bot.content.loading import Loaded
from bot.content.model import Campaign, Mode
from bot.db.backup import restore
from bot.db.lock import ProcessLock, lock_beside
from bot.errors import ContentError, DecisionError, OperatorError
from bot.log import mask
from bot.operations.opening import declare_restored, open_store, sent_log_path
from bot.planning.store import Store
from bot.platforms.registry import PLATFORMS
from bot.settings import Settings, load_settings, prepare_data, stray_secrets

#: Short names of all platforms' secrets.
SECRETS = frozenset(name for kind in PLATFORMS.values() for name in kind.spec.secrets)


def settings() -> Settings:
    """Read the environment."""
    return load_settings(account_secrets=SECRETS, mask=mask)


def unused_secrets(campaign: Campaign) -> tuple[str, ...]:
    """Name the secrets in the environment that no account of the campaign uses."""
    accounts = campaign.schedule.accounts.values()
    wanted = {account.name: PLATFORMS[account.platform].spec.secrets for account in accounts}
    return stray_secrets(os.environ, wanted, all_names=SECRETS)


def mode_of(loaded: Loaded, data: Path) -> Mode:
    """Return the schedule's mode; while that cannot be read, the one whose database is there.

    Raises:
        ContentError: neither tells.
    """
    if loaded.readable is not None:
        return loaded.readable.schedule.mode
    known = [mode for mode in Mode if (data / f"{mode.value}.db").exists()]
    if len(known) != 1:
        raise ContentError(loaded.errors)
    return known[0]


def database_url(mode: Mode, data: Path, known: Settings) -> str:
    """Name the database of a mode; live and rehearsal never share one."""
    if mode is Mode.LIVE and known.database_url is not None:
        return str(known.database_url)
    return f"sqlite:///{data.absolute() / mode.value}.db"


def lock_for(mode: Mode, data: Path, *, known: Settings) -> ProcessLock | None:
    """Return the lock of the one service that may work on an embedded database; else None."""
    directory = prepare_data(data)
    url = database_url(mode, directory, known)
    return lock_beside(sent_log_path(url)) if url.startswith("sqlite") else None


def create_store(mode: Mode, data: Path, *, known: Settings, clock: Clock) -> Store:
    """Open the database of the service; the first start creates it."""
    directory = prepare_data(data)
    return open_store(
        database_url(mode, directory, known), create=True, data=directory,
        machine=known.machine_id(), now=clock.now,
    )  # fmt: skip


def existing_store(mode: Mode, data: Path, *, known: Settings, clock: Clock) -> Store:
    """Open the database that the service made, for a person's question or decision.

    Raises:
        OperatorError: there is none yet.
    """
    if not has_store(mode, data, known):
        raise OperatorError(
            f"{data} has no {mode.value} database yet: start `{program()} run` first, or name "
            "the right folder with --data"
        )
    url = database_url(mode, data, known)
    return open_store(
        url, create=False, data=data.absolute(), machine=known.machine_id(), now=clock.now
    )


def has_store(mode: Mode, data: Path, known: Settings) -> bool:
    """Return whether the service has made its database; of PostgreSQL that is taken for granted."""
    url = database_url(mode, data, known)
    return not url.startswith("sqlite") or Path(url.removeprefix("sqlite:///")).exists()


def clock_of(store: Store) -> Clock:
    """Return the clock that all who work on a database go by.

    Raises:
        StoreError: the database does not answer.
    """
    return SystemClock() if store.is_sqlite else SharedClock(store.time)


@dataclass(frozen=True, slots=True)
class Restored:
    """A database that was brought back, and settles first."""

    #: Where the one that was there before is kept.
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
    is_embedded = url.startswith("sqlite")
    if loaded and is_embedded:
        raise DecisionError("an embedded database is restored by this verb; leave --loaded away")
    if loaded:
        declare_restored(url, f"restored from {backup.name}")
        return Restored(None, sent_log_path(url, data=directory).exists())
    if not is_embedded:
        raise DecisionError(
            "PostgreSQL is restored with pg_restore, and then told so with --loaded; see"
            " docs/operating.md"
        )
    target = Path(url.removeprefix("sqlite:///"))
    log = sent_log_path(url)
    kept = restore(backup, target, lock=lock_beside(log), now=SystemClock().now())
    return Restored(kept, log.exists())
