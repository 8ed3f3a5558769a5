"""Approvals of fingerprints: what people decide about sending."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select, true, update

from bot.authority.audit import append
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
    #: Canonical JSON of what was signed, and the passkey's answer; None where nothing was.
    statement: str | None = None
    signature: str | None = None


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
        statement: str | None = None,
        signature: str | None = None,
    ) -> None:
        """Store an approval; DecisionError where this person has given just this one already.

        A signed one takes the place of theirs before it.
        """
        known = dict(sources or {})
        given = Approval(fingerprint, post_id, by, note, known, now, statement, signature)
        same = update(approval).where(_A.fingerprint == fingerprint, _A.by == by)
        before = same.where(_A.voided_at.is_(None))
        try:
            with self._db.write() as connection:
                if signature is not None:
                    connection.execute(before.values(voided_at=now, void_reason="signed anew"))
                connection.execute(approval.insert().values(asdict(given)))
        except ConflictError as error:
            raise DecisionError(f"{by} has approved {post_id} already, as it is now") from error

    def take_back(self, fingerprints: Iterable[str], by: str, *, now: datetime) -> set[str]:
        """Let a person's approvals count no more; return of which fingerprints there were any."""
        ended = update(approval).where(_A.fingerprint.in_(list(fingerprints)), _A.by == by)
        ended = ended.where(_A.voided_at.is_(None)).values(voided_at=now, void_reason="taken back")
        with self._db.write() as connection:
            return set(connection.execute(ended.returning(_A.fingerprint)).scalars())

    def of(self, fingerprint: str) -> tuple[Approval, ...]:
        """Read the standing approvals of a fingerprint, oldest first."""
        return self._standing(_A.fingerprint == fingerprint)

    def of_post(self, post_id: str) -> tuple[Approval, ...]:
        """Read the standing approvals of all fingerprints of a post, oldest first."""
        return self._standing(_A.post_id == post_id)

    def all(self) -> tuple[Approval, ...]:
        """Read all standing approvals, oldest first."""
        return self._standing(true())

    def void(self, gone: Iterable[Approval], *, reason: str, now: datetime) -> None:
        """Take approvals back; the audit log has each, so that none can be given anew unseen."""
        with self._db.write() as connection:
            for given in gone:
                connection.execute(
                    update(approval)
                    .where(_A.fingerprint == given.fingerprint, _A.by == given.by)
                    .where(_A.voided_at.is_(None))
                    .values(voided_at=now, void_reason=reason)
                )
                detail = {"fingerprints": [given.fingerprint], "by": given.by}
                append(connection, "content", "void", given.post_id, why=reason, detail=detail,
                       now=now)  # fmt: skip

    def _standing(self, which: ColumnElement[bool]) -> tuple[Approval, ...]:
        columns = [_A[name] for name in Approval.__slots__]
        query = select(*columns).where(which, _A.voided_at.is_(None)).order_by(_A.id)
        return tuple(Approval(**row._mapping) for row in self._rows(query))
