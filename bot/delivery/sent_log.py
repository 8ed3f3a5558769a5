"""The sent log: what was tried and sent, told outside the database, so that a restore shows.

One JSON object a line, appended and fsynced, next to the database but in no backup of it. A
line that is torn was never finished, so the call it announces was never made. After a restore, a
clone or a lost log nothing is sent before all is read back.
"""

import json
import logging
import re
import uuid
from collections import deque
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Row, and_, func, or_, select, update

from bot.canonical import JsonObject, canonical_json
from bot.db.database import Database, Repository, StoreContext
from bot.db.sqlite import append_line
from bot.delivery.lifecycle import OUT
from bot.delivery.model import Delivery, State
from bot.delivery.rows import as_delivery, change, deliveries, locked
from bot.delivery.tables import delivery, instance, publication, sent_log
from bot.errors import StoreError
from bot.platforms.status import Draft, PostRef, draft_from_json

#: Parts of a whole line: its keys are in order, and quotes inside of texts are escaped.
_NUMBER, _END = re.compile(rb',"seq":(\d+)}\s*\Z'), 40
_HEAD = b',"instance":"'
_ATTEMPT, _DELIVERY = b',"event":"attempt",', re.compile(rb'"delivery":"([^"]*)"')
#: Lines among which the highest number is: they are numbered before they are written. To read the
#: numbers of all would be most of the time that a verb takes to start.
_LAST = 5000
_LOG = logging.getLogger(__name__)
_D, _P = delivery.c, publication.c
#: Nothing is sent of it any more, unless it is planned anew.
OVER = OUT | {State.CANCELLED}


@dataclass(frozen=True, slots=True)
class Logged:
    """What the log knows about one delivery: its last attempt, and where it is."""

    draft: Draft | None
    first_intent_at: datetime | None
    #: None where no answer with an id was ever stored.
    ref: PostRef | None
    #: The person who said where it is; empty where its server did.
    by: str = ""


class SentLog:
    """An append-only file of attempts and statuses; one process appends, any may read."""

    def __init__(self, path: Path, *, log_id: str, instance_id: str) -> None:
        self.path = path
        self.log_id = log_id
        #: The database that it was last written for.
        self.instance_id = instance_id
        #: Where it is, as `bot.delivery.sent_log.place_of` names it.
        self.place = ""
        #: Highest sequence number that was in the file when it was opened, or appended since.
        self.seq = 0
        self._lock = Lock()

    @cached_property
    def attempted(self) -> set[str]:
        """Deliveries for which a call was ever announced; read when it is first asked for."""
        if not self.path.exists():
            return set()
        with self.path.open("rb") as file:
            whole = (raw for raw in file if _ATTEMPT in raw and _number(raw))
            return {found[1].decode() for raw in whole if (found := _DELIVERY.search(raw))}

    def announce(self, delivery: Delivery, seq: int, *, now: datetime) -> None:
        """Write down that a call is about to be made; StoreError where not: then do not call."""
        about = {
            "account": delivery.account,
            "draft": delivery.draft_json,
            "first_intent_at": (delivery.first_intent_at or now).isoformat(),
        }
        self._append({**_line("attempt", delivery.id, seq, now), **about})
        if "attempted" in vars(self):
            self.attempted.add(delivery.id)

    def confirm(
        self, delivery_id: str, ref: PostRef, seq: int, *, now: datetime, by: str = ""
    ) -> None:
        """Write down where a status is, and who said so; StoreError where that cannot be done."""
        where = {"id": ref.id, "url": ref.url, "cid": ref.cid}
        about = {"by": by, "remote": where}
        self._append({**_line("sent", delivery_id, seq, now), **about})

    def adopt(self, instance_id: str, *, now: datetime) -> None:
        """Go on with another database, once all has been read back."""
        if instance_id != self.instance_id:
            self._append(_head(self.log_id, instance_id, now))
            self.instance_id = instance_id

    def known(self, delivery_ids: frozenset[str] | None = None) -> dict[str, Logged]:
        """Read what stands in the file, by delivery; all of them, or just some."""
        found: dict[str, Logged] = {}
        with self.path.open("rb") as file:
            for line in filter(None, map(_line_of, file)):
                key = line.get("delivery")
                if key is not None and (delivery_ids is None or key in delivery_ids):
                    found[key] = _merged(found.get(key), line)
        return found

    def _append(self, line: JsonObject) -> None:
        with self._lock:
            try:
                append_line(self.path, canonical_json(line))
            except OSError as error:
                raise StoreError(f"cannot write to {self.path}: {error.strerror}") from error
            self.seq = max(self.seq, line.get("seq", 0))


def open_log(path: Path) -> SentLog | None:
    """Read the log that stands there; None where there is none, or none was ever begun."""
    if not path.exists():
        return None
    log = SentLog(path, log_id="", instance_id="")
    last: deque[bytes] = deque(maxlen=_LAST)
    with path.open("rb") as file:
        for raw in file:
            if raw.rstrip().endswith(b"}"):  # any number of others may have been torn
                last.append(raw)
            if _HEAD in raw and (line := _line_of(raw)) and "log" in line:
                log.log_id, log.instance_id = line["log"], line["instance"]
    log.seq = max(map(_number, last), default=0)
    # Whoever made the file died before its first line was whole: nothing can have been sent.
    return log if log.log_id or log.attempted else None


