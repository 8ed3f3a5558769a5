"""How many posts an account may have in an hour and in a day, counted as they go out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from bot.core.campaign import Account
from bot.core.likeness import Rendering
from bot.core.versions import problem_at
from bot.errors import Problem

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def caps_of(account: Account) -> tuple[tuple[int, timedelta, str], ...]:
    """List an account's caps: how many, in which time, and the key that says so."""
    hourly = (account.max_per_hour, HOUR, "max_per_hour")
    daily = (account.max_per_day, DAY, "max_per_day")
    return tuple((most, span, key) for most, span, key in (hourly, daily) if most)


def free_at(account: Account, begun: Sequence[datetime], now: datetime) -> datetime:
    """Tell from when on one more post keeps all caps; ``now`` where it does so at once.

    Args:
        begun: When the account's posts went out, or may have, in order.
    """
    moments = [now]
    for most, span, _key in caps_of(account):
        lately = [at for at in begun if now - span < at]
        if len(lately) >= most:
            moments.append(lately[-most] + span)
    return max(moments)


def crowded(shown: Iterable[Rendering], *, now: datetime) -> Iterator[Problem]:
    """Say which posts with a moment of their own an account's caps would make late."""
    fixed: dict[str, list[tuple[datetime, Rendering]]] = defaultdict(list)
    for one in shown:
        if one.post.at is not None and one.post.at > now:
            fixed[one.account.name].append((one.post.at, one))
    for ones in fixed.values():
        ones.sort(key=lambda each: each[0])
        for place, (at, one) in enumerate(ones):
            yield from _too_many(one, at, [before for before, _one in ones[:place]])


def _too_many(one: Rendering, at: datetime, before: Sequence[datetime]) -> Iterator[Problem]:
    for most, span, key in caps_of(one.account):
        lately = sum(at - span < each for each in before)
        if lately >= most:
            what = "an hour" if span == HOUR else "a day"
            message = f"number {lately + 1} of {one.account.name} within {what}, where {key} is"
            yield problem_at(one.post, "at", f"{message} {most}; move it, or raise the cap")
