"""Looks at all that a service start needs, one thing after another, and starts nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.app.connections import Connections
from bot.app.content import prove_files
from bot.app.storage import (
    Paths,
    create_store,
    existing_store,
    has_store,
    settings,
    unused_secrets,
)
from bot.authority.account_verifier import unfit
from bot.clock import SystemClock
from bot.content.model import Account, Campaign, Mode
from bot.errors import BotError
from bot.planning.store import Store
from bot.rendering.cards.typefaces import require_raqm
from bot.settings import Settings


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    is_well: bool
    told: str


def examine(paths: Paths, *, ask: bool) -> Iterator[Finding]:
    """Look at everything; what is wrong does not keep the rest from being looked at."""
    yield _shaping()
    loaded = prove_files(paths.config, paths.posts)
    told = f"{len(loaded.problems)} remark(s); see `check`"
    yield Finding("content", loaded.campaign is not None, told)
    try:
        known = settings()
    except BotError as error:
        yield Finding("settings", False, str(error))
        return
    yield Finding("settings", True, "all known")
    if loaded.campaign is None:
        return
    for line in unused_secrets(loaded.campaign):
        yield Finding("secret", False, line)
    with TemporaryDirectory() as scratch:
        store, finding = _store(loaded.campaign, paths.data, Path(scratch), known)
        yield finding
        if store is None:
            return
        campaign, rehearsed = loaded.campaign, Path(scratch) / "rehearsed.db"
        with (
            closing(store),
            closing(
                Connections(store, SystemClock(), known, lambda: campaign, rehearsed)
            ) as connections,
        ):
            for account in campaign.schedule.accounts.values():
                yield _account(account, connections, campaign.schedule.mode, ask=ask)


def _shaping() -> Finding:
    what = "text shaping (Raqm, FriBiDi)"
    try:
        require_raqm()
    except BotError as error:
        return Finding(what, False, str(error))
    return Finding(what, True, "there")


def _store(
    campaign: Campaign, data: Path, scratch: Path, known: Settings
) -> tuple[Store | None, Finding]:
    mode, clock = campaign.schedule.mode, SystemClock()
    try:
        if has_store(mode, data, known):
            store = existing_store(mode, data, known=known, clock=clock)
            return store, Finding("database", True, f"{mode.value}, sound")
        store = create_store(mode, scratch, known=Settings(), clock=clock)
        return store, Finding("database", True, "none yet; the first `run` creates it")
    except BotError as error:
        return None, Finding("database", False, str(error))


def _account(account: Account, connections: Connections, mode: Mode, *, ask: bool) -> Finding:
    try:
        platform = connections.platform(account.name)
        if not ask:
            return Finding(account.name, True, "secrets are there")
        profile = platform.profile()
    except BotError as error:
        return Finding(account.name, False, str(error))
    why = unfit(account, profile, mode)
    told = why or f"{profile.handle} ({profile.server or account.platform})"
    return Finding(account.name, not why, told)
