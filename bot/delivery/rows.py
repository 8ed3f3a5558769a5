"""Rows of the outbox as values, and the one function that changes a delivery's state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Label, Row, Select, insert, select, update

from bot.delivery import lifecycle
from bot.delivery.decide import Outcome
from bot.delivery.lifecycle import Event
from bot.delivery.model import (
    Delivery,
    Publication,
    PublicationState,
    Reason,
    State,
    occurrence_columns,
    occurrence_from,
    reason_text,
)
from bot.delivery.tables import attempt, delivery, move, publication
from bot.errors import DecisionError
from bot.platforms.status import PostRef

_OF_DELIVERY = tuple(field.name for field in fields(Delivery) if field.name != "publication")
#: Fields of a publication that are columns of the same name.
_OF_PUBLICATION = tuple(field.name for field in fields(Publication) if field.name != "occurrence")
_OF_OCCURRENCE = ("kind", "subject", "key")
_PREFIX = "publication_"
#: Where in a delivery's row those of its publication begin, and where in those its occurrence.
_OWN, _SHARED = len(_OF_DELIVERY), len(_OF_PUBLICATION)
#: States whose reason people ask for; elsewhere the history keeps it.
_EXPLAINED = frozenset(
    {State.HELD, State.FAILED, State.UNKNOWN, State.CANCELLED, State.RETRACTED, State.GONE}
)


@dataclass(frozen=True, slots=True)
class Note:
    """Who moves something, when and why."""

    at: datetime
    actor: str
    reason: Reason | None = None
    detail: str = ""

    @property
    def text(self) -> str:
        return reason_text(self.reason, self.detail)


@dataclass(frozen=True, slots=True)
class Move:
    """One move of a delivery from one state to the next."""

    at: datetime
    actor: str
    event: Event
    before: State
    after: State
    reason: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at a delivery, with its outcome."""

    id: int
    fence: int
    owner: str
    #: ``preparing`` (no reader can see it), ``calling`` (one may), ``done``.
    phase: str
    #: None while it is open.
    outcome: Event | None
    reason: str
    remote_id: str
    started_at: datetime
    called_at: datetime | None
    ended_at: datetime | None


@cache
def deliveries() -> Select[Any]:
    """Return the query of all deliveries with their publications; `as_delivery` reads its rows.

    Made once: its forty columns cost more than the question that is put to it.
    """
    own = [delivery.c[name] for name in _OF_DELIVERY]
    return select(*own, *_shared()).join_from(delivery, publication)


@cache
def publications() -> Select[Any]:
    """Return the query of all publications; `as_publication` reads its rows."""
    return select(*_shared())


def _shared() -> list[Label[Any]]:
    names = (*_OF_PUBLICATION, *_OF_OCCURRENCE)
    return [publication.c[name].label(f"{_PREFIX}{name}") for name in names]


def as_delivery(row: Row[Any]) -> Delivery:
    """Return what a row of `deliveries` is; by place, as looking names up takes twice as long."""
    values = tuple(row)
    own = dict(zip(_OF_DELIVERY, values[:_OWN], strict=True))
    return Delivery(publication=as_publication(values[_OWN:]), **own)


def as_publication(row: Sequence[Any]) -> Publication:
    """Return what a row of `publications` is."""
    values = tuple(row)
    own = dict(zip(_OF_PUBLICATION, values[:_SHARED], strict=True))
    kind, subject, key = values[_SHARED : _SHARED + len(_OF_OCCURRENCE)]
    return Publication(**own, occurrence=occurrence_from(kind, subject, key))


def publication_columns(new: Publication) -> dict[str, Any]:
    values = {name: getattr(new, name) for name in _OF_PUBLICATION}
    return values | dict(zip(_OF_OCCURRENCE, occurrence_columns(new.occurrence), strict=True))


def locked(connection: Connection, delivery_id: str) -> Delivery:
    """Read a delivery that nobody else changes until this transaction ends, or DecisionError."""
    query = deliveries().where(delivery.c.id == delivery_id).with_for_update(of=delivery)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise DecisionError(f"no delivery has the id {delivery_id!r}")
    return as_delivery(row)


def shift(
    connection: Connection,
    row: Delivery,
    event: Event,
    note: Note,
    values: Mapping[str, Any] | None = None,
) -> Delivery:
    """Move a `locked` delivery, and write it down; DecisionError where it cannot be moved so."""
    try:
        target = lifecycle.after(row.state, event)
    except ValueError as error:
        raise DecisionError(f"{row.id}: {error}") from error
    is_explained = target in _EXPLAINED or event is Event.DEFER
    # Nobody works on it any more; a claim moves it otherwise.
    changes: dict[str, Any] = {"state": target, "owner": "", "lease_until": None}
    reason, detail = (note.reason, note.detail) if is_explained else (None, "")
    changes |= {"updated_at": note.at, "reason": reason, "detail": detail}
    if target is not State.READY:
        changes["retry_at"] = None
    if target is not State.UNKNOWN:
        changes["next_read_at"] = None
    write_move(connection, row, event, target, note)
    moved = change(connection, row.id, {**changes, **(values or {})})
    if target is State.CANCELLED:
        # Its publication lets go of its occurrence once all of it is cancelled. Two that cancel the
        # last two parts at once must see each other's.
        this = publication.c.id == row.publication.id
        connection.execute(select(publication.c.id).where(this).with_for_update())
        rest = select(delivery.c.id).where(
            delivery.c.publication_id == row.publication.id, delivery.c.state != State.CANCELLED
        )
        withdrawn = update(publication).where(this, ~rest.exists())
        connection.execute(withdrawn.values(state=PublicationState.WITHDRAWN))
    return moved


def change(connection: Connection, delivery_id: str, values: Mapping[str, Any]) -> Delivery:
    """Write columns of a delivery and read it back."""
    connection.execute(update(delivery).where(delivery.c.id == delivery_id).values(values))
    return as_delivery(connection.execute(deliveries().where(delivery.c.id == delivery_id)).one())


def write_move(
    connection: Connection, row: Delivery, event: Event, target: State, note: Note
) -> None:
    written = {"delivery_id": row.id, "at": note.at, "actor": note.actor, "reason": note.text}
    moved = {"event": event, "before": row.state, "after": target}
    connection.execute(insert(move).values(**written, **moved))


def end_attempt(
    connection: Connection, row: Delivery, event: Event, note: Note, *, remote_id: str = ""
) -> None:
    """Write the outcome of the attempt that a claim opened."""
    this = update(attempt).where(attempt.c.delivery_id == row.id, attempt.c.fence == row.fence)
    outcome = {"outcome": event.name, "reason": note.text, "remote_id": remote_id}
    connection.execute(this.values(phase="done", ended_at=note.at, **outcome))


def ref_columns(ref: PostRef) -> dict[str, Any]:
    return {"remote_id": ref.id, "url": ref.url, "cid": ref.cid}


def note_of(outcome: Outcome, now: datetime, actor: str) -> Note:
    """Return what the history says of an outcome's own move."""
    if outcome.hold is None or outcome.event is Event.DEFER:
        return Note(now, actor, detail=outcome.detail)
    return Note(now, actor, outcome.hold.reason, outcome.hold.detail)
