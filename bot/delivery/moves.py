"""What is put into the outbox, what people decide about it, and what reading back proves."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, update

from bot.authority.accounts import write_stop
from bot.authority.tables import StopReason
from bot.delivery.decide import Outcome
from bot.delivery.lifecycle import IN_DOUBT, UNSENT, Event, cancel_event
from bot.delivery.model import (
    CancelReason,
    Delivery,
    HoldReason,
    NewPublication,
    PublicationState,
    Reason,
    State,
)
from bot.delivery.rows import (
    Note,
    as_delivery,
    change,
    deliveries,
    end_attempt,
    locked,
    note_of,
    publication_columns,
    ref_columns,
    shift,
)
from bot.delivery.sent_log import OutboxRepository
from bot.delivery.tables import attempt, delivery, publication
from bot.errors import DecisionError
from bot.platforms.status import PostRef

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
    **dict.fromkeys(("detail", "evidence", "owner", "released_by", "remote_id", "url", "cid"), ""),
    **dict.fromkeys(("fence", "attempts", "absent_reads"), 0),
    "state": State.PLANNED,
    "reason": None,
}
PLANNER = "planner"
_RECONCILER = "reconciler"
#: May yet go out, or be out.
OPEN = UNSENT | IN_DOUBT
_IN_ORDER = publication.c.due_at, delivery.c.account, delivery.c.part, delivery.c.id
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


class Moves(OutboxRepository):
    """What is put into the outbox, people's decisions, and the way out of UNKNOWN."""

    def add(self, *news: NewPublication, now: datetime) -> tuple[str, ...]:
        """Plan publications in one transaction; return the ids of those that were new.

        None is stored whose id, or whose occurrence on its account, is there already. A part that
        the sent log knows though the database does not is held at once: it may be out.
        """
        with self._db.write() as connection:
            return tuple(new.publication.id for new in news if self._insert(connection, new, now))

    def unschedule(self, publication_id: str, *, now: datetime) -> None:
        """Let it wait for its queue's next free slot; DecisionError where it may be out."""
        with self._db.write() as connection:
            for row in parts_of(connection, publication_id):
                if row.state is not State.CANCELLED:
                    refuse_touched(row)
            waiting = update(publication).where(publication.c.id == publication_id)
            connection.execute(waiting.values(due_at=None, not_after=None))
            this = delivery.c.publication_id == publication_id
            connection.execute(update(delivery).where(this).values(updated_at=now))

    def lock(self, post_id: str) -> tuple[Delivery, ...]:
        """Read a post's deliveries that may yet go out; nobody changes them in this transaction."""
        query = deliveries().where(publication.c.post_id == post_id, delivery.c.state.in_(OPEN))
        with self._db.write() as connection:
            rows = connection.execute(query.order_by(*_IN_ORDER).with_for_update(of=delivery))
            return tuple(map(as_delivery, rows))

    def refuse(self, rows: Iterable[Delivery], *, by: str, why: str, now: datetime) -> None:
        """Cancel `lock`ed deliveries, so that others may have their places."""
        with self._db.write() as connection:
            cancel(connection, tuple(rows), Note(now, by, CancelReason.REFUSED, why))

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
        if event in {Event.SEND, Event.RETRY, Event.REQUEUE}:
            columns = {"retry_at": None, "absent_reads": 0, **columns}
        elif event in {Event.MARK_SENT, Event.CONFIRMED_SENT}:
            columns = {"sent_at": now, **columns}
        with self._db.write() as connection:
            row = locked(connection, delivery_id)
            moved = shift(connection, row, event, Note(now, actor, reason, detail), columns)
            seq = self._next_seq(connection) if moved.state is State.SENT else 0
        if seq:
            self._note_sent(moved, seq, now, by=actor)
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
                **asdict(part),
                "id": id_,
                "publication_id": new.publication.id,
                "account": new.publication.account,
                "part": number,
                "parent_id": parent,
                "created_at": now,
                "updated_at": now,
            }
            connection.execute(delivery.insert().values(values))
            if id_ in self._log.attempted:
                known = self._log.known(frozenset({id_}))[id_]
                where = f"; it is {known.ref.url or known.ref.id}" if known.ref else ""
                values = {
                    "draft_json": known.draft.to_json() if known.draft else None,
                    "first_intent_at": known.first_intent_at,
                    "attempts": 1,
                    "evidence": f"the sent log has an attempt that this database has not{where}",
                }
                note = Note(now, PLANNER, HoldReason.UNSETTLED)
                shift(connection, locked(connection, id_), Event.HOLD, note, values)
            parent = id_
        return True

    def commit_read(self, delivery_id: str, outcome: Outcome, *, now: datetime) -> Delivery:
        """Store what a read-back proved, as a whole; DecisionError where it is not UNKNOWN."""
        if outcome.ref is not None:
            return self.recognise(delivery_id, outcome.ref, now=now, only_unknown=True)
        with self._db.write() as connection:
            row = _unknown(connection, delivery_id)
            if outcome.stops_account:
                write_stop(connection, row.account, StopReason.UNAUTHORIZED, outcome.detail, now)
            values: dict[str, Any] = {"absent_reads": row.absent_reads + outcome.is_absent}
            if outcome.event is None:
                later = {"next_read_at": outcome.at, "updated_at": now}
                return change(connection, row.id, {**values, **later})
            values |= {"retry_at": outcome.at, "evidence": outcome.evidence}
            note = note_of(outcome, now, _RECONCILER)
            return shift(connection, row, outcome.event, note, values)

    def recognise(
        self, delivery_id: str, ref: PostRef, *, now: datetime, only_unknown: bool = False
    ) -> Delivery:
        """Store that it is out, whatever a restored database says; DecisionError if taken out."""
        where = ref.url or ref.id

        def store(connection: Connection) -> tuple[Delivery, int]:
            find = _unknown if only_unknown else locked
            row = find(connection, delivery_id)
            if row.state is State.SENT and row.remote_id:
                return row, 0
            if row.state not in _WAYS:
                raise DecisionError(f"{row.id}: it is {row.state}, and yet it is out: {where}")
            note = Note(now, _RECONCILER, detail="read back and found")
            if row.state is State.SENDING:
                end_attempt(connection, row, Event.OUTCOME_UNKNOWN, note)
            for event in _WAYS[row.state]:
                row = shift(connection, row, event, note)
            # It went out when it was last sent, not when we came to read.
            query = select(func.max(attempt.c.called_at)).where(attempt.c.delivery_id == row.id)
            called = connection.execute(query).scalar_one() or now
            row = change(connection, row.id, {**ref_columns(ref), "sent_at": called})
            return row, self._next_seq(connection)

        sent, seq = self._db.must_write(store)
        if seq:
            self._note_sent(sent, seq, now)
        return sent


