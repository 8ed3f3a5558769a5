"""The audit log: who decided what and why, each row hashed together with the row before."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any

from sqlalchemy import ColumnElement, Connection, Text, func, insert, select, type_coerce

from bot import visible
from bot.authority.audit_head import SignedHead, audit_key, row_line, rows_in, sign_head
from bot.authority.tables import audit
from bot.canonical import JsonObject, canonical_json, sha256_hex
from bot.content.model import Mode
from bot.db.database import Repository, StoreContext, path_of
from bot.db.sqlite import append_line
from bot.log import get_logger

log = get_logger(__name__)

#: What the first row has in place of the hash before it.
ROOT = "0" * 64
_PG_LOCK = 0x61756469
_LAST = select(audit.c.seq, audit.c.sha256).order_by(audit.c.seq.desc()).limit(1)


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One decision, as it was written down."""

    seq: int
    at: datetime
    who: str
    verb: str
    subject: str
    why: str
    detail: JsonObject
    previous: str
    sha256: str


class Audit(Repository):
    """Append-only: no method changes or deletes a row."""

    def __init__(self, context: StoreContext) -> None:
        super().__init__(context)
        stem = path_of(self._db.url).stem if self._db.is_sqlite else Mode.LIVE
        #: A copy of each row, beside the database and in no backup of it.
        self.file = context.directory / f"{stem}.audit.log"
        self._key = context.directory / "audit.key"
        #: Number of the last row that the file has; None before it was looked at.
        self._copied: int | None = None
        self._copying = Lock()

    def write(
        self,
        who: str,
        verb: str,
        subject: str,
        *,
        why: str = "",
        detail: JsonObject | None = None,
        now: datetime,
    ) -> AuditRow:
        with self._db.write() as connection:
            row = append(connection, who, verb, subject, why=why, detail=detail or {}, now=now)
        self.copy()
        return row

    def write_chosen(
        self,
        who: str,
        choose: Callable[[Sequence[AuditRow]], str],
        subject: str,
        *,
        why: str,
        since: datetime,
        now: datetime,
    ) -> AuditRow:
        """Write a row whose verb follows from those since then; two never choose at once."""
        with self._db.write() as connection:
            _lock(connection)
            query = select(audit).where(audit.c.at >= since).order_by(audit.c.seq.desc())
            verb = choose([AuditRow(**row._mapping) for row in connection.execute(query)])
            row = append(connection, who, verb, subject, why=why, detail={}, now=now)
        self.copy()
        return row

    def copy(self) -> None:
        """Append to the file what it lacks; what cannot be written now is written next time."""
        if self._db.is_together:  # `AuthorityStore.transaction` does it once that is stored
            return
        with self._copying:
            if self._copied is None:
                self._copied = max((row["seq"] for row in rows_in(self.file)), default=0)
            try:
                for row in self.raw(after=self._copied):
                    append_line(self.file, row_line(row))
                    self._copied = row["seq"]
            except OSError as error:
                log.warning("audit log not copied", file=str(self.file), reason=error.strerror)

    def recall(self) -> int:
        """Bring back the rows that only the file has, as after a restore; return how many."""
        brought = 0
        with self._db.write() as connection:
            seq, previous = _head(connection)
            for row in rows_in(self.file):
                if (row["seq"], row["previous"]) == (seq + 1, previous) and _is_whole(row):
                    values = {name: row[name] for name in AuditRow.__slots__}
                    values["detail"] = json.loads(row["detail"])
                    connection.execute(insert(audit).values(values))
                    seq, previous, brought = row["seq"], row["sha256"], brought + 1
        return brought

    def rows(self, limit: int | None = None, since: datetime | None = None) -> tuple[AuditRow, ...]:
        """Read rows, newest first."""
        return self._read(*((audit.c.at >= since,) if since else ()), limit=limit)

    def about(
        self, subject: str, *verbs: str, since: datetime | None = None
    ) -> tuple[AuditRow, ...]:
        """Read the rows of these verbs about one subject, newest first."""
        wanted = audit.c.subject == subject, audit.c.verb.in_(verbs)
        return self._read(*wanted, *((audit.c.at >= since,) if since else ()))

    def of(self, *verbs: str, after: int = 0) -> tuple[AuditRow, ...]:
        """Read the rows of these verbs, newest first."""
        return self._read(audit.c.seq > after, audit.c.verb.in_(verbs))

    def _read(self, *which: ColumnElement[bool], limit: int | None = None) -> tuple[AuditRow, ...]:
        query = select(audit).where(*which).order_by(audit.c.seq.desc()).limit(limit)
        return tuple(AuditRow(**row._mapping) for row in self._rows(query))

    def problems_since(self, head: tuple[int, str]) -> list[str]:
        """Return what is wrong with the rows from one on that was right, without its file."""
        seq, previous = head
        before = self.raw(after=seq - 1)[:1] if seq else [{"sha256": ROOT}]
        if [row["sha256"] for row in before] != [previous]:
            return [f"row {seq} is not what was written"]
        rows = self.raw(after=seq)
        broken = first_break(rows, previous, seq + 1)
        if broken is None and seq + len(rows) < (self._copied or 0):
            broken = seq + len(rows) + 1  # cut off: the file has it
        return [] if broken is None else [f"row {broken} is not what was written"]

    def problems(self, heads: Iterable[SignedHead] = ()) -> list[str]:
        """Return what is wrong with the log itself, against its file and against signed heads."""
        rows = self.raw()
        hashes = {row["seq"]: row["sha256"] for row in rows}
        others = [
            row["seq"] for row in rows_in(self.file) if hashes.get(row["seq"]) != row["sha256"]
        ]
        found = problems_of(rows, heads)
        return [*found, f"row {others[0]} is another one in {self.file}"] if others else found

    def raw(self, after: int = 0) -> list[dict[str, Any]]:
        """Read rows as they are stored, oldest first: what somebody put in may not be JSON."""
        columns = [c for c in audit.c if c.name != "detail"]
        query = select(*columns, type_coerce(audit.c.detail, Text).label("detail"))
        found = self._rows(query.where(audit.c.seq > after).order_by(audit.c.seq))
        return [dict(row._mapping) for row in found]

    def head(self) -> tuple[int, str]:
        """Return the last row's number and hash; (0, 64 zeros) before the first."""
        with self._db.read() as connection:
            return _head(connection)

    def public_key(self) -> str:
        """Return the key that proves this machine's signed heads, in hexadecimal."""
        return audit_key(self._key).public_key().public_bytes_raw().hex()

    def signed_head(self, now: datetime) -> str:
        """Return the head as a word that anybody can verify."""
        return sign_head(self._key, self.head(), now)

    def sign(self, text: str) -> tuple[str, str]:
        """Return this machine's public key and its signature of a text, in hexadecimal."""
        return self.public_key(), audit_key(self._key).sign(text.encode()).hex()


