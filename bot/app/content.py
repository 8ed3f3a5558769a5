"""The campaign from its files: read, rendered, checked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bot.canonical import canonical_json
from bot.checks.checking import CheckCache, CheckedContent, check_content, pictures_of
from bot.clock import Clock, SystemClock
from bot.content.ceilings import bounded
from bot.content.files import SCHEDULE, FolderTree, StoredTree, Tree, tree_digest
from bot.content.loading import Loaded, load
from bot.content.model import Account, Mode, Post, Schedule
from bot.content.repository import RepositoryError
from bot.content.signatures import SignedContent
from bot.content.slots import DAY
from bot.engine.content import Load, TreeHash, kept_files
from bot.errors import ContentError, Problem, Severity
from bot.platforms.registry import PLATFORMS
from bot.platforms.spec import Limits, PlatformSpec
from bot.rendering.cards.pictures import inspect
from bot.rendering.rendered import RenderedCampaign, render_campaign

if TYPE_CHECKING:  # SQLAlchemy and Alembic, 0.3 s, are not needed where there is no database
    from bot.planning.store import Store
    from bot.settings.environment import Settings

SPECS: Mapping[str, PlatformSpec] = {name: kind.spec for name, kind in PLATFORMS.items()}


@dataclass(frozen=True, slots=True)
class Paths:
    """Where the campaign and the bot's own state are."""

    config: Path
    posts: Path
    data: Path


def limits_for(accounts: Mapping[str, Account], store: Store | None = None) -> dict[str, Limits]:
    """Return what fits on each account whose server was asked."""
    states = store.accounts.all() if store else ()
    return {state.name: state.limits for state in states if state.limits and state.name in accounts}


def read_files(config: Path, posts: Path) -> Loaded:
    tree = FolderTree(config, posts)
    return load(tree, specs=SPECS, inspect=inspect, now=SystemClock().now())


def read_schedule(raw: bytes, known: Settings) -> Schedule | None:
    """Read a schedule alone, within the machine's ceilings; None where it cannot be read."""
    tree = StoredTree({SCHEDULE: raw})
    readable = load(tree, specs=SPECS, inspect=inspect, now=SystemClock().now()).readable
    return bounded(readable, known, SPECS).schedule if readable else None


def prove_files(
    config: Path,
    posts: Path,
    *,
    clock: Clock | None = None,
    store: Store | None = None,
    by_name: bool = False,
    signers: Path | None = None,
    cache: CheckCache | None = None,
) -> CheckedContent:
    """Read all files, render them and hold them against every rule; problems are in the answer.

    Where there are ``signers``, one of them has signed the commit that has just these files.
    """
    now = (clock or SystemClock()).now()
    found = prove_tree(FolderTree(config, posts, by_name=by_name), now, store, cache)
    if signers is None:
        return found
    after = store.contents.last_commit() if store else ""
    try:
        commit = SignedContent(config, posts, signers).prove(found.loaded.files, after)
    except RepositoryError as error:
        file = SCHEDULE if by_name else str(config)
        problem = Problem(file, 0, 0, "signature", str(error), rule="signature")
        return replace(found, problems=(problem, *found.problems))
    return replace(found, commit=commit)


def prove_tree(
    tree: Tree,
    now: datetime | None = None,
    store: Store | None = None,
    cache: CheckCache | None = None,
    *,
    name: str = "",
    is_in_force: bool = False,
) -> CheckedContent:
    """Do the same to any tree of files.

    Args:
        name: A file: only its posts get pictures; empty for all.
        is_in_force: It stays so, whatever the time.
    """
    now, kept = now or SystemClock().now(), cache.files if cache else None
    loaded = load(tree, specs=SPECS, inspect=inspect, now=now, kept=kept)
    accounts = loaded.readable.schedule.accounts if loaded.readable else {}
    limits = limits_for(accounts, store)
    if store and loaded.readable:
        from bot.delivery.links import with_copies  # needs SQLAlchemy, as a store does

        loaded = replace(loaded, readable=with_copies(loaded.readable, store))

    def is_pictured(post: Post) -> bool:
        return name in {"", post.place.file}

    known = _known(loaded, now, store)
    found = check_content(
        loaded, specs=SPECS, limits=limits, now=now, pictured=is_pictured, known=known, cache=cache
    )
    return found if is_in_force else _without_past(found, now, store)


