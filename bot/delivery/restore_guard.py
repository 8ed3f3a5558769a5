"""Settle first: after a restore, a clone or a lost log nothing is sent before all is read back."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, func, or_, select, update

from bot.db.database import Database
from bot.delivery.model import Delivery, State
from bot.delivery.rows import as_delivery, change, deliveries, locked
from bot.delivery.sent_log import OutboxRepository, SentLog
from bot.delivery.tables import delivery, instance, publication, sent_log
from bot.platforms.status import PostRef

_D, _P = delivery.c, publication.c
_KNOWN_OUT = (State.SENT, State.RETRACTED, State.GONE)
#: Nothing is sent of it any more, unless it is planned anew.
OVER = (*_KNOWN_OUT, State.CANCELLED)


class RestoreGuard(OutboxRepository):
    """The flag that a restore sets, and what must be reconciled while it is set."""

    def reason(self) -> str | None:
        """Return why nothing may be sent yet; None where nothing stands in the way."""
        with self._db.read() as connection:
            found: str | None = _instance(connection).settle_reason
        return found

    def suspects(self, now: datetime) -> tuple[tuple[Delivery, PostRef | None], ...]:
        """Find what must be read back: tried, as the log says, or due, and not known to be out.

        Each with where the log says that it is; None where it says nothing.
        """
        due = and_(_P.due_at <= now, _D.state.not_in(OVER))
        tried = and_(_D.id.in_(sorted(self._log.attempted)), _D.state.not_in(_KNOWN_OUT))
        query = deliveries().where(or_(due, tried)).order_by(_P.due_at, _D.part, _D.id)
        known = self._log.known() if self._log.attempted else {}
        refs = {delivery_id: logged.ref for delivery_id, logged in known.items()}
        rows = map(as_delivery, self._rows(query))
        return tuple((row, refs.get(row.id)) for row in rows)

    def settled(self, now: datetime) -> None:
        """All has been read back: send again, and take this log and this place for ours."""
        with self._db.write() as connection:
            connection.execute(update(instance).values(settle_reason=None, settled_at=now))
            _register(self._db, connection, self._log, now)
            ours = _instance(connection).instance_id
        self._log.adopt(ours, now=now)

    def compare(self, log_is_new: bool, now: datetime) -> None:
        """Compare the database with the log that was read before it, and set the flag."""
        with self._db.write() as connection:
            found = _instance(connection)
            reason = _doubt(self._db, connection, self._log, log_is_new)
            if reason is None:
                _register(self._db, connection, self._log, now)
                return
            if found.settle_reason is None:
                connection.execute(update(instance).values(settle_reason=reason))
            _recall(connection, self._log)


def mark_restored(db: Database, reason: str) -> int:
    """Let a database of any revision settle first; return the new epoch.

    PostgreSQL's operator says so after pg_restore; `restore` does it for SQLite.
    """
    values = {"settle_reason": reason, "epoch": instance.c.epoch + 1}
    with db.write() as connection:
        changed = update(instance).values(values).returning(instance.c.epoch)
        return int(connection.execute(changed).scalar_one())


def begin_instance(db: Database, now: datetime) -> None:
    """Give a new database its identity; one that has one keeps it."""
    values = {"id": 1, "instance_id": uuid.uuid4().hex, "epoch": 0, "created_at": now}
    with db.write() as connection:
        connection.execute(db.insert(instance).values(values).on_conflict_do_nothing())


def instance_id(db: Database) -> str:
    """Read which database this is."""
    with db.read() as connection:
        return str(_instance(connection).instance_id)


def place_of(log: SentLog, machine: str) -> str:
    """Name where a log is: a copied directory has other inodes, another host another name."""
    return f"{machine}:{log.path.stat().st_ino}"


def _instance(connection: Connection) -> Row[Any, Any, Any]:
    query = select(instance.c.instance_id, instance.c.epoch, instance.c.settle_reason)
    return connection.execute(query).one()


def _doubt(db: Database, connection: Connection, log: SentLog, log_is_new: bool) -> str | None:
    """Return why this database may not know all that went out; None where it does."""
    mine = connection.execute(select(sent_log).where(sent_log.c.log_id == log.log_id)).one_or_none()
    if log_is_new:
        others = connection.execute(select(func.max(sent_log.c.seq))).scalar_one()
        # On PostgreSQL a replica with a new directory is nothing unusual.
        return "the sent log is missing" if db.is_sqlite and others else None
    if log.instance_id != _instance(connection).instance_id:
        return "the sent log belongs to another database"
    if mine is None:
        return "the database does not know the sent log" if log.attempted else None
    if log.seq > mine.seq:
        return f"the database is older than the sent log ({mine.seq} of {log.seq} lines)"
    if mine.place != log.place:
        return "the data directory was copied, or is on another machine"
    return None


def _register(db: Database, connection: Connection, log: SentLog, now: datetime) -> None:
    row = db.insert(sent_log).values(
        log_id=log.log_id, place=log.place, seq=log.seq, registered_at=now
    )
    newer = func.greatest if connection.dialect.name == "postgresql" else func.max
    seen = {"place": log.place, "seq": newer(sent_log.c.seq, log.seq)}
    connection.execute(row.on_conflict_do_update(index_elements=[sent_log.c.log_id], set_=seen))


def _recall(connection: Connection, log: SentLog) -> None:
    """Bring back drafts and first intents: a repeated call must send the same bytes."""
    forgotten = select(_D.id).where(_D.attempts == 0, _D.id.in_(sorted(log.attempted)))
    ids = frozenset(connection.execute(forgotten).scalars())
    for delivery_id, known in (log.known(ids) if ids else {}).items():
        row = locked(connection, delivery_id)
        draft = known.draft.to_json() if known.draft else row.draft_json
        intent = known.first_intent_at or row.first_intent_at
        values = {"draft_json": draft, "first_intent_at": intent, "attempts": 1}
        change(connection, delivery_id, values)
