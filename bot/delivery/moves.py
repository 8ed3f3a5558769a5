"""What people decide about deliveries, and publications that are put into the outbox."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, update

from bot.canonical import sha256_hex
from bot.delivery.lifecycle import UNSENT, Event
from bot.delivery.model import Delivery, State
from bot.delivery.publications import NewPart, NewPublication
from bot.delivery.reasons import HoldReason, Reason
from bot.delivery.repository import OutboxRepository
from bot.delivery.rows import Note, as_delivery, deliveries, locked, publication_columns, shift
from bot.delivery.tables import delivery, publication
from bot.errors import DecisionError

#: Belong to a claim; `bot.delivery.leases` makes these moves, fenced.
_FENCED = frozenset(
    {Event.CLAIM, Event.ACCEPT, Event.DEFER, Event.STOP, Event.REFUSE, Event.OUTCOME_UNKNOWN}
)
_MAY_CHANGE = frozenset(
    {"evidence", "retry_at", "next_read_at", "absent_reads", "released_by"}
    | {"remote_id", "url", "cid", "sent_at"}
)
#: What a delivery has that was never tried.
BLANK: Mapping[str, Any] = {
    "state": State.PLANNED,
    "reason": None,
    "detail": "",
    "evidence": "",
    "fence": 0,
    "owner": "",
    "attempts": 0,
    "absent_reads": 0,
    "released_by": "",
    "remote_id": "",
    "url": "",
    "cid": "",
}
PLANNER = "planner"


class Moves(OutboxRepository):
    """What is put into the outbox, and people's decisions."""

    def add(self, *news: NewPublication, now: datetime) -> tuple[str, ...]:
        """Plan publications in one transaction; return the ids of those that were new.

        None is stored whose id, or whose occurrence on its account, is there already. A part that
        the sent log knows though the database does not is held at once: it may be out.
        """
        with self._db.write() as connection:
            return tuple(new.publication.id for new in news if self._insert(connection, new, now))

    def unschedule(self, publication_id: str, *, now: datetime) -> None:
        """Let a publication wait for its queue's next free slot, which the planner gives it.

        Raises:
            DecisionError: a part of it was sent, or may have been.
        """
        with self._db.write() as connection:
            for row in parts_of(connection, publication_id):
                if row.state is not State.CANCELLED:
                    refuse_touched(row)
            waiting = update(publication).where(publication.c.id == publication_id)
            connection.execute(waiting.values(due_at=None, not_after=None))
            this = delivery.c.publication_id == publication_id
            connection.execute(update(delivery).where(this).values(updated_at=now))

    def move(
        self,
        delivery_id: str,
        event: Event,
        *,
        now: datetime,
        actor: str,
        reason: Reason | None = None,
        detail: str = "",
        **columns: Any,
    ) -> Delivery:
        """Move a delivery as the life cycle allows, and write the move down.

        Raises:
            DecisionError: it cannot be moved so (any more), or there is no such delivery.
            ValueError: the move belongs to a worker's claim, or a column is not to be changed so.
        """
        if event in _FENCED or not columns.keys() <= _MAY_CHANGE:
            raise ValueError(f"not by hand: {event.name} {sorted(columns.keys() - _MAY_CHANGE)}")
        with self._db.write() as connection:
            row = locked(connection, delivery_id)
            values = {**_fresh(event, now), **columns}
            moved = shift(connection, row, event, Note(now, actor, reason, detail), values)
            seq = self._next_seq(connection) if moved.state is State.SENT else 0
        if seq:
            self._note_sent(moved, seq, now)
        return moved

    def _insert(self, connection: Connection, new: NewPublication, now: datetime) -> bool:
        """Store a publication and its parts; return whether its place was free."""
        statement = self._db.insert(publication).values(publication_columns(new.publication))
        stored = statement.on_conflict_do_nothing().returning(publication.c.id)
        if connection.execute(stored).one_or_none() is None:
            return False
        parent = new.reply_to
        for number, (id_, part) in enumerate(zip(new.delivery_ids, new.parts, strict=True)):
            values = {
                **BLANK,
                **payload(part),
                "id": id_,
                "publication_id": new.publication.id,
                "account": new.publication.account,
                "part": number,
                "parent_id": parent,
                "created_at": now,
                "updated_at": now,
            }
            connection.execute(delivery.insert().values(values))
            if self._log.has_attempt(id_):
                self._hold_forgotten(connection, locked(connection, id_), now)
            parent = id_
        return True

    def _hold_forgotten(self, connection: Connection, row: Delivery, now: datetime) -> None:
        known = self._log.known(frozenset({row.id}))[row.id]
        where = f"; it is {known.ref.url or known.ref.id}" if known.ref else ""
        values = {
            "draft_json": known.draft.to_json() if known.draft else None,
            "first_intent_at": known.first_intent_at,
            "attempts": 1,
            "evidence": f"the sent log has an attempt that this database has not{where}",
        }
        note = Note(now, PLANNER, HoldReason.UNSETTLED)
        shift(connection, row, Event.HOLD, note, values)


def payload(part: NewPart) -> dict[str, Any]:
    """Return the columns of what a part says and costs."""
    return {
        "status_json": part.status_json,
        "payload_sha256": sha256_hex(part.status_json),
        "cost_usd": part.cost_usd,
    }


def parts_of(connection: Connection, publication_id: str) -> tuple[Delivery, ...]:
    """Read a publication's deliveries, which nobody else changes until this transaction ends."""
    query = deliveries().where(publication.c.id == publication_id).order_by(delivery.c.part)
    rows = connection.execute(query.with_for_update(of=delivery))
    return tuple(as_delivery(row) for row in rows)


def refuse_touched(row: Delivery) -> None:
    """Raise where a delivery may be out.

    Raises:
        DecisionError: it was tried, or is past being changed.
    """
    if row.state not in UNSENT or row.attempts:
        raise DecisionError(
            f"{row.id}: it is {row.state} after {row.attempts} attempts; what may be out"
            " does not change"
        )


def _fresh(event: Event, now: datetime) -> dict[str, Any]:
    """Return what a decision of a person sets back."""
    if event in {Event.SEND, Event.RETRY, Event.REQUEUE}:
        return {"retry_at": None, "absent_reads": 0}
    if event in {Event.MARK_SENT, Event.CONFIRMED_SENT}:
        return {"sent_at": now}
    return {}
