"""The calendar ahead as people read it: what is planned, what is missing, what it costs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event

from bot.clock import Clock
from bot.core.gate import approvers
from bot.core.model import State
from bot.core.planning import Assignment, EmptySlot, Plan
from bot.core.publications import Occurrence, occurrence_text
from bot.services.composing import Composition
from bot.services.costs import looks, price_of_read, read_days
from bot.store import Store


@dataclass(frozen=True, slots=True)
class Entry:
    """One post to one account at one moment (UTC)."""

    due_at: datetime
    account: str
    post_id: str
    occurrence: Occurrence
    #: First words of what goes out.
    words: str
    #: US dollars.
    cost: float
    #: What stands in its way: ``unapproved (1 of 2)``, ``held: …``.
    note: str = ""


@dataclass(frozen=True, slots=True)
class Outlook:
    """The coming days."""

    campaign: str
    timezone: str
    start: datetime
    days: int
    entries: tuple[Entry, ...]
    holes: tuple[EmptySlot, ...]
    #: US dollars for posting, by UTC month such as 2026-12.
    cost_by_month: Mapping[str, float]
    #: The same for reading what the posts bring.
    reading_by_month: Mapping[str, float] = field(default_factory=dict)
    #: US dollars a month of all accounts that pay and have a budget.
    budget: float | None = None

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


@dataclass(frozen=True, slots=True)
class Forecaster:
    """Puts plan and outbox together; without a store there is nothing out yet."""

    store: Store | None
    clock: Clock

    def tell(self, composition: Composition, plan: Plan, *, days: int) -> Outlook:
        """Describe a plan, and what waits in the outbox beside it."""
        entries = [self._entry(composition, one) for one in plan.assignments]
        entries += self._waiting()
        schedule, start = composition.campaign.schedule, self.clock.now()
        entries.sort(key=lambda entry: (entry.due_at, entry.account))
        costs: dict[str, float] = defaultdict(float)
        for entry in entries:
            if entry.cost and entry.due_at < start + timedelta(days=days):
                costs[f"{entry.due_at:%Y-%m}"] += entry.cost
        return Outlook(
            campaign=schedule.campaign,
            timezone=schedule.timezone,
            start=start,
            days=days,
            entries=tuple(entries),
            holes=plan.holes,
            cost_by_month=dict(costs),
            reading_by_month=self._reading(composition, plan, start + timedelta(days=days)),
            budget=_budget(composition),
        )

    def _reading(self, composition: Composition, plan: Plan, end: datetime) -> Mapping[str, float]:
        """Add up what reading will cost until then: X bills a status once a UTC day."""
        costs: dict[str, float] = defaultdict(float)
        for account in composition.campaign.schedule.accounts.values():
            traits = composition.traits_of(account.name)
            price = price_of_read(account, traits, composition.campaign.schedule)
            ours = (one for one in plan.assignments if one.account == account.name)
            sent = [
                one.due_at
                for one in ours
                for _status in composition.rendered[one.post_id, one.account].statuses
            ]
            if not price:
                continue
            for month, days in read_days(self.store, account.name, sent, end).items():
                costs[month] += price * days
            look = price_of_read(account, traits, composition.campaign.schedule, "user_read")
            for month, days in looks(self.clock.now(), end).items():
                costs[month] += look * days
        return dict(costs)

    def _entry(self, composition: Composition, one: Assignment) -> Entry:
        statuses = composition.rendered[one.post_id, one.account].statuses
        return Entry(
            due_at=one.due_at,
            account=one.account,
            post_id=one.post_id,
            occurrence=one.occurrence,
            words=" ".join(statuses[0].text.split())[:80],
            cost=sum(composition.cost_of(status, one.account) for status in statuses),
            note=self._note(composition, one),
        )

    def _note(self, composition: Composition, one: Assignment) -> str:
        post = composition.campaign.post(one.post_id)
        required = composition.campaign.schedule.approvals_required
        if post is None or self.store is None:
            return ""
        bound = composition.fingerprint(post, one.due_at)
        count = approvers((one.by for one in self.store.approvals.of(bound)), post.author)
        return f"unapproved: {count} of {required}" if count < required else "approved"

    def _waiting(self) -> list[Entry]:
        """Give what is held: it is in nobody's plan until a person decides."""
        if self.store is None:
            return []
        held = self.store.outbox.find(states={State.HELD, State.FAILED})
        return [
            Entry(
                due_at=row.due_at or self.clock.now(),
                account=row.account,
                post_id=row.post_id,
                occurrence=row.publication.occurrence,
                words=" ".join(row.status.text.split())[:80],
                cost=0.0,
                note=f"{row.state}: {row.reason}",
            )
            for row in held
        ]


def _budget(composition: Composition) -> float | None:
    accounts = composition.campaign.schedule.accounts.values()
    budgets = [
        one.budget_usd_per_month
        for one in accounts
        if composition.traits_of(one.name).prices and one.budget_usd_per_month is not None
    ]
    return sum(budgets) if budgets else None


def as_calendar(outlook: Outlook) -> bytes:
    """Write an iCalendar file (RFC 5545): UTC instants and ids that stay the same."""
    calendar = Calendar()
    calendar.add("prodid", "-//Verbatim//campaign calendar//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", outlook.campaign)
    for entry in outlook.entries:
        event = Event()
        event.add("uid", f"{occurrence_text(entry.occurrence)}.{entry.account}@{outlook.campaign}")
        event.add("dtstamp", outlook.start)
        event.add("dtstart", entry.due_at)
        event.add("duration", timedelta(minutes=5))
        event.add("summary", f"{entry.post_id} → {entry.account}")
        event.add("description", f"{entry.words}\n{entry.note}".strip())
        calendar.add_component(event)
    return bytes(calendar.to_ical())
