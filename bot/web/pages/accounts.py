"""The accounts, as the schedule and their servers tell, and a way to start a stopped one."""

from __future__ import annotations

from collections import Counter
from typing import Any

from bot.authority.tables import StopReason
from bot.authority.users import Right
from bot.content.model import Account
from bot.delivery.model import State
from bot.web.request import Answer, Page, Redirect, RequestContext


def page(request: RequestContext) -> Answer:
    accounts = request.context.campaign.schedule.accounts.values()
    summaries = [_summary(request, account) for account in accounts]
    return Page("accounts.html", {"accounts": summaries})


def _summary(request: RequestContext, account: Account) -> dict[str, Any]:
    context, now = request.context, request.context.clock.now()
    rows = context.store.outbox.find(account=account.name)
    planned = (row.due_at for row in rows if row.state is State.PLANNED)
    due = (due_at for due_at in planned if due_at and due_at >= now)
    state = context.store.accounts.get(account.name)
    stops = set(state.stops) if state else set()
    return {
        "account": account,
        "state": state,
        "is_unconfirmed": StopReason.CONFIGURATION in stops,
        "may_restart": bool(stops - {StopReason.CONFIGURATION}),
        "spent": context.store.ledger.spent(account.name, month_of=now),
        "counts": Counter(row.state.value for row in rows),
        "next_due": min(due, default=None),
        "last_sent": max((row.sent_at for row in rows if row.sent_at), default=None),
        "max_length": account.max_length or context.rendered().limits[account.name].max_length,
    }


def restart(request: RequestContext) -> Answer:
    """Let a stopped account send again."""
    by = request.require(Right.SETTLE)
    why = request.form_value("why", most=1000, default="")
    request.context.desk.restart(request.path_value("account"), by=by.name, why=why)
    return Redirect("/accounts?done=settled")