def start_log(path: Path, instance_id: str, *, now: datetime) -> SentLog:
    log = SentLog(path, log_id=uuid.uuid4().hex, instance_id=instance_id)
    log._append(_head(log.log_id, instance_id, now))
    log.attempted = set()
    return log


@dataclass(frozen=True, slots=True)
class OutboxContext(StoreContext):
    """A database with the sent log that is written before and after each call."""

    log: SentLog


class OutboxRepository(Repository):
    """The SQL of one concern of sending, and its lines in the sent log."""

    def __init__(self, context: OutboxContext) -> None:
        super().__init__(context)
        self._context = context
        self._log = context.log

    def _next_seq(self, connection: Connection) -> int:
        statement = update(sent_log).where(sent_log.c.log_id == self._log.log_id)
        counted = statement.values(seq=sent_log.c.seq + 1).returning(sent_log.c.seq)
        return int(connection.execute(counted).scalar_one())

    def logged(self, delivery_id: str) -> Logged | None:
        """Read what the sent log of this machine has of a delivery."""
        return self._log.known(frozenset({delivery_id})).get(delivery_id)

    def _note_sent(self, row: Delivery, seq: int, now: datetime, by: str = "") -> None:
        """Write into the sent log where a status is that the database knows already."""
        try:
            self._log.confirm(row.id, row.ref, seq, now=now, by=by)
        except StoreError as error:
            # The database has it, and the log has the attempt: a restore would read back.
            _LOG.warning("sent log not written for %s: %s", row.id, error)


def _head(log_id: str, instance_id: str, now: datetime) -> JsonObject:
    return {"log": log_id, "instance": instance_id, "at": now.isoformat()}


def _line(event: str, delivery_id: str, seq: int, now: datetime) -> JsonObject:
    return {"seq": seq, "event": event, "delivery": delivery_id, "at": now.isoformat()}


def _number(raw: bytes) -> int:
    """Return the number at the end of a whole line, from 1; 0 where there is none."""
    found = _NUMBER.search(raw, max(0, len(raw) - _END))
    return int(found[1]) if found else 0


def _line_of(raw: bytes) -> dict[str, Any] | None:
    try:
        line = json.loads(raw)
    except (ValueError, RecursionError):
        return None  # torn, so its call was never made
    return line if isinstance(line, dict) else None


def _merged(known: Logged | None, line: JsonObject) -> Logged:
    known = known or Logged(None, None, None)
    if line["event"] == "sent":
        return replace(known, ref=PostRef(**line["remote"]), by=line.get("by", ""))
    draft = draft_from_json(line["draft"]) if line["draft"] else known.draft
    intent = known.first_intent_at or datetime.fromisoformat(line["first_intent_at"])
    return replace(known, draft=draft, first_intent_at=intent)


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
        tried = and_(_D.id.in_(sorted(self._log.attempted)), _D.state.not_in(OUT))
        query = deliveries().where(or_(due, tried)).order_by(_P.due_at, _D.part, _D.id)
        known = self._log.known() if self._log.attempted else {}
        rows = map(as_delivery, self._rows(query))
        return tuple((row, known[row.id].ref if row.id in known else None) for row in rows)

    def settled(self, now: datetime) -> None:
        """All has been read back: send again, and take this log and this place for ours."""
        with self._db.write() as connection:
            connection.execute(update(instance).values(settle_reason=None, settled_at=now))
            _register(self._db, connection, self._log, now)
            ours = _instance(connection).instance_id
        self._log.adopt(ours, now=now)

    def compare(self, now: datetime) -> None:
        """Compare the database with the log that was read before it, and set the flag."""
        with self._db.write() as connection:
            if reason := _doubt(self._db, connection, self._log):
                if _instance(connection).settle_reason is None:
                    connection.execute(update(instance).values(settle_reason=reason))
                _recall(connection, self._log)
            # In doubt too: what is found meanwhile is written there, and numbered on from its end.
            _register(self._db, connection, self._log, now)


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
    with db.read() as connection:
        return str(_instance(connection).instance_id)


def place_of(log: SentLog, machine: str) -> str:
    """Name where a log is: a copied directory has other inodes, another host another name."""
    return f"{machine}:{log.path.stat().st_ino}"


def _instance(connection: Connection) -> Row[Any, Any, Any]:
    query = select(instance.c.instance_id, instance.c.epoch, instance.c.settle_reason)
    return connection.execute(query).one()


def _doubt(db: Database, connection: Connection, log: SentLog) -> str | None:
    """Return why this database may not know all that went out; None where it does."""
    mine = connection.execute(select(sent_log).where(sent_log.c.log_id == log.log_id)).one_or_none()
    if log.instance_id != _instance(connection).instance_id:
        return "the sent log belongs to another database"
    if mine is None:
        if log.attempted:
            return "the database does not know the sent log"
        # It is new: made just now, or at a start that died before this was asked.
        others = connection.execute(select(func.max(sent_log.c.seq))).scalar_one()
        # On PostgreSQL a replica with a new directory is nothing unusual.
        return "the sent log is missing" if db.is_sqlite and others else None
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
