"""Reading back: what came of a delivery that nobody could tell was out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from bot.delivery.decide import Outcome
from bot.delivery.lifecycle import Event
from bot.delivery.model import Delivery, State
from bot.delivery.repository import OutboxRepository
from bot.delivery.rows import Note, change, end_attempt, locked, note_of, shift, stop_account
from bot.delivery.tables import attempt
from bot.errors import DecisionError
from bot.platforms.status import PostRef

_RECONCILER = "reconciler"
#: What leads from where a forgetful database has it to SENT, when it is seen to be out.
_WAYS: Mapping[State, tuple[Event, ...]] = {
    State.PLANNED: (Event.HOLD, Event.MARK_SENT),
    State.READY: (Event.HOLD, Event.MARK_SENT),
    State.HELD: (Event.MARK_SENT,),
    State.FAILED: (Event.RETRY, Event.HOLD, Event.MARK_SENT),
    State.SENDING: (Event.OUTCOME_UNKNOWN, Event.CONFIRMED_SENT),
    State.UNKNOWN: (Event.CONFIRMED_SENT,),
    State.SENT: (),
}


class ReadBacks(OutboxRepository):
    """The way out of UNKNOWN."""

    def commit_read(self, delivery_id: str, outcome: Outcome, *, now: datetime) -> Delivery:
        """Store what a read-back proved, all of it in one transaction.

        Raises:
            DecisionError: it is not UNKNOWN (any more).
        """
        if outcome.ref is not None:
            return self._out(delivery_id, outcome.ref, now, only_unknown=True)
        with self._db.write() as connection:
            row = _unknown(connection, delivery_id)
            if outcome.stops_account:
                stop_account(connection, row.account, outcome.detail, now)
            values: dict[str, Any] = {"absent_reads": row.absent_reads + outcome.is_absent}
            if outcome.event is None:
                later = {"next_read_at": outcome.at, "updated_at": now}
                return change(connection, row.id, {**values, **later})
            values |= {"retry_at": outcome.at, "evidence": outcome.evidence}
            note = note_of(outcome, now, _RECONCILER)
            return shift(connection, row, outcome.event, note, values)

    def recognise(self, delivery_id: str, ref: PostRef, *, now: datetime) -> Delivery:
        """Store that it is out, whatever a database that was restored thinks of it.

        Raises:
            DecisionError: it was dropped, retracted or deleted, as far as the database knows.
        """
        return self._out(delivery_id, ref, now, only_unknown=False)

    def _out(
        self, delivery_id: str, ref: PostRef, now: datetime, *, only_unknown: bool
    ) -> Delivery:
        def store(connection: Connection) -> tuple[Delivery, int]:
            find = _unknown if only_unknown else locked
            row = find(connection, delivery_id)
            if row.state is State.SENT and row.remote_id:
                return row, 0
            return _walk(connection, row, ref, now), self._next_seq(connection)

        sent, seq = self._db.must_write(store)
        if seq:
            self._note_sent(sent, seq, now)
        return sent


def _unknown(connection: Connection, delivery_id: str) -> Delivery:
    row = locked(connection, delivery_id)
    if row.state is not State.UNKNOWN:
        raise DecisionError(f"{row.id}: it is {row.state}, there is nothing to read back")
    return row


def _walk(connection: Connection, row: Delivery, ref: PostRef, now: datetime) -> Delivery:
    if row.state not in _WAYS:
        raise DecisionError(f"{row.id}: it is {row.state}, and yet it is out: {ref.url or ref.id}")
    note = Note(now, _RECONCILER, detail="read back and found")
    if row.state is State.SENDING:
        end_attempt(connection, row, Event.OUTCOME_UNKNOWN, note)
    for event in _WAYS[row.state]:
        row = shift(connection, row, event, note)
    values = {
        "remote_id": ref.id,
        "url": ref.url,
        "cid": ref.cid,
        "sent_at": _called_at(connection, row) or now,
        "evidence": "",
    }
    return change(connection, row.id, values)


def _called_at(connection: Connection, row: Delivery) -> datetime | None:
    # It went out when it was last sent, not when we came to read.
    query = select(func.max(attempt.c.called_at)).where(attempt.c.delivery_id == row.id)
    called: datetime | None = connection.execute(query).scalar_one()
    return called