def watch_files(
    config: Path, posts: Path, *, clock: Clock, store: Store, signers: Path | None = None
) -> tuple[TreeHash, Load]:
    """Return how a service looks at its files, and how it reads them.

    It calls them by their names in the campaign: pages and mails are read elsewhere.
    """
    from bot.authority.audit import RowsOnce  # need SQLAlchemy, as a store does
    from bot.delivery.links import TO_COPY, copies_in

    decided, cache = RowsOnce(TO_COPY), CheckCache()

    def look() -> str:
        # A commit may be signed anew, or a key be taken away, with the same files.
        state = SignedContent(config, posts, signers).state() if signers else ""
        copies = copies_in(decided.read(store.audit))  # it changes what the same files say
        return tree_digest(config, posts) + state + (canonical_json(copies) if copies else "")

    return look, lambda: prove_files(
        config, posts, clock=clock, store=store, by_name=True, signers=signers, cache=cache
    )


@contextmanager
def problems_by_path(config: Path, posts: Path) -> Iterator[None]:
    """Put the paths of files in the place of their names where a content error passes through."""
    try:
        yield
    except ContentError as error:
        raise ContentError(by_path(config, posts, error.problems)) from error


def by_path(config: Path, posts: Path, problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return problems with the paths of files in the place of their names."""
    path_of = FolderTree(config, posts).shown
    return tuple(replace(problem, file=path_of(problem.file)) for problem in problems)


def prove_kept(store: Store, clock: Clock) -> CheckedContent | None:
    """Do the same to the last good tree of the database; None before there is one."""
    files = kept_files(store)
    return None if files is None else prove_stored(files, store=store, clock=clock)


def prove_stored(
    files: Mapping[str, bytes],
    name: str = "",
    *,
    store: Store | None,
    clock: Clock,
    cache: CheckCache | None = None,
) -> CheckedContent:
    """Do the same to files that could be in the database; as if in force, but for a file's name."""
    tree = StoredTree(files)
    return prove_tree(tree, clock.now(), store, cache, name=name, is_in_force=not name)


def _known(loaded: Loaded, now: datetime, store: Store | None) -> Collection[tuple[str, str]]:
    """Return by post and account what was planned, or whose file is in force as it is."""
    if store is None or loaded.readable is None:
        return ()
    _, texts = store.contents.last() or ("", {})
    same = {name for name, text in texts.items() if loaded.files.get(name) == text.encode()}
    accounts = loaded.readable.schedule.accounts
    posts = loaded.readable.posts
    in_force = (post for post in posts if post.place.file in same)
    known = {(post.id, name) for post in in_force for name in post.accounts or accounts}
    planned = store.outbox.turns(now, [post.id for post in posts])
    return known | {(post_id, name) for name, post_id in planned}


def _without_past(content: CheckedContent, now: datetime, store: Store | None) -> CheckedContent:
    """Refuse posts whose time is long past and that were never planned: they would never go out.

    Where no database knows what was planned, all of a rehearsal's were not.
    """
    readable = content.readable
    if readable is None or (store is None and readable.campaign.schedule.mode is Mode.LIVE):
        return content
    # What an account's server keeps from it was not planned there either.
    going = (text.post for text in readable.going_out)
    long_past = {post.id for post in going if post.at and post.at < now - DAY}
    if long_past and store:
        long_past -= {post_id for _, post_id in store.outbox.turns(now, sorted(long_past))}
    problems = tuple(
        replace(problem, severity=Severity.ERROR)
        if problem.rule == "time-past" and problem.where.partition(".")[0] in long_past
        else problem
        for problem in content.problems
    )
    return replace(content, problems=problems)


def rendered_for(checked: CheckedContent, store: Store) -> RenderedCampaign:
    """Return what is good, rendered again if servers tell other limits by now; or ContentError."""
    rendered = checked.rendered
    limits = limits_for(rendered.campaign.schedule.accounts, store)
    if limits == rendered.limits:
        return rendered
    pictures = pictures_of(checked.loaded)
    return render_campaign(rendered.campaign, specs=SPECS, limits=limits, pictures=pictures)
