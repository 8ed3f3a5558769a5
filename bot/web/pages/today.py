"""Today: what goes out next, what needs a person, and the switch that stops everything."""

from __future__ import annotations

from datetime import timedelta

from bot.authority.users import Right
from bot.content.zones import midnight
from bot.delivery.model import State
from bot.operations.waiting import Need, people_with
from bot.web.calendar_entries import CalendarQuery
from bot.web.pages.answers import all_waiting
from bot.web.request import Answer, Page, Redirect, RequestContext

_NEXT = 5
_LAST = 4


def page(request: RequestContext) -> Answer:
    context, now = request.context, request.context.clock.now()
    coming = CalendarQuery(context).next(60)
    tomorrow = midnight(now, context.campaign.zone, days=1)
    rows = context.store.outbox.find(since=now - timedelta(days=30), until=now)
    sent = sorted(
        (row for row in rows if row.state is State.SENT and row.sent_at),
        key=lambda row: str(row.sent_at),
    )
    schedule = context.campaign.schedule
    mine, rest = all_waiting(request)
    values = {
        "next": coming[:_NEXT],
        "today_count": sum(entry.at < tomorrow for entry in coming),
        "mine": mine,
        "others": [post for post in rest if post.need is not Need.DECISION],
        "decisions": [post for post in rest if post.need is Need.DECISION],
        "operators": people_with(context.store, Right.SETTLE),
        "last": sent[: -_LAST - 1 : -1],
        "budgets": {
            name: account.budget_usd_per_month for name, account in schedule.accounts.items()
        },
        "required": schedule.approvals_required,
    }
    return Page("today.html", values)


def pause(request: RequestContext) -> Answer:
    """Hold everything before its next network call."""
    by = request.require(Right.PAUSE)
    request.context.desk.pause(
        request.form_value("reason", most=500).strip() or "no reason given", by=by.name
    )
    return Redirect("/?done=paused")


def resume(request: RequestContext) -> Answer:
    by = request.require(Right.RESUME)
    request.context.desk.resume(by=by.name, why=request.form_value("reason", most=500, default=""))
    return Redirect("/?done=resumed")
