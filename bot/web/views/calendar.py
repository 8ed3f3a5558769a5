"""The calendar: month, week and list; local time or UTC; filters; and as a feed."""

from __future__ import annotations

from calendar import Calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from bot.authority.users import Right
from bot.content.zones import resolve
from bot.planning.outlook import as_calendar, outlook_of
from bot.web.answers import Answer, Page, Raw
from bot.web.calendar_entries import CalendarEntry, CalendarQuery, counted, filtered
from bot.web.request_context import RefusedRequestError, RequestContext
from bot.web.words import KINDS

VIEWS = ("month", "week", "list")
_LIST_DAYS = 60
_FEED_DAYS = 120


@dataclass(frozen=True, slots=True)
class Day:
    """One day with what happens on it."""

    day: date
    is_in_month: bool
    is_today: bool
    entries: tuple[CalendarEntry, ...]
    #: Planned silence: why no slot is on this day; empty for none.
    pause: str
    is_quiet: bool


def page(request: RequestContext) -> Answer:
    context = request.context
    view, clock = request.choice("view", VIEWS), request.choice("clock", ("local", "utc"))
    zone = context.campaign.zone if clock == "local" else ZoneInfo("UTC")
    today = context.clock.now().astimezone(zone).date()
    day = request.day("day", today)
    filters = _filters(request)
    first, last = _span(view, day)
    almanac = CalendarQuery(context)
    everything = almanac.between(_start(first, zone), _start(last + timedelta(days=1), zone))
    shown = filtered(everything, **filters)
    days = [_day(request, one, shown, zone, today, day) for one in _days(first, last)]
    address = _CalendarUrl(view, clock, day, filters)
    values: dict[str, Any] = {
        "view": view,
        "clock_choice": clock,
        "page_zone": zone,
        "day": day,
        "today": today,
        "days": days,
        "weeks": [days[at : at + 7] for at in range(0, len(days), 7)],
        "counts": counted(shown),
        "filters": filters,
        "hidden": len(everything) - len(shown),
        "drafts": almanac.undated_drafts(),
        "address": address,
        "before": address.on(_step(view, day, -1)),
        "after": address.on(_step(view, day, 1)),
        "accounts": tuple(context.campaign.schedule.accounts),
        "themes": sorted({one.theme for one in context.campaign.posts if one.theme}),
        "kinds": KINDS,
        "feed": "",
    }
    return Page("calendar.html", values)


def _filters(request: RequestContext) -> dict[str, str]:
    campaign = request.context.campaign
    themes = sorted({one.theme for one in campaign.posts if one.theme})
    return {
        "account": request.choice("account", ("", *campaign.schedule.accounts)),
        "kind": request.choice("kind", ("", *KINDS)),
        "theme": request.choice("theme", ("", *themes)),
    }


@dataclass(frozen=True, slots=True)
class _CalendarUrl:
    """Makes addresses of the calendar that keep everything but what is changed."""

    view: str
    clock: str
    day: date
    filters: dict[str, str]

    def on(self, day: date) -> str:
        return self._to(day=day.isoformat())

    def as_view(self, view: str) -> str:
        return self._to(view=view)

    def in_clock(self, clock: str) -> str:
        return self._to(clock=clock)

    def _to(self, **changed: str) -> str:
        values = {"view": self.view, "clock": self.clock, "day": self.day.isoformat()}
        kept = {name: value for name, value in self.filters.items() if value}
        return "/calendar?" + urlencode({**values, **kept, **changed})


def _span(view: str, day: date) -> tuple[date, date]:
    if view == "week":
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=6)
    if view == "list":
        return day, day + timedelta(days=_LIST_DAYS - 1)
    weeks = Calendar(0).monthdatescalendar(day.year, day.month)
    return weeks[0][0], weeks[-1][-1]


def _step(view: str, day: date, by: int) -> date:
    if view == "week":
        return day + timedelta(days=7 * by)
    if view == "list":
        return day + timedelta(days=_LIST_DAYS * by)
    month = day.year * 12 + day.month - 1 + by
    return date(month // 12, month % 12 + 1, 1)


def _days(first: date, last: date) -> Sequence[date]:
    return [first + timedelta(days=count) for count in range((last - first).days + 1)]


def _start(day: date, zone: ZoneInfo) -> datetime:
    return resolve(datetime(day.year, day.month, day.day), zone).utc  # noqa: DTZ001 - local on purpose


def _day(
    request: RequestContext,
    day: date,
    shown: list[CalendarEntry],
    zone: ZoneInfo,
    today: date,
    month: date,
) -> Day:
    schedule = request.context.campaign.schedule
    return Day(
        day=day,
        is_in_month=day.month == month.month,
        is_today=day == today,
        entries=tuple(one for one in shown if one.at.astimezone(zone).date() == day),
        pause=next((one.reason for one in schedule.pauses if one.first <= day <= one.last), ""),
        is_quiet=schedule.is_quiet(day),
    )


def new_address(request: RequestContext) -> Answer:
    """Make the secret address that a calendar program subscribes to; shown this once."""
    person = request.require(Right.LOOK)
    if person == request.context.guest():
        raise RefusedRequestError(
            409, "without users the feed needs no secret: subscribe to /calendar.ics"
        )
    key = request.context.access.new_feed_key(person)
    return Page("feed.html", {"key": key})


def feed(request: RequestContext) -> Answer:
    """Return the calendar to a program: by its secret, or to whoever is signed in."""
    context, key = request.context, request.one("key")
    person = context.access.person_of_feed(key) if key else request.person
    if person is None:
        raise RefusedRequestError(403, "this calendar address is not, or no longer, known")
    outlook = outlook_of(context.store, context.clock, context.rendered(), days=_FEED_DAYS)
    return Raw(as_calendar(outlook), "text/calendar; charset=utf-8", filename="verbatim.ics")
