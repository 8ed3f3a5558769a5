"""The audit log: who decided what and why, each row hashed together with the row before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Text, func, insert, select, type_coerce

from bot import visible
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
            return append(connection, who, verb, subject, why=why, detail=detail or {}, now=now)

    def rows(self, limit: int | None = None) -> tuple[AuditRow, ...]:
        """Read rows, newest first."""
        found = self._rows(select(audit).order_by(audit.c.seq.desc()).limit(limit))
        return tuple(AuditRow(**row._mapping) for row in found)

    def verify(self) -> int | None:
        """Find the first row that was changed, or follows one that was taken out; None if none.

        Rows cut off at the end leave no trace here; compare `head` with one noted elsewhere.
        """
        # The detail as it stands there: what somebody put in may not even be JSON.
        columns = [c for c in audit.c if c.name != "detail"]
        query = select(*columns, type_coerce(audit.c.detail, Text).label("detail"))
        previous, expected = ROOT, 1
        for row in self._rows(query.order_by(audit.c.seq)):
            values = dict(row._mapping)
            sealed = values.pop("sha256")
            if (row.seq, row.previous, _hash(values)) != (expected, previous, sealed):
                return expected
            previous, expected = sealed, expected + 1
        return None

    def head(self) -> tuple[int, str]:
        """Return the last row's number and hash; (0, 64 zeros) before the first."""
        with self._db.read() as connection:
            return _head(connection)


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
    if connection.dialect.name == "postgresql":
        # Two writers must not chain to the same row; SQLite has one writer anyway.
        connection.execute(select(func.pg_advisory_xact_lock(_PG_LOCK)))
    seq, previous = _head(connection)
    # No word of anybody may look like a row of somebody else.
    words = {"who": who, "verb": verb, "subject": subject, "why": why}
    entry = {"at": now, **{key: str(visible.line(word)) for key, word in words.items()}}
    detail = visible.values(detail)
    values: dict[str, Any] = {"seq": seq + 1, **entry, "detail": detail, "previous": previous}
    values["sha256"] = _hash({**values, "detail": canonical_json(detail)})
    connection.execute(insert(audit).values(values))
    return AuditRow(**values)


def _head(connection: Connection) -> tuple[int, str]:
    last = connection.execute(_LAST).one_or_none()
    return (last.seq, last.sha256) if last else (0, ROOT)


def _hash(values: Mapping[str, Any]) -> str:
    return sha256_hex(canonical_json({**values, "at": values["at"].astimezone(UTC).isoformat()}))
