"""The audit log: who decided what and why, each row hashed together with the row before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, Text, func, insert, select, type_coerce

from bot.authority.tables import audit
from bot.canonical import JsonObject, canonical_json, sha256_hex
from bot.db.database import Repository

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


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """A decision to write down."""

    at: datetime
    who: str
    verb: str
    subject: str
    why: str
    detail: JsonObject


class Audit(Repository):
    """Append-only: no method changes or deletes a row."""

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
        """Write a decision down."""
        with self._db.write() as connection:
            return append(connection, AuditEntry(now, who, verb, subject, why, detail or {}))

    def rows(self, limit: int | None = None, since: datetime | None = None) -> tuple[AuditRow, ...]:
        """Read rows, newest first, of this moment or later."""
        query = select(audit).order_by(audit.c.seq.desc()).limit(limit)
        if since is not None:
            query = query.where(audit.c.at >= since)
        with self._db.read() as connection:
            return tuple(_as_row(row) for row in connection.execute(query))

    def verify(self) -> int | None:
        """Find the first row that was changed, or follows one that was taken out; None if none.

        Rows cut off at the end leave no trace here; compare `head` with one noted elsewhere.
        """
        # The detail as it stands there: what somebody put in may not even be JSON.
        columns = [c for c in audit.c if c.name != "detail"]
        query = select(*columns, type_coerce(audit.c.detail, Text).label("detail"))
        with self._db.read() as connection:
            return _first_broken(connection.execute(query.order_by(audit.c.seq)))

    def head(self) -> tuple[int, str]:
        """Return the last row's number and hash; (0, 64 zeros) before the first."""
        with self._db.read() as connection:
            return _head(connection)


def append(connection: Connection, entry: AuditEntry) -> AuditRow:
    """Write a row as part of a transaction."""
    if connection.dialect.name == "postgresql":
        # Two writers must not chain to the same row; SQLite has one writer anyway.
        connection.execute(select(func.pg_advisory_xact_lock(_PG_LOCK)))
    seq, previous = _head(connection)
    row = _sealed(seq + 1, entry, previous)
    values = {name: getattr(row, name) for name in AuditRow.__slots__}
    connection.execute(insert(audit).values(values))
    return row


def _head(connection: Connection) -> tuple[int, str]:
    last = connection.execute(_LAST).one_or_none()
    return (last.seq, last.sha256) if last else (0, ROOT)


def _sealed(seq: int, entry: AuditEntry, previous: str) -> AuditRow:
    values = {name: getattr(entry, name) for name in AuditEntry.__slots__}
    sealed = _hash({**values, "detail": canonical_json(entry.detail)}, seq, previous)
    return AuditRow(seq, **values, previous=previous, sha256=sealed)


def _hash(entry: Mapping[str, Any], seq: int, previous: str) -> str:
    at = entry["at"].astimezone(UTC).isoformat()
    return sha256_hex(canonical_json({**entry, "at": at, "seq": seq, "previous": previous}))


def _first_broken(rows: Iterable[Row[Any]]) -> int | None:
    previous, expected = ROOT, 1
    for row in rows:
        if (row.seq, row.previous) != (expected, previous):
            return expected
        entry = {name: row._mapping[name] for name in AuditEntry.__slots__}
        if row.sha256 != _hash(entry, row.seq, previous):
            return expected
        previous, expected = row.sha256, expected + 1
    return None


def _as_row(row: Row[Any]) -> AuditRow:
    return AuditRow(**row._mapping)
