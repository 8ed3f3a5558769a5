"""How many posts an account may have in an hour and in a day, counted as they go out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from bot.core.campaign import Account
from bot.core.rendered import RenderedCampaign
from bot.core.rendering import RenderedText
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


def crowded(whole: RenderedCampaign, now: datetime) -> Iterator[Problem]:
    """No post with a moment of its own is made late by its account's caps."""
    fixed: dict[str, list[tuple[datetime, RenderedText]]] = defaultdict(list)
    for text in whole.going_out():
        if text.post.at is not None and text.post.at > now:
            fixed[text.account.name].append((text.post.at, text))
    for texts in fixed.values():
        texts.sort(key=lambda each: each[0])
        for number, (at, text) in enumerate(texts):
            yield from _too_many(text, at, [before for before, _text in texts[:number]])


def _too_many(text: RenderedText, at: datetime, before: Sequence[datetime]) -> Iterator[Problem]:
    for most, span, key in caps_of(text.account):
        lately = sum(at - span < each for each in before)
        if lately >= most:
            what = "an hour" if span == HOUR else "a day"
            message = (
                f"number {lately + 1} of {text.account.name} within {what}, where {key} is {most}; "
                "move it, or raise the cap"
            )
            yield problem_at(text.post, "at", message, "over-cap")