def cancel(connection: Connection, rows: Sequence[Delivery], note: Note) -> None:
    """Cancel `locked` deliveries, the last part first; their occurrence may be planned again."""
    for row in reversed(rows):
        shift(connection, row, cancel_event(row.state), note)
        free = update(publication).where(publication.c.id == row.publication.id)
        was_last = publication.c.state == PublicationState.WITHDRAWN
        connection.execute(free.where(was_last).values(state=PublicationState.UNPLANNED))


def parts_of(connection: Connection, publication_id: str) -> tuple[Delivery, ...]:
    """Read a publication's deliveries, which nobody else changes until this transaction ends."""
    query = deliveries().where(publication.c.id == publication_id).order_by(delivery.c.part)
    rows = connection.execute(query.with_for_update(of=delivery))
    return tuple(as_delivery(row) for row in rows)


def refuse_touched(row: Delivery) -> None:
    """Raise DecisionError where a delivery may be out: it was tried, or is past being changed."""
    if row.state not in UNSENT or row.attempts:
        raise DecisionError(
            f"{row.id}: it is {row.state} after {row.attempts} attempts; what may be out"
            " does not change"
        )


def _unknown(connection: Connection, delivery_id: str) -> Delivery:
    row = locked(connection, delivery_id)
    if row.state is not State.UNKNOWN:
        raise DecisionError(f"{row.id}: it is {row.state}, there is nothing to read back")
    return row
