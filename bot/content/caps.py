"""How many posts an account may have in an hour and in a day, counted as they go out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.content.model import Account

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def caps_of(account: Account) -> tuple[tuple[int, timedelta, str], ...]:
    """List an account's caps: how many, in which time, and the key that says so."""
    hourly = (account.max_per_hour, HOUR, "max_per_hour")
    daily = (account.max_per_day, DAY, "max_per_day")
    return tuple((most, span, key) for most, span, key in (hourly, daily) if most)


def free_at(account: Account, begun: Sequence[datetime], now: datetime) -> datetime:
    """Return from when on one more post keeps all caps; ``now`` where it does so at once.

    Args:
        begun: When the account's posts went out, or may have, in order.
    """
    moments = [now]
    for most, span, _key in caps_of(account):
        lately = [at for at in begun if now - span < at]
        if len(lately) >= most:
            moments.append(lately[-most] + span)
    return max(moments)
