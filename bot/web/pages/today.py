"""Today: what goes out next, what needs a person, and the switch that stops everything."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.authority.users import Right
from bot.content.zones import midnight
from bot.delivery.model import Delivery, State
from bot.web.calendar_entries import CalendarQuery
from bot.web.request import Answer, Page, Redirect, RequestContext

#: Unapproved posts are named this long ahead.
SOON = timedelta(days=7)
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
    values = {
        "next": coming[:_NEXT],
        "today_count": sum(entry.at < tomorrow for entry in coming),
        "unapproved": [
            entry
            for entry in coming
            if entry.at < now + SOON
            if any(target.kind == "unapproved" for target in entry.targets)
        ],
        "held": _held(context.desk.held()),
        "last": sent[: -_LAST - 1 : -1],
        "budgets": {
            name: account.budget_usd_per_month for name, account in schedule.accounts.items()
        },
        "required": schedule.approvals_required,
    }
    return Page("today.html", values)


def _held(rows: Sequence[Delivery]) -> list[tuple[Delivery, list[str]]]:
    """Tell once what several accounts have in common."""
    found: dict[tuple[str, str, datetime | None], tuple[Delivery, list[str]]] = {}
    for row in rows:
        key = row.post_id, row.reason_text, row.due_at
        accounts = found.setdefault(key, (row, []))[1]
        if row.account not in accounts:
            accounts.append(row.account)
    return list(found.values())


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
