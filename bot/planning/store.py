"""All that the bot remembers, and the one way in which planning changes the outbox."""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, update

from bot.db.errors import ConflictError
from bot.delivery.lifecycle import Event
from bot.delivery.model import State
from bot.delivery.moves import BLANK, PLANNER, Moves, parts_of, refuse_touched
from bot.delivery.publications import NewPublication, Publication, PublicationState
from bot.delivery.rows import Note, change, locked, publication_columns, shift, write_move
from bot.delivery.sent_log import OutboxContext
from bot.delivery.tables import delivery, publication
from bot.engagement.store import EngagementStore
from bot.errors import DecisionError
from bot.planning.diff import Cancellation, PlanDiff


class PlanChanges(Moves):
    """Brings the outbox to a plan: all of the difference in one transaction, or nothing of it."""

    def apply(self, diff: PlanDiff, *, now: datetime) -> None:
        """Bring the outbox to the plan, or raise DecisionError: somebody was faster."""
        try:
            with self._db.write() as connection:
                for cancellation in diff.cancel:
                    _cancel(connection, cancellation, now)
                # Two may swap their slots, so all let go of theirs before any takes one.
                for moved in (*diff.move, *(new.publication for new in diff.replace)):
                    _write(connection, moved.id, {"state": PublicationState.UNPLANNED})
                for moved in diff.move:
                    _move(connection, moved, now)
                for new in diff.replace:
                    _replace(connection, new, Note(now, PLANNER, diff.why))
                for new in diff.add:
                    self._insert(connection, new, now)
        except ConflictError as error:
            raise DecisionError("a place in the plan is taken already") from error


class Store(EngagementStore):
    """Each subject's repositories, as planning and everything above it sees them."""

    def __init__(self, context: OutboxContext) -> None:
        super().__init__(context)
        self.plan = PlanChanges(context)


def _cancel(connection: Connection, cancellation: Cancellation, now: datetime) -> None:
    for delivery_id in reversed(cancellation.delivery_ids):
        row = locked(connection, delivery_id)
        event = Event.DROP if row.state in {State.HELD, State.FAILED} else Event.CANCEL
        shift(connection, row, event, Note(now, PLANNER, cancellation.reason))
    withdrawn = update(publication).where(
        publication.c.id == cancellation.publication_id,
        publication.c.state == PublicationState.WITHDRAWN,
    )
    connection.execute(withdrawn.values(state=PublicationState.UNPLANNED))


def _move(connection: Connection, moved: Publication, now: datetime) -> None:
    for row in parts_of(connection, moved.id):
        if row.state is not State.PLANNED:
            raise DecisionError(f"{row.id}: it is {row.state}; only PLANNED ones are moved")
    _write(connection, moved.id, publication_columns(moved))
    this = delivery.c.publication_id == moved.id
    connection.execute(update(delivery).where(this).values(updated_at=now))


def _replace(connection: Connection, new: NewPublication, note: Note) -> None:
    """Give deliveries their new payload; they are PLANNED again, their ids stay."""
    rows = parts_of(connection, new.publication.id)
    for row, part in zip(rows, new.parts, strict=True):
        refuse_touched(row)
        if row.state is State.PLANNED:
            write_move(connection, row, Event.EDIT, State.PLANNED, note)
        else:
            event = Event.REQUEUE if row.state is State.HELD else Event.EDIT
            shift(connection, row, event, note)
        never = dict.fromkeys(("draft_json", "first_intent_at", "retry_at"))
        values = {**BLANK, **asdict(part), **never, "fence": row.fence, "updated_at": note.at}
        change(connection, row.id, values)
    _write(connection, new.publication.id, publication_columns(new.publication))


def _write(connection: Connection, publication_id: str, values: dict[str, object]) -> None:
    connection.execute(update(publication).where(publication.c.id == publication_id).values(values))
