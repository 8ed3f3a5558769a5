"""Publications that store tests plan."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.db.sqlite import Room
from bot.delivery.decide import Outcome
from bot.delivery.lifecycle import Event
from bot.delivery.model import (
    Delivery,
    FixedTime,
    Hold,
    HoldReason,
    NewPart,
    NewPublication,
    Publication,
)
from bot.planning.store import Store
from bot.platforms.status import Draft, PostRef, Status

NOW = datetime(2026, 12, 9, 14, 0, tzinfo=UTC)
HELLO = Status("hello")
LEASE = timedelta(minutes=2)
REF = PostRef("at://did/1", "https://social.example/1", "bafy")
DRAFT = Draft("k1", {"text": "hello"})
#: Keeps nothing of the disk in hand: tests fill no disk.
NO_ROOM = Room(least_free=0, ballast=0)


def copied_database(template: Path, data: Path) -> str:
    """Copy a database with all tables into a new data directory; return its address."""
    data.mkdir(mode=0o700)
    shutil.copy(template, data / "live.db")
    return f"sqlite:///{data / 'live.db'}"


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


def ready(store: Store, new: NewPublication | None = None, *, now: datetime = NOW) -> str:
    """Plan a publication and release its parts; return the first one's id."""
    new = new or new_publication()
    assert store.outbox.add(new, now=now)
    for delivery_id in new.delivery_ids:
        store.outbox.move(delivery_id, Event.RELEASE, now=now, actor="publisher")
    return new.delivery_ids[0]


def claimed(
    store: Store, *, account: str = "acc", owner: str = "w1", now: datetime = NOW
) -> Delivery:
    claim = store.outbox.claim(account, now=now, owner=owner, lease=LEASE)
    assert claim is not None
    return claim


def begun(store: Store, *, now: datetime = NOW) -> Delivery:
    """Claim what is ready, and store the intent to send it."""
    claim = claimed(store, now=now)
    store.outbox.begin(claim, DRAFT, now=now)
    return claim


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
