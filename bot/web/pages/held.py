"""Held: what waits for a person, with the evidence beside it; and the accounts, to start again."""

from collections.abc import Sequence
from typing import Any

from bot.authority.tables import StopReason
from bot.authority.users import Right
from bot.delivery.decisions import Desk
from bot.delivery.model import Delivery, Queued, State
from bot.operations.waiting import people_with
from bot.web.context import AppContext
from bot.web.rendering import looks_of_rows
from bot.web.request import Answer, Page, Redirect, RefusedRequestError, RequestContext


def page(request: RequestContext) -> Answer:
    context, groups = request.context, dict[tuple[object, ...], list[Delivery]]()
    for row in context.desk.held():
        groups.setdefault((row.post_id, row.state, row.reason, row.due_at), []).append(row)
    values = {
        "cases": [_case(context, rows) for rows in groups.values()],
        "deciders": people_with(context.store, Right.SETTLE),
    }
    return Page("held.html", values)


def _case(context: AppContext, rows: Sequence[Delivery]) -> dict[str, Any]:
    outbox = context.store.outbox
    return {
        "row": rows[0],
        "rows": rows,
        "accounts": tuple(dict.fromkeys(row.account for row in rows)),
        "looks": looks_of_rows(context.rendered(), rows),
        "trails": [(row, outbox.attempts_of(row.id), outbox.moves_of(row.id)) for row in rows],
        "choices": _common([_choices(context, row) for row in rows], rows),
    }


def _common(
    each: Sequence[Sequence[tuple[str, str, str]]], rows: Sequence[Delivery]
) -> list[tuple[str, str, str]]:
    """Return the choices of all, with whatever stands in the way on any account."""
    found = []
    for options in zip(*each, strict=True):
        value, label, _why = options[0]
        whys: dict[str, dict[str, None]] = {}
        for (_value, _label, why), row in zip(options, rows, strict=True):
            whys.setdefault(why, {})[row.account] = None
        named = [f"{', '.join(accounts)}: {why}" if len(whys) > 1 else why
                 for why, accounts in whys.items() if why]  # fmt: skip
        found.append((value, label, "; ".join(named)))
    return found


def _choices(context: AppContext, row: Delivery) -> list[tuple[str, str, str]]:
    """Return each way to decide it: value, label, and why it cannot be chosen now, if so."""
    drop = ("drop", "Drop it: it is never sent", "")
    if row.state is State.FAILED:
        return [("retry", "Try again, unchanged", ""), drop]
    consent = context.desk.consents.of(row.publication)
    not_now = f"{consent.missing} more approval(s) needed" if consent.missing else ""
    if consent.objection:
        not_now = str(consent.objection)
    if pause := context.store.pauses.of(*row.publication.pausable):
        not_now = f"the {pause.detail} is paused" if pause.detail else "sending is paused"
    not_back = "it may be out already" if row.attempts else ""
    if not isinstance(row.publication.occurrence, Queued):
        not_back = "it has a fixed time"
    return [
        ("send", "Send it now, once", not_now),
        ("queue", "Put it back in its queue", not_back),
        drop,
        ("address", "It is out already, at this address:", ""),
    ]


def decide(request: RequestContext) -> Answer:
    """Carry one decision out, for the accounts that are ticked: for all of them, or none."""
    by, context = request.require(Right.SETTLE), request.context
    why, choice = request.form_value("why", most=1000, default=""), request.form_value("choice")
    chosen = sorted(request.form_values("delivery"))
    if not chosen:
        raise RefusedRequestError(400, "tick the accounts that it is for")
    if choice == "address":
        if len(chosen) > 1:
            raise RefusedRequestError(400, "an address is on one account: tick that one only")
        address = request.form_value("address", default="").strip()
        context.desk.resolve(chosen[0], address, by=by.name, why=why)
        return Redirect("/held?done=settled")
    with context.store.transaction():
        for delivery in chosen:
            _decide(context.desk, delivery, choice, by.name, why)
    return Redirect("/held?done=settled")


def _decide(desk: Desk, delivery: str, choice: str, by: str, why: str) -> None:
    if choice not in {"retry", "send", "queue", "drop"}:
        raise RefusedRequestError(400, "choose one of the decisions")
    # What goes with another part of its thread is decided with that one.
    done = {"send": State.READY, "queue": State.PLANNED, "drop": State.CANCELLED}.get(choice)
    if desk.find(delivery).state is done:
        return
    if choice == "retry":
        desk.retry(delivery, by=by, why=why)
    elif choice == "drop":
        desk.cancel(delivery, by=by, why=why)
    else:
        desk.resolve(delivery, choice, by=by, why=why)


def accounts(request: RequestContext) -> Answer:
    context, now = request.context, request.context.clock.now()
    tallies, next_due = context.store.outbox.tallies(), context.store.outbox.next_due(now)
    summaries = []
    for account in context.campaign.schedule.accounts.values():
        name, limits = account.name, context.rendered().limits_of(account.name)
        counts = [tally for tally in tallies if tally.account == name]
        state = context.store.accounts.get(name)
        stops = set(state.stops) if state else set()
        summary = {
            "account": account,
            "state": state,
            "is_unconfirmed": StopReason.CONFIGURATION in stops,
            "may_restart": bool(stops - {StopReason.CONFIGURATION}),
            "spent": context.store.ledger.spent(name, month_of=now),
            "counts": {tally.state.value: tally.count for tally in counts},
            "last_sent": max((each.last_sent for each in counts if each.last_sent), default=None),
            "next_due": next_due.get(name),
            "max_length": account.max_length or limits.max_length,
        }
        summaries.append(summary)
    return Page("accounts.html", {"accounts": summaries})


def restart(request: RequestContext) -> Answer:
    by = request.require(Right.SETTLE)
    why = request.form_value("why", most=1000, default="")
    request.context.desk.restart(request.path_value("account"), by=by.name, why=why)
    return Redirect("/accounts?done=settled")
