"""The calendar: month, week and list; local time or UTC; filters; and as a feed.

What happens when: deliveries, drafts and what is further ahead, one entry a post and moment.
"""

import re
from calendar import Calendar
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property, partial
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from bot.authority.pauses import pause_at
from bot.content.model import Post, Schedule
from bot.content.slots import pause_on, yearly_times
from bot.content.zones import resolve
from bot.delivery.model import Delivery, State
from bot.planning.outlook import as_calendar, outlook_of
from bot.planning.plan import EmptySlot, Plan
from bot.planning.store import Planner
from bot.platforms.status import Status, status_from_json
from bot.web.context import AppContext
from bot.web.rendering import KIND_OF, KINDS, words_of
from bot.web.request import Answer, Page, Raw, RefusedRequestError, RequestContext

_MOST_DAYS = 800
_LINK = re.compile(r"https?://\S+")
#: Kinds, those that need a person most first.
_URGENCY = (
    "failed", "held", "paused", "asked", "unapproved", "sending", "approved", "forecast",
    "draft",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Target:
    """One account's part in an entry."""

    account: str
    platform: str
    kind: str


@dataclass(frozen=True)
class CalendarEntry:
    """One post at one moment (UTC), on some accounts."""

    at: datetime
    post_id: str
    theme: str
    targets: tuple[Target, ...]
    #: Returns its words and their language: a month of many posts shows those of a few.
    read: Callable[[], tuple[str, str]]

    @cached_property
    def _words_and_lang(self) -> tuple[str, str]:
        return self.read()

    @property
    def words(self) -> str:
        return self._words_and_lang[0]

    @property
    def lang(self) -> str:
        return self._words_and_lang[1]

    @property
    def kind(self) -> str:
        """What of it needs a person most."""
        kinds = {target.kind for target in self.targets}
        return next((kind for kind in _URGENCY if kind in kinds), min(kinds, default="draft"))


class CalendarQuery:
    """Looks things up once for one page."""

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._consents = context.desk.consents
        self._kinds: dict[str, str] = {}
        self._pauses = context.store.pauses.lasting()

    def between(self, since: datetime, until: datetime) -> list[CalendarEntry]:
        """Find what happens from ``since`` and before ``until``, in order."""
        outbox = self._context.store.outbox
        planned = outbox.find(states={State.PLANNED}, since=since, until=until)
        # Of the many that went out a page needs a few columns.
        begun = (
            CalendarEntry(
                row.due_at, row.post_id, row.theme,
                (Target(row.account, row.platform, _kind_of(row.state)),),
                partial(self._bare, row.status_json),
            )
            for row in outbox.under_way(since, until)
        )  # fmt: skip
        ahead = self._ahead(since, until)
        return _joined([*begun, *self._of_rows(planned), *ahead, *self._drafts(since, until)])

    def empty_slots(self, since: datetime, until: datetime) -> list[EmptySlot]:
        """Find the coming slots in a stretch of time that stay empty, and why."""
        empty = self._outlook(until).empty_slots
        return [slot for slot in empty if since <= slot.due_at < until]

    def next(self, count: int) -> list[CalendarEntry]:
        since = self._context.clock.now() - timedelta(hours=1)
        states = {State.PLANNED, State.READY}
        rows = self._context.store.outbox.find(states=states, since=since)
        return _joined(self._of_rows(rows))[:count]

    def kind_of(self, row: Delivery) -> str:
        if row.state is not State.PLANNED:
            return _kind_of(row.state)
        if row.due_at and pause_at(self._pauses, row.due_at, *row.publication.pausable):
            return "paused"
        if row.fingerprint not in self._kinds:
            consent = self._consents.of(row.publication)
            waiting = "unapproved" if consent.missing else "approved"
            self._kinds[row.fingerprint] = "asked" if consent.objection else waiting
        return self._kinds[row.fingerprint]

    def _of_rows(self, rows: Iterable[Delivery]) -> Iterator[CalendarEntry]:
        for row in rows:
            if row.part == 0 and row.due_at:
                target = Target(row.account, row.platform, self.kind_of(row))
                read = partial(self._bare, row.status_json)
                yield CalendarEntry(row.due_at, row.post_id, row.publication.theme, (target,), read)

    def _outlook(self, until: datetime) -> Plan:
        context = self._context
        days = max(0, min(_MOST_DAYS, (until - context.clock.now()).days + 1))
        return Planner(context.store, context.clock).outlook(context.rendered(), days=days)

    def _ahead(self, since: datetime, until: datetime) -> Iterator[CalendarEntry]:
        """Ask the planner for what the outbox does not reach to yet."""
        whole, outbox = self._context.rendered(), self._context.store.outbox
        horizon = outbox.planned_until()
        if horizon and until <= horizon:
            return
        yesterday = self._context.clock.now() - timedelta(days=1)
        rows = outbox.find(since=max(since, yesterday), until=until)
        known = {(row.account, row.publication.occurrence) for row in rows}
        for slot in self._outlook(until).assignments:
            if since <= slot.due_at < until and (slot.account, slot.occurrence) not in known:
                post = whole.campaign.post(slot.post_id)
                status = whole.texts[slot.post_id, slot.account].statuses[0]
                about = slot.account, post.theme if post else "", status.lang
                kind = "paused" if pause_at(self._pauses, slot.due_at, *about) else "forecast"
                target = Target(slot.account, whole.spec_of(slot.account).name, kind)
                read = partial(self._bare, status)
                yield CalendarEntry(slot.due_at, slot.post_id, about[1], (target,), read)

    def _bare(self, shown: Status | str) -> tuple[str, str]:
        """Return words without what is the same in all, attribution and links; the language."""
        status = status_from_json(shown) if isinstance(shown, str) else shown
        text = status.text
        for source in self._context.campaign.sources.values():
            text = text.replace(source.attribution, "")
        return _LINK.sub("", text).strip(), status.lang

    def _drafts(self, since: datetime, until: datetime) -> Iterator[CalendarEntry]:
        campaign = self._context.campaign
        for post in campaign.posts:
            if not post.ready:
                spec_of = self._context.rendered().spec_of
                targets = tuple(
                    Target(account, spec_of(account).name, "draft") for account in post.accounts
                )
                for at in _moments(post, since, until, campaign.zone):
                    yield CalendarEntry(at, post.id, post.theme, targets, partial(_draft, post))


def _draft(post: Post) -> tuple[str, str]:
    return words_of(post), post.lang


def _kind_of(state: State) -> str:
    return KIND_OF.get(state, state.value.lower())


def _joined(entries: Iterable[CalendarEntry]) -> list[CalendarEntry]:
    """Return one entry a post and moment, in order of time."""
    found: dict[tuple[datetime, str], CalendarEntry] = {}
    for entry in entries:
        known = found.setdefault((entry.at, entry.post_id), entry)
        if known is not entry:
            targets = (*known.targets, *entry.targets)
            found[entry.at, entry.post_id] = replace(known, targets=targets)
    return sorted(found.values(), key=lambda entry: (entry.at, entry.post_id))


def _moments(post: Post, since: datetime, until: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Return the moments a draft would have, from ``since`` and before ``until``."""
    if post.at and since <= post.at < until:
        yield post.at
    if post.every_year:
        first, last = since.astimezone(zone).date(), until.astimezone(zone).date()
        times = yearly_times(post.every_year, zone=zone, first=first, last=last)
        yield from (instant.utc for _year, instant in times if since <= instant.utc < until)


def filtered(
    entries: Iterable[CalendarEntry], *, account: str, kind: str, theme: str
) -> list[CalendarEntry]:
    """Keep what has an account, a status, or a theme; empty keeps all."""
    if not (account or kind or theme):
        return list(entries)
    kept = []
    for entry in entries:
        targets = tuple(
            target
            for target in entry.targets
            if account in {"", target.account} and kind in {"", target.kind}
        )
        if targets and theme in {"", entry.theme}:
            kept.append(replace(entry, targets=targets))
    return kept


def counted(entries: Iterable[CalendarEntry]) -> Mapping[str, int]:
    return Counter(target.kind for entry in entries for target in entry.targets)


VIEWS = ("month", "week", "list")
_LIST_DAYS = 60
#: Entries of one day that a month has room for; a week or a list has all.
_MOST_A_DAY = 6
_FEED_DAYS = 120


def page(request: RequestContext) -> Answer:
    context, campaign = request.context, request.context.campaign
    view, clock = request.choice("view", VIEWS), request.choice("clock", ("local", "utc"))
    zone = campaign.zone if clock == "local" else ZoneInfo("UTC")
    today = context.clock.now().astimezone(zone).date()
    day = request.day("day", today)
    themes = sorted({post.theme for post in campaign.posts if post.theme})
    filters = {
        "account": request.choice("account", ("", *campaign.schedule.accounts)),
        "kind": request.choice("kind", ("", *KINDS)),
        "theme": request.choice("theme", ("", *themes)),
    }
    first, end = _span(view, day)
    query, span = CalendarQuery(context), (_start(first, zone), _start(end, zone))
    everything = query.between(*span)
    entries = filtered(everything, **filters)
    # An empty slot has neither status nor theme.
    empty = [] if filters["kind"] or filters["theme"] else query.empty_slots(*span)
    empty = [slot for slot in empty if filters["account"] in {"", slot.account}]

    def address(**changed: str | date) -> str:
        """Write an address of the calendar that keeps everything but what is changed."""
        values = {"view": view, "clock": clock, "day": day, **filters, **changed}
        return "/calendar?" + urlencode({name: value for name, value in values.items() if value})

    values: dict[str, Any] = {
        "view": view,
        "clock_choice": clock,
        "page_zone": zone,
        "day": day,
        "today": today,
        "days": _days(campaign.schedule, first, end, entries, empty, zone),
        "counts": counted(entries),
        "most": _MOST_A_DAY if view == "month" else None,
        "filters": filters,
        "hidden": len(everything) - len(entries),
        # Those that have no time of their own.
        "drafts": [post for post in campaign.posts if not post.ready and post.queue],
        "words_of": words_of,
        "address": address,
        "before": _step(view, day, -1),
        "after": _step(view, day, 1),
        "themes": themes,
    }
    return Page("calendar.html", values)


def _span(view: str, day: date) -> tuple[date, date]:
    """Return the first day that is shown, and the first that is not."""
    if view == "week":
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=7)
    if view == "list":
        return day, day + timedelta(days=_LIST_DAYS)
    weeks = Calendar().monthdatescalendar(day.year, day.month)
    return weeks[0][0], weeks[-1][-1] + timedelta(days=1)


def _step(view: str, day: date, by: int) -> date:
    if view == "month":
        month = day.year * 12 + day.month - 1 + by
        return date(month // 12, month % 12 + 1, 1)
    return day + timedelta(days=(7 if view == "week" else _LIST_DAYS) * by)


def _start(day: date, zone: ZoneInfo) -> datetime:
    return resolve(datetime(day.year, day.month, day.day), zone).utc  # noqa: DTZ001 - local on purpose


def _days(
    schedule: Schedule,
    first: date,
    end: date,
    entries: list[CalendarEntry],
    empty: list[EmptySlot],
    zone: ZoneInfo,
) -> list[dict[str, Any]]:
    """Return what happens on each day, and what the schedule says of it."""
    by_day = defaultdict(list)
    for entry in entries:
        by_day[entry.at.astimezone(zone).date()].append(entry)
    empty_by_day: dict[date, dict[datetime, list[EmptySlot]]] = defaultdict(dict)
    for slot in empty:
        moments = empty_by_day[slot.due_at.astimezone(zone).date()]
        moments.setdefault(slot.due_at, []).append(slot)
    days = [first + timedelta(days=count) for count in range((end - first).days)]
    pauses = {day: pause_on(schedule.pauses, day) for day in days}
    return [
        {
            "day": day,
            "entries": by_day[day],
            "empty": empty_by_day[day],
            "pause": pause.reason if pause else "",
            "is_quiet": schedule.is_quiet(day),
        }
        for day, pause in pauses.items()
    ]


def new_address(request: RequestContext) -> Answer:
    """Make the secret address that a calendar program subscribes to; shown this once."""
    person = request.require_proved_user()
    return Page("feed.html", {"key": request.context.access.new_feed_key(person)})


def feed(request: RequestContext) -> Answer:
    """Return the calendar to a program: by its secret, or to whoever is signed in."""
    context, key = request.context, request.query_value("key")
    person = context.access.person_of_feed(key) if key else request.person
    if person is None:
        raise RefusedRequestError(403, "this calendar address is not, or no longer, known")
    outlook = outlook_of(context.store, context.clock, context.rendered(), days=_FEED_DAYS)
    return Raw(as_calendar(outlook), "text/calendar; charset=utf-8", filename="verbatim.ics")
