"""Deliveries that store tests plan."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bot.core.model import NewDelivery, Status

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
