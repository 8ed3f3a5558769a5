"""What the planner and people change in the outbox: rows added, replaced, moved about, decided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from bot.core.lifecycle import UNSENT, Event
from bot.core.model import Delivery, NewDelivery, State
from bot.core.reasons import CancelReason, HoldReason, Reason
from bot.errors import DecisionError
from bot.store.errors import ConflictError
from bot.store.part import Part
from bot.store.rows import COLUMNS, Note, as_delivery, change, given, locked, shift, write_move
from bot.store.schema import delivery

#: Belong to a claim; `bot.store.leases` makes these moves, fenced.
_FENCED = frozenset(
    {Event.CLAIM, Event.ACCEPT, Event.DEFER, Event.STOP, Event.REFUSE, Event.OUTCOME_UNKNOWN}
)
_MAY_CHANGE = frozenset(
    {"evidence", "retry_at", "next_read_at", "absent_reads", "released_by"}
    | {"remote_id", "url", "cid", "sent_at", "due_at", "not_after"}
)
_BLANK: Mapping[str, Any] = {
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
_PLANNER = "planner"


@dataclass(frozen=True, slots=True)
class QueuePlace:
    """Where in its queue a delivery stands."""

    occurrence: str
    due_at: datetime
    not_after: datetime


class Plans(Part):
    """Changes to what has not been given to a platform, and people's decisions."""

    def add(self, new: NewDelivery, *, now: datetime) -> bool:
        """Plan a delivery; False where its id, or one for its place, exists already.

        One that the sent log knows though the database does not is held at once: it may be out.
        """
        return bool(self.add_all((new,), now=now))

    def add_all(self, news: Iterable[NewDelivery], *, now: datetime) -> tuple[str, ...]:
        """Plan deliveries in one go, parents before their children; tell which were new."""
        with self._db.write() as connection:
            return tuple(new.id for new in news if self._insert(connection, new, now))

    def replace(self, delivery_id: str, new: NewDelivery, *, now: datetime, actor: str) -> Delivery:
        """Give an edited post's delivery its new payload; it is PLANNED again, its id stays.

        Raises:
            DecisionError: it was sent, or may have been, or its new place is taken.
        """
        try:
            with self._db.write() as connection:
                row = locked(connection, delivery_id)
                _refuse_touched(row)
                _back_to_planned(connection, row, Note(now, actor, CancelReason.EDITED))
                values = {**given(new), **_BLANK, "draft_json": None, "first_intent_at": None}
                values |= {"id": row.id, "fence": row.fence, "retry_at": None, "updated_at": now}
                return change(connection, row.id, values)
        except ConflictError as error:
            raise DecisionError(f"{delivery_id}: {new.occurrence} is taken already") from error

    def reschedule(
        self,
        delivery_id: str,
        *,
        occurrence: str,
        due_at: datetime,
        not_after: datetime,
        now: datetime,
    ) -> Delivery:
        """Move a PLANNED delivery to another place of its queue.

        Raises:
            DecisionError: it is no longer PLANNED, or the place is taken.
        """
        place = QueuePlace(occurrence, due_at, not_after)
        return self.rearrange({delivery_id: place}, now=now)[0]

    def rearrange(self, places: Mapping[str, QueuePlace], *, now: datetime) -> tuple[Delivery, ...]:
        """Move PLANNED deliveries to other places all at once, so that two may swap.

        Raises:
            DecisionError: one is no longer PLANNED, or a place is taken; then none was moved.
        """
        try:
            with self._db.write() as connection:
                for delivery_id in places:
                    _lift(connection, delivery_id)
                return tuple(_put(connection, key, place, now) for key, place in places.items())
        except ConflictError as error:
            raise DecisionError("a place in the queue is taken already") from error

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
            seq = self._ground.next_seq(connection) if moved.state is State.SENT else 0
        if seq:
            self._note_sent(moved, seq, now)
        return moved

    def _insert(self, connection: Connection, new: NewDelivery, now: datetime) -> bool:
        values = {**given(new), **_BLANK, "created_at": now, "updated_at": now}
        statement = self._db.insert(delivery).values(values).on_conflict_do_nothing()
        row = connection.execute(statement.returning(*COLUMNS)).one_or_none()
        if row is None:
            return False
        if self._log.has_attempt(new.id):
            self._hold_forgotten(connection, as_delivery(row), now)
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
        note = Note(now, _PLANNER, HoldReason.UNSETTLED)
        shift(connection, row, Event.HOLD, note, values)


def _refuse_touched(row: Delivery) -> None:
    if row.state not in UNSENT or row.attempts:
        raise DecisionError(
            f"{row.id}: it is {row.state} after {row.attempts} attempts; what may be out"
            " does not change"
        )


def _back_to_planned(connection: Connection, row: Delivery, note: Note) -> None:
    if row.state is State.PLANNED:
        write_move(connection, row, Event.EDIT, State.PLANNED, note)
        return
    event = Event.REQUEUE if row.state is State.HELD else Event.EDIT
    shift(connection, row, event, note)


def _lift(connection: Connection, delivery_id: str) -> None:
    row = locked(connection, delivery_id)
    if row.state is not State.PLANNED:
        raise DecisionError(f"{row.id}: it is {row.state}; only PLANNED ones have a place to move")
    change(connection, row.id, {"occurrence": f"moving/{row.id}"})


def _put(connection: Connection, delivery_id: str, place: QueuePlace, now: datetime) -> Delivery:
    values = {
        "occurrence": place.occurrence,
        "due_at": place.due_at,
        "not_after": place.not_after,
        "updated_at": now,
    }
    return change(connection, delivery_id, values)


def _fresh(event: Event, now: datetime) -> dict[str, Any]:
    """Give what a decision of a person sets back."""
    if event in {Event.SEND, Event.RETRY, Event.REQUEUE}:
        return {"retry_at": None, "absent_reads": 0}
    if event in {Event.MARK_SENT, Event.CONFIRMED_SENT}:
        return {"sent_at": now}
    return {}
