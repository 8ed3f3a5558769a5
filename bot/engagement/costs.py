"""What an account has spent this month, and what is still to come; asks nobody, spends nothing."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.clock import Clock
from bot.content.model import Account, Campaign, Schedule
from bot.delivery.model import State
from bot.engagement.ages import due_times
from bot.engagement.store import EngagementStore
from bot.platforms.spec import PlatformSpec
from bot.rendering.rendered import prices_for

#: May still go out, and cost.
_TO_COME = frozenset({State.PLANNED, State.READY, State.SENDING, State.UNKNOWN})


@dataclass(frozen=True, slots=True)
class Forecast:
    """One paid account's month (UTC); US dollars."""

    account: str
    month: str
    spent: float
    by_action: Mapping[str, float]
    posts_to_come: float
    reads_to_come: float
    #: None without a budget.
    budget: float | None

    @property
    def expected(self) -> float:
        """Return what the whole month will have cost."""
        return self.spent + self.posts_to_come + self.reads_to_come


def price_of_read(
    account: Account, spec: PlatformSpec, schedule: Schedule, action: str = ""
) -> float:
    """Return US dollars for reading one status of an account, or for another action."""
    name = action or spec.read_action(account)
    return float(prices_for(spec, schedule).get(name, 0.0))


def kept_for_posts(store: EngagementStore, account: str, now: datetime) -> float:
    """Add up what this UTC month's unsent posts will cost."""
    rows = store.outbox.find(states=_TO_COME, account=account, until=_month_end(now))
    return sum(row.cost_usd for row in rows)


def forecasts(
    store: EngagementStore, campaign: Campaign, clock: Clock, specs: Mapping[str, PlatformSpec]
) -> Iterator[Forecast]:
    """Yield the month of every account that pays."""
    schedule, now = campaign.schedule, clock.now()
    month, end = f"{now.astimezone(UTC):%Y-%m}", _month_end(now)
    for name, account in schedule.accounts.items():
        spec = specs[account.platform]
        if not spec.prices:
            continue
        rows = store.outbox.find(states=_TO_COME, account=name, until=end)
        days = read_days(store, name, (max(row.due_at or now, now) for row in rows), end)
        reads = price_of_read(account, spec, schedule) * days.get(month, 0)
        daily = price_of_read(account, spec, schedule, "user_read") * (end - now).days
        yield Forecast(
            account=name,
            month=month,
            spent=store.ledger.spent(name, month_of=now),
            by_action=store.ledger.spent_by_action(name, month_of=now),
            posts_to_come=sum(row.cost_usd for row in rows),
            reads_to_come=reads + daily,
            budget=account.budget_usd_per_month,
        )


def read_days(
    store: EngagementStore, account: str, to_come: Iterable[datetime], end: datetime
) -> Mapping[str, int]:
    """Count, by UTC month, on how many days a status will be read before ``end``.

    Statuses are those that are out, and those that go out at the moments ``to_come``.
    """
    dues = [(read.delivery_id, read.due_at) for read in store.snapshots.to_come(account)]
    for number, moment in enumerate(to_come):
        times = due_times(moment, in_few_days=True).values()
        dues += [(f"{number} to come", due) for due in times]
    days = {(status, due.astimezone(UTC).date()) for status, due in dues if due < end}
    return Counter(f"{day:%Y-%m}" for _status, day in days)


def looks(start: datetime, end: datetime) -> Mapping[str, int]:
    """Count, by UTC month, the daily looks at an account: one a day for its followers."""
    first = start.astimezone(UTC)
    days = (first + timedelta(days=day) for day in range((end - start).days))
    return Counter(f"{day:%Y-%m}" for day in days)


def _month_end(now: datetime) -> datetime:
    first = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1)
