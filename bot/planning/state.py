"""What is taken so far while a plan is made, and what that forbids."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.content.model import Account, Post, Schedule
from bot.delivery.publications import Occurrence

#: Whether two posts are too much alike to stand close together; symmetric.
Alike = Callable[[str, str], bool]

#: Sorts after every id of a post.
_LAST = "\U0010ffff"


@dataclass(slots=True)
class PlanState:
    """What is taken so far, by account."""

    schedule: Schedule
    alike: Alike
    zone: ZoneInfo = field(init=False)
    taken: dict[str, list[tuple[datetime, str]]] = field(default_factory=lambda: defaultdict(list))
    last_used: dict[tuple[str, str], datetime] = field(default_factory=dict)
    graphic_days: dict[date, set[str]] = field(default_factory=lambda: defaultdict(set))
    occurrences: set[tuple[str, Occurrence]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.zone = ZoneInfo(self.schedule.timezone)

    def enter(self, account: str, post: str, when: datetime, *, graphic: bool) -> None:
        insort(self.taken[account], (when, post))
        self.last_used[account, post] = max(when, self.last_used.get((account, post), when))
        if graphic:
            self.graphic_days[self.day(when)].add(post)

    def day(self, when: datetime) -> date:
        return when.astimezone(self.zone).date()

    def near(self, account: str, when: datetime, within: timedelta) -> Iterator[str]:
        """Yield posts taken on the account less than ``within`` before or after."""
        taken = self.taken[account]
        start = bisect_right(taken, (when - within, _LAST))
        end = bisect_left(taken, (when + within, ""))
        return (post for _at, post in taken[start:end])

    def count(self, account: str, since: datetime, until: datetime) -> int:
        taken = self.taken[account]
        return bisect_right(taken, (until, _LAST)) - bisect_right(taken, (since, _LAST))

    def caps(self, account: Account, when: datetime) -> str:
        """Say which cap of an account a delivery would break; empty for none."""
        hour, day = timedelta(hours=1), timedelta(days=1)
        if account.max_per_hour and (
            self.count(account.name, when - hour, when) >= account.max_per_hour
        ):
            return f"the account's {account.max_per_hour} an hour are used"
        if (
            account.max_per_day
            and self.count(account.name, when - day, when) >= account.max_per_day
        ):
            return f"the account's {account.max_per_day} a day are used"
        if account.min_gap and any(self.near(account.name, when, account.min_gap)):
            return "too close to another post of the account"
        return ""

    def too_graphic(self, post: Post, day: date) -> str:
        """Say why a graphic post cannot come on a local day; empty where it may."""
        if not post.graphic:
            return ""
        if self.schedule.is_quiet(day):
            return "a quiet day has no graphic post"
        if len(self.graphic_days[day] - {post.id}) >= self.schedule.graphic_per_day:
            return f"the day has its {self.schedule.graphic_per_day} graphic post already"
        return ""

    def too_alike(self, post_id: str, account: str, platform: str, when: datetime) -> str:
        """Look for a text too much alike, close by, on any account of the same platform."""
        days = timedelta(days=self.schedule.similarity_days)
        names = (one.name for one in self.schedule.accounts.values() if one.platform == platform)
        for name in names:
            if name != account and (name, post_id) in self.last_used:
                return "the same text never goes to two accounts of one platform"
            for other in self.near(name, when, days):
                same_here = name == account and other == post_id
                if not same_here and self.alike(post_id, other):
                    return f"too much like another within {days.days} days"
        return ""
