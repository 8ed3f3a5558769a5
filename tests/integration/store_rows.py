"""Deliveries that store tests plan."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bot.core.decide import Outcome
from bot.core.lifecycle import Event
from bot.core.model import NewDelivery, PostRef, Status
from bot.core.reasons import Hold, HoldReason

NOW = datetime(2026, 12, 9, 14, 0, tzinfo=UTC)
HELLO = Status("hello")


def new_delivery(*, id: str = "d1", status: Status = HELLO, **other: Any) -> NewDelivery:
    """Make a delivery that is due now; anything may be said otherwise."""
    values: dict[str, Any] = {
        "account": "acc",
        "platform": "bluesky",
        "post_id": "p",
        "occurrence": "at/p",
        "part": 0,
        "parts": 1,
        "parent_id": None,
        "due_at": NOW,
        "not_after": other.get("due_at", NOW) + timedelta(minutes=15),
        "status_json": status.to_json(),
        "fingerprint": "f" * 64,
        "labels": {"theme": "families"},
    }
    return NewDelivery(id=id, **{**values, **other})


def sent(ref: PostRef) -> Outcome:
    """Say that a status is out."""
    return Outcome(Event.ACCEPT, ref=ref)


def put_off(at: datetime, detail: str = "429") -> Outcome:
    """Say that a status surely was not accepted."""
    return Outcome(Event.DEFER, detail, at)


def unknown(read_at: datetime, detail: str = "timeout") -> Outcome:
    """Say that nobody knows whether a status is out."""
    return Outcome(Event.OUTCOME_UNKNOWN, detail, read_at)


def stopped(detail: str) -> Outcome:
    """Say that the platform refuses the account."""
    hold = Hold(HoldReason.ACCOUNT_STOPPED, detail)
    return Outcome(Event.STOP, detail, hold=hold, stops_account=True)


def absent(at: datetime) -> Outcome:
    """Say that a status is surely absent."""
    return Outcome(Event.CONFIRMED_ABSENT, at=at, is_absent=True)
