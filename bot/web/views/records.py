"""The log of decisions, the accounts, and the public list of corrections."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime

from bot.authority.accounts import AccountState
from bot.authority.users import Right
from bot.content.model import Account
from bot.delivery.ledger import budget_left
from bot.delivery.model import State
from bot.web.answers import Answer, Page, Raw, Redirect
from bot.web.request_context import RequestContext

_ROWS = 50


def log(request: RequestContext) -> Answer:
    """Show decisions, newest first, and whether anybody touched them since."""
    audit, page = request.context.store.audit, request.number("page", 1)
    who, verb = request.one("who"), request.one("verb")
    rows = audit.rows()
    kept = [row for row in rows if who in {"", row.who} and verb in {"", row.verb}]
    pages = max(1, -(-len(kept) // _ROWS))
    page = min(max(page, 1), pages)
    values = {
        "rows": kept[(page - 1) * _ROWS : page * _ROWS],
        "page": page,
        "pages": pages,
        "people": sorted({row.who for row in rows}),
        "verbs": sorted({row.verb for row in rows}),
        "who": who,
        "verb": verb,
        "broken_at": audit.verify(),
        "head": audit.head(),
        "total": len(kept),
    }
    return Page("log.html", values)


@dataclass(frozen=True, slots=True)
class AccountSummary:
    """One account, as the schedule and its server tell."""

    account: Account
    state: AccountState | None
    budget_left: float | None
    spent: float
    counts: dict[str, int]
    next_due: datetime | None
    last_sent: datetime | None
    max_length: int


def accounts(request: RequestContext) -> Answer:
    context = request.context
    found = [_standing(request, one) for one in context.campaign.schedule.accounts.values()]
    return Page("accounts.html", {"standings": found})


def _standing(request: RequestContext, account: Account) -> AccountSummary:
    context, now = request.context, request.context.clock.now()
    rows = context.store.outbox.find(account=account.name)
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.state.value] = counts.get(row.state.value, 0) + 1
    planned = (row.due_at for row in rows if row.state is State.PLANNED)
    due = (due_at for due_at in planned if due_at and due_at >= now)
    return AccountSummary(
        account=account,
        state=context.store.accounts.get(account.name),
        budget_left=budget_left(context.store.ledger, account, context.clock),
        spent=context.store.ledger.spent(account.name, month_of=now),
        counts=counts,
        next_due=min(due, default=None),
        last_sent=max((row.sent_at for row in rows if row.sent_at), default=None),
        max_length=account.max_length or context.rendered().limits[account.name].max_length,
    )


def restart(request: RequestContext) -> Answer:
    """Let a stopped account send again."""
    by = request.require(Right.SETTLE)
    why = request.form_value("why", most=1000, default="")
    request.context.desk.restart(request.place("account"), by=by.name, why=why)
    return Redirect("/accounts?done=settled")


def corrections(request: RequestContext) -> Answer:
    return Page("corrections.html", {"entries": request.context.corrections.listed()})


def corrections_json(request: RequestContext) -> Answer:
    """Return the list to other programs; it names no person."""
    entries = [
        {**asdict(one), "at": one.at.isoformat()} for one in request.context.corrections.listed()
    ]
    content = {"campaign": request.context.campaign.schedule.campaign, "corrections": entries}
    text = json.dumps(content, ensure_ascii=False, indent=2)
    return Raw(text.encode(), "application/json")
