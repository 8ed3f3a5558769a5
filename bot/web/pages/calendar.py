"""The calendar: month, week and list; local time or UTC; filters; and as a feed."""

from calendar import Calendar
from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from bot.content.model import Schedule
from bot.content.slots import pause_on
from bot.content.zones import resolve
from bot.planning.outlook import as_calendar, outlook_of
from bot.planning.plan import EmptySlot
from bot.web.calendar_entries import CalendarEntry, CalendarQuery, counted, filtered
from bot.web.request import Answer, Page, Raw, RefusedRequestError, RequestContext
from bot.web.words import KINDS, words_of

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
        "accounts": tuple(campaign.schedule.accounts),
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
