"""The answers of approvers besides their yes: a change, a refusal, and taking an answer back."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from bot import visible
from bot.authority.approvals import OBJECTING, WITHDRAW, Objection
from bot.canonical import JsonObject
from bot.clock import Clock
from bot.delivery.lifecycle import UNSENT
from bot.delivery.model import Delivery, State
from bot.delivery.moves import OPEN
from bot.delivery.store import DeliveryStore
from bot.errors import DecisionError

#: Characters of a comment.
LONGEST = 1000
ASK, REFUSE = OBJECTING
COMMENT = "comment"
_TAG = re.compile(r"<[A-Za-z/!?]")


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody said of a post."""

    at: datetime
    by: str
    #: The verb of the log.
    answer: str
    comment: str
    #: It holds back what would be sent now.
    stands: bool


def too_late(rows: Iterable[Delivery]) -> tuple[Delivery, ...]:
    """Return what an answer came too late for: on its way already, it may be out, or go out."""
    # Its call may have begun; one that was only claimed is stopped before it.
    return tuple(
        row for row in rows
        if row.state is State.UNKNOWN or (row.state is State.SENDING and row.first_intent_at)
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answers:
    """Each answer and its row in the log are stored together, with the deliveries locked.

    So it comes before a sending, which then sees it, or after it has begun.
    """

    store: DeliveryStore
    clock: Clock

    def object_to(
        self, verb: str, post_id: str, comment: str, *, by: str, seen: frozenset[str] | None = None
    ) -> tuple[Delivery, ...]:
        """Let a post wait until it is edited or they withdraw that, or never let it out as it is.

        Args:
            verb: `ASK` for a change, or `REFUSE`.
            seen: Fingerprints of what they read; DecisionError where there are others now.
        """
        text, now = comment_text(comment), self.clock.now()
        with self.store.transaction():
            rows = self.store.outbox.lock(post_id)
            if not rows:
                raise DecisionError(f"{post_id}: nothing of it is planned that is not out")
            if seen is not None and {row.fingerprint for row in rows} - seen:
                raise DecisionError(f"{post_id} was changed since you read it; read it again")
            prints = sorted({row.fingerprint for row in rows})
            self.store.approvals.take_back(prints, by, now=now)
            if verb == REFUSE:
                self.store.objections.settle(prints, by, why="refused", now=now)
            self.store.objections.add(
                *(Objection(each, post_id, OBJECTING[verb], by, text, now) for each in prints)
            )
            if verb == REFUSE:
                unsent = (row for row in rows if row.state in UNSENT and not row.attempts)
                self.store.outbox.refuse(unsent, by=by, why=text, now=now)
            self._write(by, verb, post_id, text, {"fingerprints": prints}, now)
        return rows

    def withdraw(self, post_id: str, *, by: str, why: str = "") -> tuple[Delivery, ...]:
        """Take back a person's approval and their request for a change; DecisionError for none."""
        why, now = comment_text(why) if why.strip() else "", self.clock.now()
        with self.store.transaction():
            rows = self.store.outbox.lock(post_id)
            prints = {row.fingerprint for row in rows}
            gone = self.store.approvals.take_back(prints, by, now=now)
            gone |= self.store.objections.settle(prints, by, why=why or "withdrawn", now=now)
            if not gone:
                raise DecisionError(f"{post_id}: {by} has no answer there that can be taken back")
            self._write(by, WITHDRAW, post_id, why, {"fingerprints": sorted(gone)}, now)
        return tuple(row for row in rows if row.fingerprint in gone)

    def comment(self, post_id: str, comment: str, *, by: str) -> None:
        """Add to a post's thread; it changes nothing else."""
        text = comment_text(comment)
        if not self.store.outbox.find(post_id=post_id):
            raise DecisionError(f"no post that was planned is called {post_id}")
        self._write(by, COMMENT, post_id, text, {"fingerprints": []}, self.clock.now())

    def thread(self, post_id: str) -> tuple[Answer, ...]:
        """Return what people said of a post, oldest first."""
        rows = self.store.audit.about(post_id, "approve", ASK, REFUSE, WITHDRAW, COMMENT)[::-1]
        standing = {each.key for each in self.store.objections.standing()}
        current = {row.fingerprint for row in self.store.outbox.find(states=OPEN, post_id=post_id)}
        return tuple(
            Answer(
                row.at, row.who, row.verb, row.why,
                any(
                    (each, row.who, OBJECTING.get(row.verb)) in standing
                    and (each in current or row.verb == REFUSE)
                    for each in row.detail.get("fingerprints", ())
                ),
            )
            for row in rows
        )  # fmt: skip

    def _write(
        self, by: str, verb: str, subject: str, why: str, detail: JsonObject, now: datetime
    ) -> None:
        """Write a decision down, with the moment that the tables have of it: they are compared."""
        self.store.audit.write(by, verb, subject, why=why, detail=detail, now=now)


def comment_text(comment: str) -> str:
    """Return a comment on one line; DecisionError where it is empty, too long or no plain text."""
    text = " ".join(comment.split())
    if not text:
        raise DecisionError("the comment is empty: say what should change, or why not")
    if len(text) > LONGEST:
        raise DecisionError(f"the comment has {len(text)} of {LONGEST} characters")
    if found := next(visible.hidden_in(text), None):
        raise DecisionError(f"the comment has {visible.named(found[1])}, which nobody sees")
    if _TAG.search(text):
        raise DecisionError("a comment is plain text: write no tags in < and >")
    return text
