"""Rows of a report, as numbers: posts, groups of posts, accounts, reads that brought nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from bot.engagement.estimate import Estimate
from bot.engagement.readings import GroupSum, Reading
from bot.engagement.snapshots import SnapshotState


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a table: a post, or a group of posts."""

    name: str
    #: First words, for people; empty where the name says it all.
    words: str
    lang: str
    #: Posts it comes from.
    n: int
    #: Against what is usual; None where there is not enough to tell.
    ratio: float | None
    low: float | None
    high: float | None
    #: Mean engagements of a post at each age; None where none was read.
    growth: tuple[float | None, ...]
    as_of: datetime | None
    #: Of a group, which people look at again while it grows: what holds at all looks together.
    sequence: tuple[float, float] | None = None

    @property
    def trend(self) -> str:
        """Return ``up`` or ``down`` where what is known is clear of the usual."""
        if self.low is None or self.high is None:
            return "unknown"
        least, most = self.sequence or (self.low, self.high)
        is_up, is_down = min(self.low, least) > 1, max(self.high, most) < 1
        return "up" if is_up else "down" if is_down else "even"


@dataclass(frozen=True, slots=True)
class Typical:
    """What is usual on one account; it is compared with no other, since audiences differ."""

    name: str
    platform: str
    n: int
    #: Age of the numbers below; empty where there are none.
    age: str
    median: float | None
    per_1000_followers: float | None
    per_1000_impressions: float | None
    followers: int | None
    growth: tuple[float | None, ...]
    as_of: datetime | None


@dataclass(frozen=True, slots=True)
class Blank:
    """A read without numbers, and why."""

    post_id: str
    account: str
    age: str
    outcome: SnapshotState
    reason: str


def blanks_of(reading: Reading) -> Iterator[Blank]:
    """Yield the reads of it without numbers; those that are only due yet are none."""
    for age, (outcome, reason) in reading.blanks.items():
        if outcome is not SnapshotState.DUE or reason:
            yield Blank(reading.post_id, reading.account, age, outcome, reason)


def no_words(_name: str) -> tuple[str, str]:
    return "", ""


def line_of(
    by: str,
    group: GroupSum,
    known: Estimate | None,
    words_of: Callable[[str], tuple[str, str]] = no_words,
) -> Line:
    low, high = known.known.interval() if known else (None, None)
    words, lang = words_of(group.name)
    return Line(
        name=group.name,
        words=words,
        lang=lang,
        n=group.n if by == "post" else group.posts,
        ratio=known.known.mean if known else None,
        low=low,
        high=high,
        growth=group.growth,
        as_of=group.as_of,
        sequence=known.sequence if known and by != "post" else None,
    )
