"""The campaign from its files: read, proved, rendered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from bot.cards.pictures import inspect
from bot.clock import Clock, SystemClock
from bot.content.bounds import Bounds
from bot.content.files import FolderTree
from bot.content.loading import Loaded, load, load_from_files
from bot.content.watching import print_of
from bot.core.campaign import Account, MediaFile
from bot.core.model import Limits, Traits
from bot.errors import ContentError
from bot.platforms.registry import KINDS
from bot.services.composing import Composition, compose
from bot.services.contents import Load, Look, errors_of, kept_files
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


def tell_picture(data: bytes) -> tuple[str, int, int]:
    """Tell what a picture is: kind, width, height.

    Raises:
        PictureError: it is unsafe or broken.
    """
    found = inspect(data)
    return found.mime, found.width, found.height


def prove_files(
    config: Path,
    posts: Path,
    *,
    clock: Clock | None = None,
    store: Store | None = None,
    by_name: bool = False,
) -> Loaded:
    """Read all files and hold them against every rule; problems are in the answer."""
    now = (clock or SystemClock()).now()
    loaded = load(
        schedule_path=config, posts_path=posts, traits=TRAITS, inspect=tell_picture, now=now,
        by_name=by_name,
    )  # fmt: skip
    return prove_loaded(loaded, now, store)


def watch_files(config: Path, posts: Path, *, clock: Clock, store: Store) -> tuple[Look, Load]:
    """Return how a service looks at its files, and how it reads them.

    It calls them by their names in the campaign: pages and mails are read elsewhere.
    """
    return (
        lambda: print_of(config, posts),
        lambda: prove_files(config, posts, clock=clock, store=store, by_name=True),
    )


@contextmanager
def problems_by_path(config: Path, posts: Path) -> Iterator[None]:
    """Put the paths of files in the place of their names where a content error passes through."""
    try:
        yield
    except ContentError as error:
        path_of = FolderTree(config, posts, Bounds()).shown
        problems = [replace(one, file=path_of(one.file)) for one in error.problems]
        raise ContentError(problems) from error


def prove_kept(store: Store, clock: Clock) -> Loaded | None:
    """Read the last good tree of the database in the same way; None before there is one."""
    files, now = kept_files(store), clock.now()
    if files is None:
        return None
    loaded = load_from_files(files, traits=TRAITS, inspect=tell_picture, now=now)
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


def compose_files(config: Path, posts: Path, *, store: Store | None = None) -> Composition:
    """Read, prove and render the campaign.

    Raises:
        ContentError: it has errors.
    """
    return compose_loaded(prove_files(config, posts, store=store), store)
