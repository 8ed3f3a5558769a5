"""What approvers object to: a change that one of them asks for, and what is refused as it is."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, literal, select, union_all, update

from bot.authority.audit import AuditRow
from bot.authority.audit_head import rows_in
from bot.authority.tables import ObjectionKind, approval, objection
from bot.db.database import Repository

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

    def take(self, row: AuditRow) -> None:
        """Take up the next row."""
        is_taken_back = row.verb in TAKING_BACK
        self.rounds[row.subject] += is_taken_back
        for fingerprint in row.detail.get("fingerprints", ()):
            if is_taken_back:
                self.taken_back[fingerprint, row.who] = self.rounds[row.subject]
            if row.verb in _SETTLING:
                self.objections.pop((fingerprint, row.who, ObjectionKind.CHANGE), None)
            if kind := OBJECTING.get(row.verb):
                made = Objection(fingerprint, row.subject, kind, row.who, row.why, row.at)
                self.objections[made.key] = made


def answers_in(rows: Iterable[AuditRow]) -> LoggedAnswers:
    """Return what the rows of the log, oldest first, leave standing."""
    found = LoggedAnswers()
    for row in rows:
        found.take(row)
    return found


@dataclass(slots=True)
class AnswersOnDisk:
    """The same out of the log's copy beside the database, where no database reaches.

    Who can write the database could bring back a signed approval that was taken back, or remove
    an objection.
    """

    file: Path
    _size: int = -1
    _answers: LoggedAnswers = field(default_factory=LoggedAnswers)

    def read(self) -> LoggedAnswers:
        """Return what stands by the file; it is read anew where it has grown."""
        size = self.file.stat().st_size if self.file.exists() else 0
        if size != self._size:
            self._size, self._answers = size, answers_in(self._rows())
        return self._answers

    def _rows(self) -> Iterator[AuditRow]:
        for row in rows_in(self.file):
            if row.get("verb") in TAKING_BACK | _SETTLING:
                yield AuditRow(**{**row, "detail": json.loads(row["detail"])})
