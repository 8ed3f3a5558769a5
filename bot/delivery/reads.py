"""What the outbox tells: deliveries by what they are, and what is to be done when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from bot.db.database import Repository
from bot.delivery.lifecycle import Event
from bot.delivery.model import Delivery, State
from bot.delivery.rows import Attempt, Move, as_delivery, deliveries
from bot.delivery.tables import attempt, delivery, move, publication

_D, _P = delivery.c, publication.c
_PARENT = delivery.alias("parent")
#: A parent in these never comes out any more (or is gone again); its child must be held.
_NEVER_OUT = (State.CANCELLED, State.RETRACTED, State.GONE)
#: Ends of an attempt after which nothing is out.
_SURELY_NOT = (Event.DEFER.name, Event.STOP.name, Event.REFUSE.name)
#: What waits for a free slot comes last.
_IN_ORDER = (_P.due_at.nulls_last(), _D.account, _D.part, _D.id)


class OutboxReads(Repository):
    """Questions to the outbox; none changes anything."""

    def get(self, delivery_id: str) -> Delivery | None:
        """Find a delivery by its id."""
        row = self._row(deliveries().where(_D.id == delivery_id))
        return None if row is None else as_delivery(row)

    def find(
        self,
        *,
        states: Collection[State] | None = None,
        account: str | None = None,
        post_id: str | None = None,
        publication_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
    ) -> tuple[Delivery, ...]:
        """Find deliveries due from ``since`` and before ``until``, by due time, account, part.

        What waits for a free slot is due at no time: it is found without these two only.
        """
        equal = {_D.account: account, _P.post_id: post_id, _P.id: publication_id}
        named = [column == value for column, value in equal.items() if value is not None]
        query = deliveries().where(*named).limit(limit)
        if states is not None:
            query = query.where(_D.state.in_(list(states)))
        if since is not None:
            query = query.where(_P.due_at >= since)
        if until is not None:
            query = query.where(_P.due_at < until)
        return self._read(query)

    def counts(self) -> Counter[str]:
        """Count the deliveries in each state."""
        query = select(_D.state, func.count().label("number")).group_by(_D.state)
        return Counter({row.state.value: row.number for row in self._rows(query)})

    def last_sent_at(self) -> datetime | None:
        """Return when something last went out."""
        with self._db.read() as connection:
            found: datetime | None = connection.execute(select(func.max(_D.sent_at))).scalar_one()
        return found

    def accounts_with_work(self, now: datetime) -> tuple[str, ...]:
        """Name the accounts that have a delivery to release or to claim, by name."""
        planned = and_(_D.state == State.PLANNED, _P.due_at <= now)
        ready = and_(_D.state == State.READY, or_(_D.retry_at.is_(None), _D.retry_at <= now))
        query = select(_D.account).join_from(delivery, publication).distinct()
        rows = self._rows(query.where(or_(planned, ready)).order_by(_D.account))
        return tuple(row.account for row in rows)

    def next_wake(self, now: datetime) -> datetime | None:
        """Return the earliest moment after ``now`` at which something is to be done."""
        moments = (
            (State.PLANNED, _P.due_at),
            (State.READY, _D.retry_at),
            (State.UNKNOWN, _D.next_read_at),
            (State.SENDING, _D.lease_until),
        )
        with self._db.read() as connection:
            found = [
                connection.execute(
                    select(func.min(moment))
                    .join_from(delivery, publication)
                    .where(_D.state == state, moment > now)
                ).scalar_one()
                for state, moment in moments
            ]
        return min((moment for moment in found if moment is not None), default=None)

    def due(self, account: str, now: datetime) -> tuple[Delivery, ...]:
        """Find what is planned and due, oldest first.

        A part of a thread comes once the part before it is out, or can never be (then to hold).
        """
        planned = and_(_D.account == account, _D.state == State.PLANNED, _P.due_at <= now)
        return self._read(deliveries().where(planned, parent_in(State.SENT, *_NEVER_OUT)))

    def unknown(self, now: datetime) -> tuple[Delivery, ...]:
        """Find what is to be read back now, oldest first."""
        waiting = and_(_D.state == State.UNKNOWN, _D.next_read_at <= now)
        return self._read(deliveries().where(waiting))

    def begun_since(self, account: str, moment: datetime) -> tuple[datetime, ...]:
        """Return when the account's posts went out, or may have, since then; in order.

        A thread is one post, which begins with its first part.
        """
        latest = (
            select(func.max(attempt.c.called_at))
            .join(delivery, _D.id == attempt.c.delivery_id)
            .where(_D.account == account, _D.part == 0)
            .where(attempt.c.called_at > moment, attempt.c.outcome.not_in(_SURELY_NOT))
            .group_by(attempt.c.delivery_id)
        )
        return tuple(sorted(called for (called,) in self._rows(latest)))

    def attempts_of(self, delivery_id: str) -> tuple[Attempt, ...]:
        """Read all tries at a delivery, oldest first."""
        columns = [attempt.c[name] for name in Attempt.__slots__]
        query = select(*columns).where(attempt.c.delivery_id == delivery_id)
        return tuple(
            Attempt(**{**row._mapping, "outcome": Event[row.outcome] if row.outcome else None})
            for row in self._rows(query.order_by(attempt.c.id))
        )

    def moves_of(self, delivery_id: str) -> tuple[Move, ...]:
        """Read the history of a delivery, oldest first."""
        columns = [move.c[name] for name in Move.__slots__]
        query = select(*columns).where(move.c.delivery_id == delivery_id).order_by(move.c.id)
        return tuple(Move(**row._mapping) for row in self._rows(query))

    def _read(self, query: Select[Any]) -> tuple[Delivery, ...]:
        return tuple(map(as_delivery, self._rows(query.order_by(*_IN_ORDER))))


def parent_in(*states: State) -> ColumnElement[bool]:
    """Return the condition of a delivery that replies to nothing, or to one in these states."""
    query = select(_PARENT.c.id).where(_PARENT.c.id == _D.parent_id, _PARENT.c.state.in_(states))
    return or_(_D.parent_id.is_(None), query.exists())
