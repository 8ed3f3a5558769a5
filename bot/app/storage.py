"""The database of a campaign: which file it is, who may create it, how it is brought back."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bot import PROGRAM, program
from bot.app.content import Paths, prove_files, read_files
from bot.canonical import canonical_json
from bot.checks.checking import CheckCache, CheckedContent
from bot.clock import Clock, SharedClock, SystemClock
from bot.content.loading import Loaded
from bot.content.model import Campaign, Mode
from bot.db.sqlite import sync
from bot.errors import ContentError, DecisionError, OperatorError
from bot.masking import mask
from bot.platforms.registry import PLATFORMS
from bot.settings.private import prepare_data
from bot.settings.secrets import is_configured, stray_secrets

# SQLAlchemy and Alembic take 0.3 s, and most verbs of editors need no database.
if TYPE_CHECKING:
    from bot.planning.store import Store
    from bot.settings.environment import Settings

#: In a data directory: whose it is.
OWNER_FILE = "campaign.json"
#: Short names of all platforms' secrets.
SECRETS = frozenset(name for kind in PLATFORMS.values() for name in kind.spec.secrets)


def settings() -> Settings:
    from bot.settings.environment import load_settings  # pydantic-settings, 0.07 s

    return load_settings(account_secrets=SECRETS, mask=mask)


def unused_secrets(campaign: Campaign) -> tuple[str, ...]:
    """Name the secrets in the environment that no account of the campaign uses."""
    accounts = campaign.schedule.accounts.values()
    wanted = {account.name: PLATFORMS[account.platform].spec.secrets for account in accounts}
    return stray_secrets(os.environ, wanted, all_names=SECRETS)


@dataclass(frozen=True, slots=True)
class DataOwner:
    """Whose a data directory is; the service remembers it there when it first starts."""

    campaign: str
    mode: Mode

    def __str__(self) -> str:
        return f"campaign {self.campaign} in mode {self.mode}"


def owner_of(data: Path) -> DataOwner | None:
    """Read whose a data directory is; None before the first `run`, OperatorError if unreadable."""
    path = data / OWNER_FILE
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        return DataOwner(known["campaign"], Mode(known["mode"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OperatorError(f"{path} does not say whose data this is: {error}") from error


def remember_owner(data: Path, owner: DataOwner) -> None:
    """Write down whose a data directory is.

    Nothing where it says so already: written by root, the bot's own user could not read it.
    """
    if owner_of(data) == owner:
        return
    path = prepare_data(data) / OWNER_FILE
    part = path.with_suffix(".new")
    part.write_text(canonical_json(asdict(owner)), encoding="utf-8")
    sync(part)
    part.rename(path)
    sync(path)


def owner_for(paths: Paths, loaded: Loaded) -> DataOwner:
    """Return whose the data directory is: what it remembers, or else what the schedule says.

    Raises:
        OperatorError: it is another campaign's, or in another mode, than the schedule says.
        ContentError: neither tells.
    """
    known = owner_of(paths.data)
    if loaded.readable is None:
        if known is None:
            raise ContentError(loaded.errors)
        return known
    asked = _asked_by(loaded.readable)
    if known is None or known == asked:
        return asked
    command, is_mode = f"{PROGRAM} accept-config --as NAME", known.campaign == asked.campaign
    hint = f"; if the mode is to change, stop `run` and confirm it: {command}" if is_mode else ""
    raise OperatorError(
        f"{paths.data} is of {known}, but {paths.config} is {asked}: name the files of the one"
        " with --config and --posts (VERBATIM_CONFIG, VERBATIM_POSTS), or the directory of the"
        f" other with --data (VERBATIM_DATA){hint}"
    )


def confirm_mode(
    paths: Paths, *, prove: Callable[[Store, Clock, Mode], str], why: str
) -> DataOwner | None:
    """Let the next `run` work in the schedule's mode; None where that is no change.

    Args:
        prove: Returns who confirms it, of the users of the mode before.

    Raises:
        OperatorError: a service is at work in the other mode.
    """
    from bot.operations.status import SILENT

    readable, known = read_files(paths.config, paths.posts).readable, owner_of(paths.data)
    asked = _asked_by(readable) if readable else None
    if known is None or asked in {None, known} or asked.campaign != known.campaign:
        return None
    with closing(existing_store(known.mode, paths.data)) as store:
        now = clock_of(store).now()
        if store.workers.alive(now, within=SILENT):
            raise DecisionError(f"`run` is at work in mode {known.mode}; stop it first")
        by = prove(store, clock_of(store), known.mode)
        detail = {"before": known.mode.value, "after": asked.mode.value}
        store.audit.write(by, "accept-config", "mode", why=why, detail=detail, now=now)
    remember_owner(paths.data, asked)
    return asked


def _asked_by(campaign: Campaign) -> DataOwner:
    return DataOwner(campaign.schedule.campaign, campaign.schedule.mode)


def database_url(mode: Mode, data: Path, known: Settings) -> str:
    """Name the database of a mode; live and rehearsal never share one."""
    if mode is Mode.LIVE and known.database_url is not None:
        return str(known.database_url)
    return f"sqlite:///{data.absolute() / mode.value}.db"


def create_store(mode: Mode, data: Path, known: Settings) -> Store:
    """Open the database of the service; the first start creates it."""
    return _open(mode, prepare_data(data), known, create=True)


def existing_store(mode: Mode, data: Path) -> Store:
    """Open the database that the service made, for a person; OperatorError before there is one."""
    if not has_store(mode, data):
        raise OperatorError(
            f"{data} has no {mode.value} database yet: start `{program()} run` first, or name "
            "the right folder with --data"
        )
    return _open(mode, data.absolute(), settings(), create=False)


def _open(mode: Mode, data: Path, known: Settings, *, create: bool) -> Store:
    from bot.operations.opening import open_store

    return open_store(
        database_url(mode, data, known), create=create, data=data, machine=known.machine_id(),
        keys=known.approver_keys, now=SystemClock().now,
    )  # fmt: skip


def has_store(mode: Mode, data: Path) -> bool:
    """Return whether the service has made its database; of PostgreSQL that is taken for granted."""
    url = database_url(mode, data, settings())
    return not url.startswith("sqlite") or Path(url.removeprefix("sqlite:///")).exists()


@contextmanager
def known_store(paths: Paths) -> Iterator[Store | None]:
    """Open the database that is there, for what servers told; None before the first `run`."""
    owner = owner_of(paths.data)
    if owner or is_configured():
        settings()  # what is wrong in it is told without a database, too
    if owner is None or not has_store(owner.mode, paths.data):
        yield None
        return
    with closing(existing_store(owner.mode, paths.data)) as store:
        yield store


def prove_content(paths: Paths, cache: CheckCache | None = None) -> CheckedContent:
    """Hold the files against every rule, as the service does: with the database, if it is theirs.

    Raises:
        OperatorError: the database that is there cannot be opened.
    """
    with known_store(paths) as store:
        return prove_content_with(store, paths, cache)


def prove_content_with(
    store: Store | None, paths: Paths, cache: CheckCache | None = None
) -> CheckedContent:
    """Do as `prove_content`, with what `known_store` opened."""
    signers = settings().content_signers if is_configured() else None
    content = prove_files(paths.config, paths.posts, store=store, signers=signers, cache=cache)
    readable, owner = content.loaded.readable, owner_of(paths.data)
    if owner is None or readable is None or owner == _asked_by(readable):
        return content
    return prove_files(paths.config, paths.posts, signers=signers)


def clock_of(store: Store) -> Clock:
    """Return the clock that all who work on a database go by; StoreError if it does not answer."""
    return SystemClock() if store.is_sqlite else SharedClock(store.time)
