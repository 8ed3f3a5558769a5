"""What it costs to follow 200 posts for 30 days, beside one read of each post a day.

``python -m benchmarks.following``: pure arithmetic, from the collector's own schedule of ages and
the prices that the program knows. A platform that is billed charges a post once a UTC day, however
often it is read that day.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from benchmarks.page import Row, Section, alone
from bot.engagement.ages import due_times
from bot.platforms.bluesky import api as bluesky
from bot.platforms.mastodon import timeline as mastodon
from bot.platforms.registry import PLATFORMS
from bot.platforms.spec import PlatformSpec
from bot.platforms.x import timeline as x

_POSTS, _DAYS = 200, 30
#: How often the service's job "collect" looks (`bot/engine/service.py`).
_ROUND = timedelta(minutes=1)
_BATCHES = {"x": x._BATCH, "mastodon": mastodon._BATCH, "bluesky": bluesky._BATCH}
_PAID = {"read": "another's app", "owned_read": "own app"}
#: 200 posts in the order in which they go out: ten a day at the hours of a campaign.
_BEGUN = datetime(2026, 12, 1, 13, tzinfo=UTC)
SENT = [_BEGUN + timedelta(days=number // 10, hours=number % 10) for number in range(_POSTS)]


def daily(sent_at: datetime) -> Mapping[str, datetime]:
    """Return when one post is read by a program that looks once a day."""
    return {f"day {day}": sent_at + timedelta(days=day) for day in range(1, _DAYS + 1)}


def billed(dues: Iterable[Mapping[str, datetime]]) -> int:
    """Count what a platform charges: each post once a UTC day."""
    return sum(len({at.astimezone(UTC).date() for at in due.values()}) for due in dues)


def calls(dues: Iterable[Mapping[str, datetime]], batch: int) -> int:
    """Count requests, where what is due between two rounds is read together, so many at once."""
    due = Counter(at.timestamp() // _ROUND.total_seconds() for ages in dues for at in ages.values())
    return sum(math.ceil(count / batch) for count in due.values())


def _rows(_small: bool) -> list[Row]:
    return [row for name in PLATFORMS for row in rows_of(PLATFORMS[name].spec)]


def rows_of(spec: PlatformSpec) -> list[Row]:
    """Return the calls of one platform, and what its reads cost where it is billed."""
    ours = [due_times(sent, in_few_days=bool(spec.prices)) for sent in SENT]
    theirs = [daily(sent) for sent in SENT]
    rows = [_row(f"calls, {spec.name}", calls(ours, _BATCHES[spec.name]), calls(theirs, 1), "")]
    for action, whose in _PAID.items() if spec.prices else ():
        price = spec.prices[action]
        dollars = price * billed(ours), price * billed(theirs)
        rows.append(_row(f"dollars, {spec.name}, {whose}", *dollars, "$"))
    return rows


def _row(name: str, ours: float, theirs: float, unit: str) -> Row:
    shown = [f"{unit}{value:,.2f}" if unit else f"{value:,.0f}" for value in (ours, theirs)]
    return Row(name, ("one read of each post a day", shown[0], shown[1]), ours / theirs)


SECTION = Section(
    "Following",
    f"{_POSTS} posts of one account followed for {_DAYS} days, ten a day at hours of their own:"
    " arithmetic from the collector's ages, rounds and batches, and from the prices that the"
    " program knows (`benchmarks/following.py`); the other program asks for each post on its own. X"
    " bills a post once a UTC day; the followers of the account, one read a day with either, are"
    " left out.",
    tuple(row.name for row in _rows(True)),
    _rows,
    (),
    "benchmarks-following.svg",
)

if __name__ == "__main__":
    sys.exit(alone(SECTION))
