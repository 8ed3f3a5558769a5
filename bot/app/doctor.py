"""Looks at all that a service start needs, one thing after another, and starts nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.app.connections import Connections
from bot.app.content import Paths, prove_files
from bot.app.storage import (
    create_store,
    existing_store,
    has_store,
    owner_for,
    settings,
    unused_secrets,
)
from bot.authority.account_verifier import unfit
from bot.authority.trust import ConfigurationGuard
from bot.clock import SystemClock
from bot.content.model import Account, Mode
from bot.errors import BotError
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
    yield _tried("text shaping (Raqm, FriBiDi)", require_raqm, "there")
    yield (finding := _tried("settings", settings, "all known"))
    signers = settings().content_signers if finding.is_well else None
    loaded = prove_files(paths.config, paths.posts, signers=signers)
    text = f"{len(loaded.problems)} remark(s); see `check`"
    yield Finding("content", loaded.campaign is not None, text)
    if loaded.campaign is None or not finding.is_well:
        return
    for line in unused_secrets(loaded.campaign):
        yield Finding("secret", False, line)
    campaign, known = loaded.campaign, settings()
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(TemporaryDirectory()))
        mode, clock = campaign.schedule.mode, SystemClock()
        try:
            owner_for(paths, loaded.loaded)
            if has_store(mode, paths.data, known):
                store = existing_store(mode, paths.data, known=known, clock=clock)
                text = f"{mode.value}, sound"
            else:
                store = create_store(mode, scratch, known=Settings(), clock=clock)
                text = "none yet; the first `run` creates it"
        except BotError as error:
            yield Finding("database", False, str(error))
            return
        stack.enter_context(closing(store))
        yield Finding("database", True, text)
        if not has_store(mode, paths.data, known):
            ConfigurationGuard(store, clock).record_first(campaign)  # as the first `run` would
        rehearsed = scratch / "rehearsed.db"
        connections = Connections(store, clock, known, lambda: campaign, rehearsed)
        stack.enter_context(closing(connections))
        for account in campaign.schedule.accounts.values():
            yield _account(account, connections, mode, ask=ask)


def _tried(what: str, look: Callable[[], object], text: str) -> Finding:
    try:
        look()
    except BotError as error:
        return Finding(what, False, str(error))
    return Finding(what, True, text)


def _account(account: Account, connections: Connections, mode: Mode, *, ask: bool) -> Finding:
    try:
        platform = connections.platform(account.name)
        if not ask:
            return Finding(account.name, True, "secrets are there")
        profile = platform.profile()
    except BotError as error:
        return Finding(account.name, False, str(error))
    why = unfit(account, profile, mode)
    text = why or f"{profile.handle} ({profile.server or account.platform})"
    return Finding(account.name, not why, text)