class RowsOnce:
    """The rows of one verb, for who asks often: each is read once, as the log only grows."""

    def __init__(self, verb: str) -> None:
        self._verb = verb
        self._seq = 0
        self._rows: list[AuditRow] = []

    def read(self, log: Audit) -> list[AuditRow]:
        """Return them, oldest first; one may be in it twice."""
        seq, _sha256 = log.head()
        if seq != self._seq:
            self._rows += log.of(self._verb, after=self._seq)[::-1]
            self._seq = seq
        return self._rows


def problems_of(rows: Iterable[Mapping[str, Any]], heads: Iterable[SignedHead]) -> list[str]:
    """Return what is wrong with rows, by their running hash and by heads that were signed."""
    rows = list(rows)
    broken = first_break(rows)
    found = [] if broken is None else [f"row {broken} is not what was written"]
    hashes = {0: ROOT} | {row["seq"]: row["sha256"] for row in rows}
    return found + [
        f"it had {head.rows} rows when its head was signed, and another one at the end of them"
        for head in heads
        if hashes.get(head.rows) != head.sha256
    ]


def first_break(
    rows: Iterable[Mapping[str, Any]], previous: str = ROOT, expected: int = 1
) -> int | None:
    """Return the number of the first row that is not what was written; None where all are.

    Rows cut off at the end, or all of them made anew, leave no trace here; see `Audit.problems`.
    """
    for row in rows:
        if (row["seq"], row["previous"]) != (expected, previous) or not _is_whole(row):
            return expected
        previous, expected = row["sha256"], expected + 1
    return None


def _is_whole(row: Mapping[str, Any]) -> bool:
    values = {name: row.get(name) for name in AuditRow.__slots__ if name != "sha256"}
    return sha256_hex(row_line(values)) == row.get("sha256")


def append(
    connection: Connection,
    who: str,
    verb: str,
    subject: str,
    *,
    why: str,
    detail: JsonObject,
    now: datetime,
) -> AuditRow:
    """Write a row as part of a transaction."""
    _lock(connection)
    seq, previous = _head(connection)
    # No word of anybody may look like a row of somebody else.
    words = {"who": who, "verb": verb, "subject": subject, "why": why}
    entry = {"at": now, **{key: str(visible.line(word)) for key, word in words.items()}}
    detail = visible.values(detail)
    values: dict[str, Any] = {"seq": seq + 1, **entry, "detail": detail, "previous": previous}
    values["sha256"] = sha256_hex(row_line({**values, "detail": canonical_json(detail)}))
    connection.execute(insert(audit).values(values))
    return AuditRow(**values)


def _lock(connection: Connection) -> None:
    """Let nobody else write a row until this transaction ends; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_PG_LOCK)))


def _head(connection: Connection) -> tuple[int, str]:
    last = connection.execute(_LAST).one_or_none()
    return (last.seq, last.sha256) if last else (0, ROOT)
