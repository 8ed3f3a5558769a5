"""Sending: a worker claims a delivery, says what it is about to do, and stores what came of it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    Connection,
    Select,
    Text,
    Update,
    and_,
    bindparam,
    insert,
    or_,
    select,
    update,
)

from bot.authority import audit
from bot.authority.accounts import write_stop
from bot.authority.approvals import answers_to
from bot.authority.pauses import covering
from bot.authority.tables import StopReason, account_stop
from bot.db.columns import Instant
from bot.delivery import lifecycle
from bot.delivery.decide import Outcome
from bot.delivery.lifecycle import IN_DOUBT, Event
from bot.delivery.model import Delivery, State
from bot.delivery.reads import parent_in
from bot.delivery.rows import (
    Note,
    as_delivery,
    change,
    deliveries,
    end_attempt,
    locked,
    note_of,
    ref_columns,
    shift,
    write_move,
)
from bot.delivery.sent_log import OutboxRepository
from bot.delivery.tables import attempt, delivery, instance, publication
from bot.errors import ConflictError, LeaseLostError, PausedError, StoreError
from bot.platforms.status import Draft, PostRef

_D, _P = delivery.c, publication.c
#: A call ends within half a lease (reliability.md 2.4, rule 5); this is half of the usual one.
LONGEST_CALL = timedelta(seconds=60)
#: While this finds a row, nothing is sent anywhere.
_SETTLING = select(instance.c.id).where(instance.c.settle_reason.is_not(None))


class Leases(OutboxRepository):
    """The way from READY through SENDING to what came of it; all of it fenced.

    A claimed delivery is a worker's right to send it, until its lease ends or somebody takes it
    over: its owner and its fence are the claim's, and every later claim has a higher fence.
    """

    def claim(
        self, account: str, *, now: datetime, owner: str, lease: timedelta
    ) -> Delivery | None:
        """Take the account's oldest delivery that may go out now; None where there is none.

        Nothing is given out while the account has another one in the air or in doubt, while
        it is stopped, while it is paused or sending settles first, later than ``not_after``
        (unless a person released it), or with the disk nearly full.
        """
        if not self._context.room.is_left(self._context.directory):
            return None
        try:
            with self._db.write() as connection:
                asked = {"at": account, "now": now, "worker": owner, "until": now + lease}
                taken = connection.execute(_take(), asked).scalar_one_or_none()
                if taken is None:
                    return None
                row = locked(connection, taken)
                before = replace(row, state=State.READY)
                write_move(connection, before, Event.CLAIM, row.state, Note(now, owner))
                opened = {"delivery_id": row.id, "fence": row.fence, "owner": owner}
                opened |= {"phase": "preparing", "started_at": now}
                connection.execute(insert(attempt).values(opened))
                return row
        except ConflictError:
            return None  # another worker was faster on this account

    def is_announced(self, delivery: Delivery) -> bool:
        """Whether the sent log, which no database holds, knows the draft that a delivery has."""
        known = self._log.known(frozenset({delivery.id})).get(delivery.id)
        return known is not None and known.draft == delivery.draft

    def begin(
        self,
        claimed: Delivery,
        draft: Draft,
        *,
        now: datetime,
        is_remade: bool = False,
        answers: frozenset[tuple[str, int]] | None = None,
    ) -> Delivery:
        """Store what is about to be sent, before its first byte; only then make the call.

        Args:
            is_remade: It takes the place of the first one; see `Draft.again`.
            answers: What `answers_to` said when the gate looked; another answer needs another look.

        Raises:
            LeaseLostError: somebody else has it, or the lease is over; do not call.
            PausedError: sending was paused, the account stopped, or an approval taken back,
                meanwhile; do not call.
            StoreError: the intent could not be stored, or is not the first one; do not call.
        """
        with self._db.write() as connection:
            row = _held(connection, claimed)
            if row.lease_until is None or row.lease_until <= now:
                raise LeaseLostError(f"{row.id}: the lease ended at {row.lease_until}")
            pauses = covering(*row.publication.pausable)
            stopped = _stops_of(row.account), "stopped there"
            for query, what in ((pauses, "paused"), (_SETTLING, "settling first"), stopped):
                if connection.execute(query.limit(1)).one_or_none() is not None:
                    raise PausedError(f"sending is {what}; nothing was begun")
            if answers is not None and answers_to(connection, row.fingerprint) != answers:
                raise PausedError("an approver answered just now; nothing was begun")
            first = None if is_remade else row.draft_json
            begun = _intend(connection, replace(row, draft_json=first), draft, now)
            seq = self._next_seq(connection)
        try:
            self._log.announce(begun, seq, now=now)
        except StoreError:
            # Nothing was sent; without this it would have to be read back.
            off = Outcome(Event.DEFER, "the sent log cannot be written", now)
            self.commit(claimed, off, now=now)
            raise
        return begun

    def commit(self, claimed: Delivery, outcome: Outcome, *, now: datetime) -> Delivery:
        """Store all that came of a claim at once; LeaseLostError where it was taken over."""
        ref = outcome.ref
        if ref is None:
            return self._db.must_write(lambda connection: _end(connection, claimed, outcome, now))

        def confirm(connection: Connection) -> tuple[Delivery, int]:
            row, note = _held(connection, claimed), Note(now, claimed.owner)
            end_attempt(connection, row, Event.ACCEPT, note, remote_id=ref.id)
            values = {**ref_columns(ref), "sent_at": now}
            sent = shift(connection, row, Event.ACCEPT, note, values)
            return sent, self._next_seq(connection)

        try:
            sent, seq = self._db.must_write(confirm)
        except LeaseLostError:
            self._report_lost(claimed, ref, now)
            raise
        except StoreError:
            self._log.confirm(claimed.id, ref, self._log.seq + 1, now=now)
            raise
        self._note_sent(sent, seq, now)
        return sent

    def expire(
        self, now: datetime, *, dead_owner_before: bool = False, owner: str = ""
    ) -> tuple[Delivery, ...]:
        """Take over what workers left: back to READY before a call, UNKNOWN once one began.

        With ``dead_owner_before`` (only while holding the process lock) a lease that still
        runs counts as left too, unless it is ``owner``'s.
        """
        left = _D.lease_until <= now
        if dead_owner_before:
            left = or_(left, _D.owner != owner)
        query = deliveries().where(_D.state == State.SENDING, left).order_by(_P.due_at)
        free = query.with_for_update(skip_locked=True, of=delivery)
        return self._take_all(free, now, are_dead=True)

    def take_over(self, account: str, *, now: datetime) -> tuple[Delivery, ...]:
        """Take over what is SENDING on an account though nobody sends there.

        Only while holding its `sending` lock, which dies with its holder: this is how a replica
        that died is noticed at once and not after its lease. A call of one that merely lost its
        connection to the database may go on, so none is read back before it must have ended.
        """
        query = deliveries().where(_D.account == account, _D.state == State.SENDING)
        if self._row(query.limit(1)) is None:
            return ()
        return self._take_all(query.with_for_update(of=delivery), now, are_dead=False)

    def _take_all(
        self, query: Select[Any], now: datetime, *, are_dead: bool
    ) -> tuple[Delivery, ...]:
        def take(connection: Connection) -> tuple[Delivery, ...]:
            rows = [as_delivery(row) for row in connection.execute(query)]
            return tuple(_left(connection, row, now, is_dead=are_dead) for row in rows)

        return self._db.must_write(take)

    def _report_lost(self, claimed: Delivery, ref: PostRef, now: datetime) -> None:
        key, who = claimed.id, claimed.owner
        detail = {"remote_id": ref.id, "url": ref.url, "account": claimed.account}
        why = "a status went out, but its lease had been taken over"

        def report(connection: Connection) -> None:
            audit.append(connection, who, "incident", key, why=why, detail=detail, now=now)

        self._db.must_write(report)
        self._log.confirm(key, ref, self._log.seq, now=now)


def _stops_of(account: str | BindParameter[str]) -> Select[Any]:
    return select(account_stop.c.account).where(account_stop.c.account == account)


@cache
def _take() -> Update:
    """Return the statement of `claim`, with the account ``at``, ``now``, ``worker``, ``until``.

    Made once: putting it together takes longer than the database needs for it.
    """
    account, now = bindparam("at", type_=Text), bindparam("now", type_=Instant)
    other = delivery.alias("other")
    in_doubt = select(other.c.id).where(other.c.account == account, other.c.state.in_(IN_DOUBT))
    may_go = and_(
        _D.account == account,
        _D.state == State.READY,
        or_(_D.retry_at.is_(None), _D.retry_at <= now),
        # It was due when it was released; by a clock that has been set back it may not be.
        or_(_P.due_at <= now, _D.released_by != ""),
        or_(_P.not_after >= now, _D.released_by != ""),
        parent_in(State.SENT),
        ~in_doubt.exists(),
        ~_earlier_waits(now).exists(),
        ~_stops_of(account).exists(),
        ~covering(_D.account, _P.theme, _P.lang).correlate(delivery, publication).exists(),
        ~_SETTLING.exists(),
    )
    # A CTE, not IN (SELECT … LIMIT 1 FOR UPDATE), which can lock and take more than one row.
    # SQLite has no FOR UPDATE; BEGIN IMMEDIATE takes its place.
    pick = (
        select(_D.id)
        .join_from(delivery, publication)
        .where(may_go)
        .order_by(_P.due_at, _D.part, _D.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=delivery)
        .cte("pick")
    )
    values = {
        "state": lifecycle.after(State.READY, Event.CLAIM),
        "owner": bindparam("worker"),
        "fence": _D.fence + 1,
        "lease_until": bindparam("until", type_=Instant),
        "retry_at": None,
        "reason": None,
        "detail": "",
        "updated_at": now,
    }
    taken = update(delivery).where(_D.id.in_(select(pick.c.id))).values(values)
    return taken.returning(_D.id)


def _earlier_waits(now: BindParameter[datetime]) -> Select[Any]:
    """Find what was due before and is put off: an outage ends in order of due time.

    What a person released is no longer held as late, and must not keep others back for ever.
    """
    earlier, its = delivery.alias("earlier"), publication.alias("its")
    return (
        select(earlier.c.id)
        .join_from(earlier, its, its.c.id == earlier.c.publication_id)
        .where(
            earlier.c.account == _D.account,
            earlier.c.state == State.READY,
            earlier.c.retry_at > now,
            earlier.c.released_by == "",
            its.c.due_at < _P.due_at,
            its.c.not_after >= now,
        )
        .correlate(delivery, publication)
    )


def _held(connection: Connection, claimed: Delivery) -> Delivery:
    row = locked(connection, claimed.id)
    if (row.state, row.fence, row.owner) != (State.SENDING, claimed.fence, claimed.owner):
        raise LeaseLostError(
            f"{row.id}: it is {row.state}, claim {row.fence} of {row.owner or 'nobody'};"
            f" not claim {claimed.fence} of {claimed.owner}"
        )
    return row


def _intend(connection: Connection, row: Delivery, draft: Draft, now: datetime) -> Delivery:
    frozen = draft.to_json()
    if row.draft_json is not None and row.draft_json != frozen:
        raise StoreError(f"{row.id}: another draft was begun with; send that one again")
    values: Mapping[str, Any] = {
        "draft_json": frozen,
        "first_intent_at": row.first_intent_at or now,
        "attempts": row.attempts + 1,
        "absent_reads": 0,
        "updated_at": now,
    }
    this = and_(attempt.c.delivery_id == row.id, attempt.c.fence == row.fence)
    opened = and_(this, attempt.c.phase == "preparing")
    called = update(attempt).where(opened).values(phase="calling", called_at=now)
    if connection.execute(called).rowcount != 1:
        raise StoreError(f"{row.id}: this claim has begun its call already")
    return change(connection, row.id, values)


def _end(connection: Connection, claimed: Delivery, outcome: Outcome, now: datetime) -> Delivery:
    """Write down a call that did not end in a status: put off, refused, held, or in doubt."""
    row, event = _held(connection, claimed), outcome.event
    if event is None:
        raise AssertionError(f"{row.id}: a claim ends in a move")
    if outcome.stops_account:
        write_stop(connection, row.account, StopReason.UNAUTHORIZED, outcome.detail, now)
    note = note_of(outcome, now, claimed.owner)
    values: dict[str, Any]
    if event is Event.OUTCOME_UNKNOWN:
        values = {"next_read_at": outcome.at, "absent_reads": 0}
    else:
        # Take back the attempt that `begin` counted: it surely had no side effect.
        has_begun = _called_at(connection, row) is not None
        values = {"retry_at": outcome.at, "attempts": row.attempts - has_begun}
    end_attempt(connection, row, event, note)
    row = shift(connection, row, event, note, values)
    if event is Event.DEFER and outcome.hold is not None:
        held = Note(now, claimed.owner, outcome.hold.reason, outcome.hold.detail)
        row = shift(connection, row, Event.HOLD, held)
    return row


def _called_at(connection: Connection, row: Delivery) -> datetime | None:
    """Return when the call of a claim began; None where it has not, or is over."""
    this = attempt.c.delivery_id == row.id, attempt.c.fence == row.fence
    query = select(attempt.c.called_at).where(*this, attempt.c.phase == "calling")
    called: datetime | None = connection.execute(query).scalar_one_or_none()
    return called


def _left(connection: Connection, row: Delivery, now: datetime, *, is_dead: bool) -> Delivery:
    note = Note(now, row.owner, detail="its worker died, or took longer than its lease")
    called = _called_at(connection, row)
    if called is not None:
        end_attempt(connection, row, Event.OUTCOME_UNKNOWN, note)
        over = now if is_dead else max(now, min(row.lease_until or now, called + LONGEST_CALL))
        values = {"next_read_at": over, "absent_reads": 0}
        return shift(connection, row, Event.OUTCOME_UNKNOWN, note, values)
    end_attempt(connection, row, Event.DEFER, note)
    return shift(connection, row, Event.DEFER, note, {"retry_at": now})
