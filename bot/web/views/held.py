"""Held: what waits for a person, with the evidence beside it, and one decision each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.authority.users import Right
from bot.delivery.model import Delivery, HoldReason, Reason, State
from bot.delivery.publications import Queued
from bot.delivery.rows import Attempt, Move
from bot.web.answers import Answer, Page, Redirect
from bot.web.context import AppContext
from bot.web.request_context import RequestContext
from bot.web.views.post import AccountView, looks_of_rows

#: What each reason asks of a person.
ADVICE: Mapping[Reason | None, str] = {
    HoldReason.UNAPPROVED: "Its time came before enough people had approved it. "
    "Does it still fit the day?",
    HoldReason.PAUSED: "Sending was paused at its time. Nothing goes out by itself after a pause.",
    HoldReason.LATE: "The bot could not send it in time. Look whether it still fits the day.",
    HoldReason.OVER_BUDGET: "The account has spent its budget of this month.",
    HoldReason.ACCOUNT_STOPPED: "The account does not take posts. Mend the account first.",
    HoldReason.UNSETTLED: "Look at the account itself: is it there? Give its address if so.",
    HoldReason.ATTEMPTS: "It was tried as often as allowed. Read why before sending it again.",
    HoldReason.PARENT: "The part of the thread before it is not out.",
}


@dataclass(frozen=True, slots=True)
class Case:
    """One delivery with all that is known of it."""

    row: Delivery
    look: AccountView | None
    advice: str
    is_unapproved: bool
    attempts: tuple[Attempt, ...]
    moves: tuple[Move, ...]
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to decide it."""

    value: str
    label: str
    #: Why it cannot be chosen now; empty where it can.
    obstacle: str = ""


def page(request: RequestContext) -> Answer:
    context = request.context
    rows = context.desk.held()
    may = request.who.may(Right.SETTLE)
    return Page("held.html", {"cases": [_case(context, row) for row in rows], "may_settle": may})


def _case(context: AppContext, row: Delivery) -> Case:
    looks = looks_of_rows(context, [row])
    return Case(
        row=row,
        look=looks[0] if looks else None,
        advice=ADVICE.get(row.reason, ""),
        is_unapproved=row.reason is HoldReason.UNAPPROVED,
        attempts=context.store.outbox.attempts_of(row.id),
        moves=context.store.outbox.moves_of(row.id),
        choices=_choices(context, row),
    )


def _choices(context: AppContext, row: Delivery) -> tuple[Choice, ...]:
    if row.state is State.FAILED:
        return (
            Choice("retry", "Try again, unchanged"),
            Choice("drop", "Drop it: it is never sent"),
        )
    is_queued = isinstance(row.publication.occurrence, Queued)
    back = "" if is_queued else "it has a fixed time"
    back = back or ("it may be out already" if row.attempts else "")
    return (
        Choice("send", "Send it now, once", _why_not_now(context, row)),
        Choice("queue", "Put it back in its queue", back),
        Choice("drop", "Drop it: it is never sent"),
        Choice("address", "It is out already, at this address:"),
    )


def _why_not_now(context: AppContext, row: Delivery) -> str:
    if context.store.pauses.current() is not None:
        return "sending is paused"
    missing = context.campaign.schedule.approvals_required - context.desk.approvals(row.publication)
    return f"{missing} more approval(s) needed" if missing > 0 else ""


def decide(request: RequestContext) -> Answer:
    """Carry one decision out."""
    by = request.require(Right.SETTLE)
    delivery, why = request.place("delivery"), request.form_value("why", most=1000, default="")
    choice, desk = request.form_value("choice"), request.context.desk
    if choice == "retry":
        desk.retry(delivery, by=by.name, why=why)
    elif choice == "drop" and desk.find(delivery).state is State.FAILED:
        desk.cancel(delivery, by=by.name, why=why)
    else:
        address = request.form_value("address", default="").strip()
        desk.resolve(delivery, address if choice == "address" else choice, by=by.name, why=why)
    return Redirect("/held?done=settled")
