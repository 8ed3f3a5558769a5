"""Today: what goes out next, what needs a person, and the switch that stops everything."""

import re
from collections.abc import Iterable
from datetime import timedelta

from bot.authority.pauses import EVERYTHING, PauseTarget, until_of
from bot.authority.tables import PauseScope
from bot.authority.users import Right
from bot.content.model import Campaign
from bot.content.zones import midnight
from bot.operations.waiting import Need, people_with
from bot.web.pages.answers import all_waiting
from bot.web.pages.calendar import CalendarQuery
from bot.web.request import Answer, Page, Redirect, RefusedRequestError, RequestContext

_NEXT = 5
_LAST = 4


def page(request: RequestContext) -> Answer:
    context, now = request.context, request.context.clock.now()
    coming = CalendarQuery(context).next(60)
    tomorrow = midnight(now, context.campaign.zone, days=1)
    mine, rest = all_waiting(request)
    values = {
        "next": coming[:_NEXT],
        "today_count": sum(entry.at < tomorrow for entry in coming),
        "mine": mine,
        "others": [post for post in rest if post.need is not Need.DECISION],
        "decisions": [post for post in rest if post.need is Need.DECISION],
        "operators": people_with(context.store, Right.SETTLE),
        "last": context.store.outbox.last_out(_LAST, since=now - timedelta(days=30)),
        "targets": _targets(context.campaign),
    }
    return Page("today.html", values)


def _targets(campaign: Campaign) -> list[PauseTarget]:
    """List what can be paused: accounts, themes and languages of the files in force."""
    found = [PauseTarget(PauseScope.ACCOUNT, name) for name in campaign.schedule.accounts]
    themes = {post.theme for post in campaign.posts if post.theme}
    langs = {post.lang.lower() for post in campaign.posts if post.lang}
    found += [PauseTarget(PauseScope.THEME, theme) for theme in sorted(themes)]
    return [*found, *(PauseTarget(PauseScope.LANGUAGE, lang) for lang in sorted(langs))]


def _target(request: RequestContext, targets: Iterable[PauseTarget]) -> PauseTarget:
    chosen = request.form_value("target", default="everything:")
    known = {f"{each.scope}:{each.value}": each for each in (EVERYTHING, *targets)}
    if chosen not in known:
        raise RefusedRequestError(400, "choose what is meant: it is not in the list any more")
    return known[chosen]


def pause(request: RequestContext) -> Answer:
    """Hold everything, or a part of it, before its next network call."""
    by, context = request.require(Right.PAUSE), request.context
    target = _target(request, _targets(context.campaign))
    until = request.form_value("until", default="").replace("T", " ")
    ends = until_of(until, zone=context.campaign.zone, now=context.clock.now())
    reason = request.form_value("reason", most=500).strip() or "no reason given"
    context.desk.pause(reason, by=by.name, target=target, until=ends)
    return Redirect("/?done=" + ("paused" if target == EVERYTHING and not ends else "part"))


def resume(request: RequestContext) -> Answer:
    by, desk = request.require(Right.RESUME), request.context.desk
    paused = (each.target for each in request.context.store.pauses.lasting())
    why = request.form_value("reason", most=500, default="")
    desk.resume(by=by.name, why=why, target=_target(request, paused))
    return Redirect("/?done=resumed")


#: A page that there is on every day.
_PAGE = re.compile(r"/[a-z]*")


def look_at_day(request: RequestContext) -> Answer:
    days, day = request.context.days, request.form_value("day")
    if days is None:
        raise RefusedRequestError(409, "only a rehearsal has days to move through")
    if not (day.isascii() and day.isdecimal() and int(day) < len(days.moments)):
        raise RefusedRequestError(400, f"a day is a number below {len(days.moments)}")
    days.current = int(day)
    page = request.form_value("to", default="/")
    return Redirect(page if _PAGE.fullmatch(page) else "/")
