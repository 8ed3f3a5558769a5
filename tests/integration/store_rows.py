"""Publications that store tests plan."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.delivery.decide import Outcome
from bot.delivery.lifecycle import Event
from bot.delivery.model import Delivery, Hold, HoldReason
from bot.delivery.publications import FixedTime, NewPart, NewPublication, Publication
from bot.planning.store import Store
from bot.platforms.status import PostRef, Status

NOW = datetime(2026, 12, 9, 14, 0, tzinfo=UTC)
HELLO = Status("hello")


def new_publication(
    *statuses: Status,
    id: str = "d1",
    ids: Sequence[str] = (),
    reply_to: str | None = None,
    cost_usd: float = 0.0,
    **other: Any,
) -> NewPublication:
    """Make a publication that is due now, of one part with its id; anything may differ."""
    statuses = statuses or (HELLO,)
    values: dict[str, Any] = {
        "account": "acc",
        "platform": "bluesky",
        "post_id": "p",
        "occurrence": FixedTime(id),
        "parts": len(statuses),
        "due_at": NOW,
        "not_after": other.get("due_at", NOW) + timedelta(minutes=15),
        "fingerprint": "f" * 64,
        "author": "editor",
        "graphic": False,
        "theme": "families",
    }
    return NewPublication(
        Publication(id=id, **{**values, **other}),
        tuple(NewPart(status.to_json(), cost_usd) for status in statuses),
        tuple(ids) or (id,),
        reply_to,
    )


def epoch(store: Store) -> int:
    """Return how many restores a database has gone through."""
    with store._db.read() as connection:
        return int(connection.exec_driver_sql("SELECT epoch FROM instance").scalar_one())


def due(row: Delivery) -> datetime:
    """Return when a delivery is due that does not wait for a free slot."""
    assert row.due_at is not None
    return row.due_at


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
