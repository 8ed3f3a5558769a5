"""Approvals: who agreed to which fingerprint, and what took that back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select, update

from bot.authority.tables import approval
from bot.db.database import Repository
from bot.db.errors import ConflictError
from bot.errors import DecisionError

_A = approval.c


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's standing approval of one fingerprint."""

    fingerprint: str
    post_id: str
    by: str
    note: str
    #: SHA-256 of each source that is quoted, by its id, when it was approved.
    sources: Mapping[str, str]
    at: datetime


class Approvals(Repository):
    """Approvals are never deleted; a voided one counts no more."""

    def approve(
        self,
        fingerprint: str,
        post_id: str,
        *,
        by: str,
        note: str = "",
        now: datetime,
        sources: Mapping[str, str] | None = None,
    ) -> Approval:
        """Store an approval.

        Raises:
            DecisionError: this person has approved just this already.
        """
        given = Approval(fingerprint, post_id, by, note, dict(sources or {}), now)
        values = {name: getattr(given, name) for name in Approval.__slots__}
        try:
            with self._db.write() as connection:
                connection.execute(approval.insert().values(**values, void_reason=""))
        except ConflictError as error:
            raise DecisionError(f"{by} has approved {post_id} already, as it is now") from error
        return given

    def of(self, fingerprint: str) -> tuple[Approval, ...]:
        """Read the standing approvals of a fingerprint, oldest first."""
        return self._standing(_A.fingerprint == fingerprint)

    def of_post(self, post_id: str) -> tuple[Approval, ...]:
        """Read the standing approvals of all fingerprints of a post, oldest first."""
        return self._standing(_A.post_id == post_id)

    def void(
        self,
        *,
        fingerprint: str | None = None,
        post_id: str | None = None,
        source: str | None = None,
        reason: str,
        now: datetime,
    ) -> tuple[Approval, ...]:
        """Take back approvals of a fingerprint, a post, or of all that quotes a source.

        Raises:
            ValueError: not just one of the three is named.
        """
        if [fingerprint, post_id, source].count(None) != 2:
            raise ValueError("name a fingerprint, a post or a source")
        standing = self._standing(_A.post_id == post_id if post_id else _A.id > 0)
        gone = tuple(
            one for one in standing
            if fingerprint in {None, one.fingerprint} and (source is None or source in one.sources)
        )  # fmt: skip  # one condition a line
        with self._db.write() as connection:
            for one in gone:
                connection.execute(
                    update(approval)
                    .where(_A.fingerprint == one.fingerprint, _A.by == one.by)
                    .where(_A.voided_at.is_(None))
                    .values(voided_at=now, void_reason=reason)
                )
        return gone

    def _standing(self, which: ColumnElement[bool]) -> tuple[Approval, ...]:
        columns = [_A[name] for name in Approval.__slots__]
        query = select(*columns).where(which, _A.voided_at.is_(None)).order_by(_A.id)
        with self._db.read() as connection:
            return tuple(Approval(**row._mapping) for row in connection.execute(query))
