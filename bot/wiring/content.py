"""The campaign from its files: read, proved, rendered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from bot.cards.pictures import inspect
from bot.clock import Clock, SystemClock
from bot.content.loading import Loaded, load, load_from_files
from bot.core.campaign import Account, MediaFile
from bot.core.model import Limits, Traits
from bot.errors import ContentError
from bot.platforms.registry import KINDS
from bot.services.composing import Composition, compose
from bot.services.contents import errors_of, kept_files
from bot.services.quotecards import draw_card
from bot.services.reviewer import prove
from bot.store import Store

TRAITS: Mapping[str, Traits] = {name: kind.traits for name, kind in KINDS.items()}


def limits_for(accounts: Mapping[str, Account], store: Store | None = None) -> dict[str, Limits]:
    """Give what fits on each account: what its server told, or else what is usual."""
    told = {one.name: one.limits for one in store.accounts.all()} if store else {}
    return {
        name: told.get(name) or TRAITS[account.platform].limits
        for name, account in accounts.items()
    }


def prove_files(
    config: Path, posts: Path, *, clock: Clock | None = None, store: Store | None = None
) -> Loaded:
    """Read all files and hold them against every rule; problems are in the answer."""
    now = (clock or SystemClock()).now()
    loaded = load(schedule_path=config, posts_path=posts, traits=TRAITS, inspect=inspect, now=now)
    return prove_loaded(loaded, now, store)


def prove_kept(store: Store, clock: Clock) -> Loaded | None:
    """Read the last good tree of the database in the same way; None before there is one."""
    files, now = kept_files(store), clock.now()
    if files is None:
        return None
    loaded = load_from_files(files, traits=TRAITS, inspect=inspect, now=now)
    return prove_loaded(loaded, now, store)


def prove_loaded(loaded: Loaded, now: datetime, store: Store | None) -> Loaded:
    """Hold what was read against every rule."""
    accounts = loaded.readable.schedule.accounts if loaded.readable else {}
    return prove(loaded, traits=TRAITS, limits=limits_for(accounts, store), now=now)


def compose_loaded(loaded: Loaded, store: Store | None = None) -> Composition:
    """Render what was read.

    Raises:
        ContentError: it has errors.
    """
    if loaded.campaign is None:
        raise ContentError(errors_of(loaded))

    def read_media(file: MediaFile) -> bytes:
        content = loaded.files[f"posts/{file.file}"]
        return content if isinstance(content, bytes) else content.encode()

    return compose(
        loaded.campaign,
        traits=TRAITS,
        limits=limits_for(loaded.campaign.schedule.accounts, store),
        read_media=read_media,
        draw_card=draw_card,
    )


def compose_files(config: Path, posts: Path) -> Composition:
    """Read, prove and render the campaign.

    Raises:
        ContentError: it has errors.
    """
    return compose_loaded(prove_files(config, posts))
