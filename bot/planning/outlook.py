"""The calendar ahead as people read it: what is planned, what is missing, what it costs."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot import visible
from bot.authority.pauses import PauseState, pause_at
from bot.clock import Clock
from bot.delivery.consent import Consents
from bot.delivery.model import Hold, HoldReason, Occurrence, State, occurrence_text
from bot.engagement.costs import looks, price_of_read, read_days
from bot.planning.diff import assigned
from bot.planning.plan import Assignment, EmptySlot, Plan
from bot.planning.store import Planner, Store
from bot.platforms.status import Status, status_from_json
from bot.rendering.rendered import RenderedCampaign


@dataclass(frozen=True, slots=True)
class PlannedEntry:
    """One post to one account at one moment (UTC)."""

    due_at: datetime
    account: str
    post_id: str
    occurrence: Occurrence
    #: First words of what goes out.
    words: str
    #: US dollars.
    cost: float
    #: What stands in its way: ``unapproved (1 of 2)``, ``paused: …``.
    note: str = ""


@dataclass(frozen=True, slots=True)
class Outlook:
    """The coming days."""

    campaign: str
    timezone: str
    start: datetime
    days: int
    entries: tuple[PlannedEntry, ...]
    #: Called so in JSON.
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


def outlook_of(store: Store, clock: Clock, rendered: RenderedCampaign, *, days: int) -> Outlook:
    """Return the plan of the coming days, with what waits in the outbox beside it."""
    plan = Planner(store, clock).outlook(rendered, days=days)
    schedule, start = rendered.campaign.schedule, clock.now()
    end = start + timedelta(days=days)
    # What is held is in nobody's plan until a person decides.
    waiting = store.outbox.find(states={State.HELD, State.FAILED})
    consents, pauses = Consents(store, schedule), store.pauses.lasting()
    entries = [_planned(consents, pauses, rendered, assignment) for assignment in plan.assignments]
    entries += [
        PlannedEntry(
            row.due_at or start, row.account, row.post_id, row.publication.occurrence,
            _words(row.status), cost=0.0, note=f"{row.state}: {row.reason_text}",
        )
        for row in waiting
    ]  # fmt: skip
    entries.sort(key=lambda entry: (entry.due_at, entry.account))
    costs: dict[str, float] = defaultdict(float)
    for entry in entries:
        if entry.cost and entry.due_at < end:
            costs[f"{entry.due_at:%Y-%m}"] += entry.cost
    budgets = [
        account.budget_usd_per_month
        for account in schedule.accounts.values()
        if rendered.spec_of(account.name).prices and account.budget_usd_per_month is not None
    ]
    return Outlook(
        campaign=schedule.campaign,
        timezone=schedule.timezone,
        start=start,
        days=days,
        entries=tuple(entries),
        holes=plan.empty_slots,
        cost_by_month=dict(costs),
        reading_by_month=_reading(store, rendered, plan, start, end),
        budget=sum(budgets) if budgets else None,
    )


def _reading(
    store: Store, rendered: RenderedCampaign, plan: Plan, start: datetime, end: datetime
) -> Mapping[str, float]:
    """Add up what reading will cost until then: a status is billed once a UTC day."""
    schedule = rendered.campaign.schedule
    costs: dict[str, float] = defaultdict(float)
    for account in schedule.accounts.values():
        spec = rendered.spec_of(account.name)
        price = price_of_read(account, spec, schedule)
        if not price:
            continue
        sent = [
            assignment.due_at
            for assignment in plan.assignments
            if assignment.account == account.name
            for _status in rendered.texts[assignment.post_id, assignment.account].statuses
        ]
        for month, days in read_days(store, account.name, sent, end).items():
            costs[month] += price * days
        look = price_of_read(account, spec, schedule, "user_read")
        for month, days in looks(start, end).items():
            costs[month] += look * days
    return dict(costs)


def _planned(
    consents: Consents,
    pauses: Sequence[PauseState],
    rendered: RenderedCampaign,
    assignment: Assignment,
) -> PlannedEntry:
    new = assigned(assignment, rendered)
    consent = consents.of(new.publication, [part.status_json for part in new.parts])
    pause = pause_at(pauses, assignment.due_at, *new.publication.pausable)
    note = str(consent.objection or (f"unapproved: {consent}" if consent.missing else "approved"))
    return PlannedEntry(
        assignment.due_at, assignment.account, assignment.post_id, assignment.occurrence,
        _words(status_from_json(new.parts[0].status_json)),
        cost=sum(part.cost_usd for part in new.parts),
        note=f"{Hold(HoldReason.PAUSED, pause.detail)}; {note}" if pause else note,
    )  # fmt: skip


def _words(status: Status) -> str:
    return " ".join(status.text.split())[:80]


def as_calendar(outlook: Outlook) -> bytes:
    """Write an iCalendar file (RFC 5545): UTC instants and ids that stay the same."""
    from icalendar import Calendar, Event  # 0.1 s, which each start of the service would pay

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
        event.add("summary", visible.line(f"{entry.post_id} → {entry.account}"))
        event.add("description", visible.block(f"{entry.words}\n{entry.note}".strip()))
        calendar.add_component(event)
    return bytes(calendar.to_ical())
