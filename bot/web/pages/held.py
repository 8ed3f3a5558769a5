"""Held: what waits for a person, with the evidence beside it, and one decision each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.authority.users import Right
from bot.delivery.model import Delivery, HoldReason, Reason, State
from bot.delivery.publications import Queued
from bot.web.context import AppContext
from bot.web.request import Answer, Page, Redirect, RequestContext
from bot.web.words import looks_of_rows

#: What each reason asks of a person.
ADVICE: Mapping[Reason | None, str] = {
    HoldReason.UNAPPROVED: "Its time came before enough people had approved it. "
    "Does it still fit the day?",
    HoldReason.CHANGE_ASKED: "An approver asks for a change. Edit the post, or talk to them.",
    HoldReason.REFUSED: "An approver refused it as it is. Drop it, or edit the post.",
    HoldReason.PAUSED: "Sending was paused at its time. Nothing goes out by itself after a pause.",
    HoldReason.LATE: "The bot could not send it in time. Look whether it still fits the day.",
    HoldReason.OVER_BUDGET: "The account has spent its budget of this month.",
    HoldReason.ACCOUNT_STOPPED: "The account does not take posts. Mend the account first.",
    HoldReason.UNSETTLED: "Look at the account itself: is it there? Give its address if so.",
    HoldReason.ATTEMPTS: "It was tried as often as allowed. Read why before sending it again.",
    HoldReason.PARENT: "The part of the thread before it is not out.",
}


def page(request: RequestContext) -> Answer:
    context = request.context
    cases = [_case(context, row) for row in context.desk.held()]
    return Page("held.html", {"cases": cases, "may_settle": request.who.may(Right.SETTLE)})


def _case(context: AppContext, row: Delivery) -> dict[str, Any]:
    return {
        "row": row,
        "look": next(iter(looks_of_rows(context.rendered(), [row])), None),
        "advice": ADVICE.get(row.reason, ""),
        "is_unapproved": row.reason is HoldReason.UNAPPROVED,
        "attempts": context.store.outbox.attempts_of(row.id),
        "moves": context.store.outbox.moves_of(row.id),
        "choices": _choices(context, row),
    }


def _choices(context: AppContext, row: Delivery) -> list[tuple[str, str, str]]:
    """Return each way to decide it: value, label, and why it cannot be chosen now, if so."""
    drop = ("drop", "Drop it: it is never sent", "")
    if row.state is State.FAILED:
        return [("retry", "Try again, unchanged", ""), drop]
    consent = context.desk.consents.of(row.publication)
    not_now = f"{consent.missing} more approval(s) needed" if consent.missing else ""
    if consent.objection:
        not_now = str(consent.objection)
    if context.store.pauses.current() is not None:
        not_now = "sending is paused"
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
    """Carry one decision out."""
    by = request.require(Right.SETTLE)
    delivery, why = request.path_value("delivery"), request.form_value("why", most=1000, default="")
    choice, desk = request.form_value("choice"), request.context.desk
    if choice == "retry":
        desk.retry(delivery, by=by.name, why=why)
    elif choice == "drop" and desk.find(delivery).state is State.FAILED:
        desk.cancel(delivery, by=by.name, why=why)
    else:
        address = request.form_value("address", default="").strip()
        desk.resolve(delivery, address if choice == "address" else choice, by=by.name, why=why)
    return Redirect("/held?done=settled")
