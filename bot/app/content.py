"""The campaign from its files: read, rendered, checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from bot.checks.checking import CheckedContent, check_content, pictures_of
from bot.clock import Clock, SystemClock
from bot.content.files import FolderTree, StoredTree, tree_digest
from bot.content.loading import Loaded, load
from bot.content.model import Account, Post
from bot.engine.contents import Load, TreeHash, kept_files
from bot.errors import ContentError
from bot.planning.store import Store
from bot.platforms.registry import PLATFORMS
from bot.platforms.spec import Limits, PlatformSpec
from bot.rendering.cards.pictures import inspect
from bot.rendering.rendered import RenderedCampaign, render_campaign

TRAITS: Mapping[str, PlatformSpec] = {name: kind.spec for name, kind in PLATFORMS.items()}


def limits_for(accounts: Mapping[str, Account], store: Store | None = None) -> dict[str, Limits]:
    """Return what fits on each account: what its server told, or else what is usual."""
    told = {one.name: one.limits for one in store.accounts.all()} if store else {}
    return {
        name: told.get(name) or TRAITS[account.platform].limits
        for name, account in accounts.items()
    }


def read_files(
    config: Path, posts: Path, *, now: datetime | None = None, by_name: bool = False
) -> Loaded:
    """Read all files; nothing is rendered."""
    tree = FolderTree(config, posts, by_name=by_name)
    return load(tree, specs=TRAITS, inspect=inspect, now=now or SystemClock().now())


def prove_files(
    config: Path,
    posts: Path,
    *,
    clock: Clock | None = None,
    store: Store | None = None,
    by_name: bool = False,
) -> CheckedContent:
    """Read all files, render them and hold them against every rule; problems are in the answer."""
    now = (clock or SystemClock()).now()
    return _checked(read_files(config, posts, now=now, by_name=by_name), now, store)


def watch_files(config: Path, posts: Path, *, clock: Clock, store: Store) -> tuple[TreeHash, Load]:
    """Return how a service looks at its files, and how it reads them.

    It calls them by their names in the campaign: pages and mails are read elsewhere.
    """
    return (
        lambda: tree_digest(config, posts),
        lambda: prove_files(config, posts, clock=clock, store=store, by_name=True),
    )


@contextmanager
def problems_by_path(config: Path, posts: Path) -> Iterator[None]:
    """Put the paths of files in the place of their names where a content error passes through."""
    try:
        yield
    except ContentError as error:
        path_of = FolderTree(config, posts).shown
        problems = [replace(one, file=path_of(one.file)) for one in error.problems]
        raise ContentError(problems) from error


def prove_kept(store: Store, clock: Clock) -> CheckedContent | None:
    """Do the same to the last good tree of the database; None before there is one."""
    files = kept_files(store)
    if files is None:
        return None
    loaded = _stored(files, clock)
    return _checked(loaded, clock.now(), store)


def prove_file(
    files: Mapping[str, bytes], name: str, *, store: Store, clock: Clock
) -> CheckedContent:
    """Do the same to files that could be in the database, with pictures of one file's posts."""
    loaded = _stored(files, clock)
    return _checked(loaded, clock.now(), store, lambda post: post.place.file == name)


def _stored(files: Mapping[str, bytes], clock: Clock) -> Loaded:
    return load(StoredTree(files), specs=TRAITS, inspect=inspect, now=clock.now())


def _checked(
    loaded: Loaded,
    now: datetime,
    store: Store | None,
    pictured: Callable[[Post], bool] = lambda _post: True,
) -> CheckedContent:
    accounts = loaded.readable.schedule.accounts if loaded.readable else {}
    limits = limits_for(accounts, store)
    return check_content(loaded, specs=TRAITS, limits=limits, now=now, pictured=pictured)


def rendered_for(checked: CheckedContent, store: Store) -> RenderedCampaign:
    """Return what was found good, rendered again where servers tell other limits by now.

    Raises:
        ContentError: it has errors.
    """
    rendered = checked.rendered
    limits = limits_for(rendered.campaign.schedule.accounts, store)
    if limits == rendered.limits:
        return rendered
    pictures = pictures_of(checked.loaded)
    return render_campaign(rendered.campaign, specs=TRAITS, limits=limits, pictures=pictures)
