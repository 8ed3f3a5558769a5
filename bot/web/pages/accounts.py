"""The accounts, as the schedule and their servers tell, and a way to start a stopped one."""

from collections.abc import Sequence
from typing import Any

from bot.authority.tables import StopReason
from bot.authority.users import Right
from bot.content.model import Account
from bot.delivery.reads import StateCount
from bot.web.context import AppContext
from bot.web.request import Answer, Page, Redirect, RequestContext


def page(request: RequestContext) -> Answer:
    context, now = request.context, request.context.clock.now()
    tallies, next_due = context.store.outbox.tallies(), context.store.outbox.next_due(now)
    summaries = [
        _summary(context, account, [one for one in tallies if one.account == account.name])
        | {"next_due": next_due.get(account.name)}
        for account in context.campaign.schedule.accounts.values()
    ]
    return Page("accounts.html", {"accounts": summaries})


def _summary(
    context: AppContext, account: Account, tallies: Sequence[StateCount]
) -> dict[str, Any]:
    state = context.store.accounts.get(account.name)
    stops = set(state.stops) if state else set()
    return {
        "account": account,
        "state": state,
        "is_unconfirmed": StopReason.CONFIGURATION in stops,
        "may_restart": bool(stops - {StopReason.CONFIGURATION}),
        "spent": context.store.ledger.spent(account.name, month_of=context.clock.now()),
        "counts": {tally.state.value: tally.count for tally in tallies},
        "last_sent": max((tally.last_sent for tally in tallies if tally.last_sent), default=None),
        "max_length": account.max_length or context.rendered().limits_of(account.name).max_length,
    }


def restart(request: RequestContext) -> Answer:
    """Let a stopped account send again."""
    by = request.require(Right.SETTLE)
    why = request.form_value("why", most=1000, default="")
    request.context.desk.restart(request.path_value("account"), by=by.name, why=why)
    return Redirect("/accounts?done=settled")
