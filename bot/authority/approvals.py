"""Approvals of fingerprints and objections to them: what people decide about sending."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, literal, select, union_all, update

from bot.authority.audit import AuditRow, append
from bot.authority.audit_head import rows_in
from bot.authority.tables import ObjectionKind, approval, objection
from bot.db.database import Repository
from bot.errors import ConflictError, DecisionError

_A = approval.c
_O = objection.c
_STANDS = _O.settled_at.is_(None)
#: Verbs of the log that are an objection.
OBJECTING: Mapping[str, ObjectionKind] = {
    "ask change": ObjectionKind.CHANGE, "refuse": ObjectionKind.REFUSAL
}  # fmt: skip
WITHDRAW = "withdraw"
#: Verbs with which somebody takes back their approval of the fingerprints in the row.
TAKING_BACK = frozenset({*OBJECTING, WITHDRAW})
#: Verbs after which the same person asks for no change any more.
_SETTLING = frozenset({"approve", "refuse", WITHDRAW})


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

    def approve(self, given: Approval) -> None:
        """Store an approval; DecisionError where this person has given just this one already.

        A signed one takes the place of theirs before it.
        """
        try:
            with self._db.together():
                if given.signature is not None:
                    self.take_back([given.fingerprint], given.by, why="signed anew", now=given.at)
                self._change(approval.insert().values(asdict(given)))
        except ConflictError as error:
            why = f"{given.by} has approved {given.post_id} already, as it is now"
            raise DecisionError(why) from error

    def take_back(
        self, fingerprints: Iterable[str], by: str, *, why: str = "taken back", now: datetime
    ) -> set[str]:
        """Let a person's approvals count no more; return of which fingerprints there were any."""
        ended = update(approval).where(_A.fingerprint.in_(list(fingerprints)), _A.by == by)
        ended = ended.where(_A.voided_at.is_(None)).values(voided_at=now, void_reason=why)
        with self._db.write() as connection:
            return set(connection.execute(ended.returning(_A.fingerprint)).scalars())

    def standing(self, **which: str) -> tuple[Approval, ...]:
        """Read the standing approvals, oldest first: all, or of one fingerprint or post."""
        query = select(*(_A[name] for name in Approval.__slots__)).filter_by(**which)
        rows = self._rows(query.where(_A.voided_at.is_(None)).order_by(_A.id))
        return tuple(Approval(**row._mapping) for row in rows)

    def void(self, gone: Iterable[Approval], *, reason: str, now: datetime) -> None:
        """Take approvals back; the audit log has each, so that none can be given anew unseen."""
        with self._db.together(), self._db.write() as connection:
            for given in gone:
                self.take_back([given.fingerprint], given.by, why=reason, now=now)
                detail = {"fingerprints": [given.fingerprint], "by": given.by}
                append(connection, "content", "void", given.post_id, why=reason, detail=detail,
                       now=now)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Objection:
    """One approver's objection to one fingerprint; while it stands, that does not go out."""

    fingerprint: str
    post_id: str
    kind: ObjectionKind
    by: str
    comment: str
    at: datetime

    @property
    def key(self) -> tuple[str, str, ObjectionKind]:
        return self.fingerprint, self.by, self.kind


class Objections(Repository):
    """Objections are never deleted; one that is settled counts no more."""

    def add(self, *new: Objection) -> None:
        """Store objections; one that stands already is left as it is."""
        with self._db.write() as connection:
            for each in new:
                row = self._db.insert(objection).values(asdict(each))
                connection.execute(row.on_conflict_do_nothing())

    def settle(self, fingerprints: Iterable[str], by: str, *, why: str, now: datetime) -> set[str]:
        """Let a person's requests for a change stand no more; return of which fingerprints."""
        ended = (
            update(objection)
            .where(_O.fingerprint.in_(list(fingerprints)), _O.by == by, _STANDS)
            .where(_O.kind == ObjectionKind.CHANGE)
            .values(settled_at=now, settle_reason=why)
        )
        with self._db.write() as connection:
            return set(connection.execute(ended.returning(_O.fingerprint)).scalars())

    def standing(self) -> tuple[Objection, ...]:
        """Read all objections that stand, oldest first; there are few."""
        columns = [_O[name] for name in Objection.__slots__]
        rows = self._rows(select(*columns).where(_STANDS).order_by(_O.id))
        return tuple(Objection(**row._mapping) for row in rows)

    def refused(self) -> frozenset[str]:
        """Return the fingerprints that never go out."""
        refusals = select(_O.fingerprint).where(_STANDS, _O.kind == ObjectionKind.REFUSAL)
        return frozenset(row.fingerprint for row in self._rows(refusals))


def answers_to(connection: Connection, fingerprint: str) -> frozenset[tuple[str, int]]:
    """Return which approvals of a fingerprint, and objections to it, stand in this moment."""
    yes = select(literal("approval"), approval.c.id).where(
        approval.c.fingerprint == fingerprint, approval.c.voided_at.is_(None)
    )
    no = select(literal("objection"), _O.id).where(_O.fingerprint == fingerprint, _STANDS)
    return frozenset((kind, id_) for kind, id_ in connection.execute(union_all(yes, no)))


@dataclass(slots=True)
class LoggedAnswers:
    """What rows of the log leave standing: the last word of each person on each fingerprint."""

    objections: dict[tuple[str, str, ObjectionKind], Objection] = field(default_factory=dict)
    #: By post: how often somebody took an approval back.
    rounds: Counter[str] = field(default_factory=Counter)
    #: By fingerprint and name: the round that began when they last took their approval back.
    #: It only grows: no row that is added brings back what was signed before it.
    taken_back: dict[tuple[str, str], int] = field(default_factory=dict)


def answers_in(rows: Iterable[AuditRow]) -> LoggedAnswers:
    """Return what the rows of the log, oldest first, leave standing."""
    found = LoggedAnswers()
    for row in rows:
        is_taken_back = row.verb in TAKING_BACK
        found.rounds[row.subject] += is_taken_back
        for fingerprint in row.detail.get("fingerprints", ()):
            if is_taken_back:
                found.taken_back[fingerprint, row.who] = found.rounds[row.subject]
            if row.verb in _SETTLING:
                found.objections.pop((fingerprint, row.who, ObjectionKind.CHANGE), None)
            if kind := OBJECTING.get(row.verb):
                made = Objection(fingerprint, row.subject, kind, row.who, row.why, row.at)
                found.objections[made.key] = made
    return found


def answers_in_file(file: Path, _size: int) -> LoggedAnswers:
    """Return the same out of the log's copy beside the database, where no database reaches.

    Who can write the database could bring back a signed approval that was taken back, or remove
    an objection.
    """
    verbs = TAKING_BACK | _SETTLING
    known = (row for row in rows_in(file) if row.get("verb") in verbs)
    return answers_in(AuditRow(**{**row, "detail": json.loads(row["detail"])}) for row in known)
