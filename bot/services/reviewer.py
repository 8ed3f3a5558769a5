"""What editors see before anything goes out: every problem, and what each account would show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bot.content.loading import Loaded
from bot.core.campaign import Post
from bot.core.model import Limits, Status, Traits
from bot.core.rendering import length_of
from bot.core.rules import check
from bot.errors import Severity
from bot.services.composing import Composition


def prove(
    loaded: Loaded,
    *,
    traits: Mapping[str, Traits],
    limits: Mapping[str, Limits],
    now: datetime,
) -> Loaded:
    """Hold what could be read against every rule; what breaks one has no campaign.

    Files with errors are held against the rules too, so that all is told at once.
    """
    if loaded.readable is None:
        return loaded
    found = (*loaded.problems, *check(loaded.readable, traits=traits, limits=limits, now=now))
    is_wrong = any(one.severity is Severity.ERROR for one in found)
    campaign = None if is_wrong else loaded.campaign
    return replace(loaded, campaign=campaign, problems=tuple(sorted(set(found))))


@dataclass(frozen=True, slots=True)
class Shown:
    """What one account would show of a post."""

    account: str
    platform: str
    statuses: tuple[Status, ...]
    #: Length of each status as its platform counts, and what fits.
    lengths: tuple[int, ...]
    max_length: int
    #: Why the account gets nothing; empty where it does.
    skipped: str
    #: US dollars.
    cost: float


@dataclass(frozen=True, slots=True)
class Preview:
    """A post as each of its accounts would show it."""

    post: Post
    shown: tuple[Shown, ...]


def preview(composition: Composition, post: Post) -> Preview:
    """Show what would go out, byte for byte."""
    return Preview(post, tuple(_shown(composition, post, name) for name in post.accounts))


def _shown(composition: Composition, post: Post, account: str) -> Shown:
    rendered = composition.rendered[post.id, account]
    traits, limits = composition.traits_of(account), composition.limits[account]
    own = composition.campaign.schedule.accounts[account].max_length
    return Shown(
        account=account,
        platform=traits.name,
        statuses=rendered.statuses,
        lengths=tuple(length_of(one, traits, limits) for one in rendered.statuses),
        max_length=own or limits.max_length,
        skipped=rendered.skipped or "; ".join(one.message for one in rendered.problems),
        cost=sum(composition.cost_of(one, account) for one in rendered.statuses),
    )
