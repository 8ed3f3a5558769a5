"""Brings due deliveries out: gate, release or hold, claim, prepare, intent, one call, outcome."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache, partial

from bot.authority.audit import RowsOnce
from bot.authority.pauses import first_covering
from bot.clock import Clock
from bot.content.model import Campaign
from bot.content.slots import DAY, caps_of, free_at
from bot.delivery.consent import Consents
from bot.delivery.decide import (
    Facts,
    Outcome,
    Policy,
    decide,
    put_off,
    put_off_and_hold,
    why_hold,
    why_truncate,
)
from bot.delivery.ledger import budget_left
from bot.delivery.lifecycle import Event
from bot.delivery.links import LOOKED, looks_in
from bot.delivery.model import Correction, Delivery, Hold, HoldReason, State
from bot.delivery.reads import AHEAD
from bot.delivery.store import DeliveryStore, log_differences
from bot.errors import BotError, DecisionError, LeaseLostError
from bot.log import get_logger
from bot.platforms.base import Platform
from bot.platforms.status import Draft, PostRef, ReplyTo

log = get_logger(__name__)

#: The least that puts a moment after another one.
SOON = timedelta(seconds=1)
_PUBLISHER = "publisher"
#: Returns why a delivery, behind the part before it, may not go out; None where it may.
Gate = Callable[[Delivery, Delivery | None], Hold | None]


@dataclass(frozen=True, slots=True)
class Releaser:
    """Moves what is due to READY or to HELD; it calls no platform."""

    store: DeliveryStore
    clock: Clock
    campaign: Callable[[], Campaign]
    #: Why this machine sends nothing at all; empty where it may.
    obstacle: Callable[[], str] = lambda: ""
    #: Looks at links, as far as they were read.
    looked: RowsOnce = field(default_factory=lambda: RowsOnce(LOOKED))

    def run(self, account: str) -> None:
        """Look at all that is due on an account, and again at what was let through."""
        now, gate = self.clock.now(), self._gate(account)
        self.release(account, gate)
        outbox = self.store.outbox
        with self.store.looking():
            planned = outbox.find(states={State.PLANNED}, account=account, until=now)
            ready = outbox.find(states={State.READY}, account=account)
        for delivery in planned:
            parent = self._parent(delivery)
            if parent and (hold := why_truncate(delivery, parent.state, now)):
                self._hold(delivery, hold, now)
        for delivery in ready:
            is_put_off = delivery.retry_at is not None and delivery.retry_at > now
            may_go = _is_due(delivery, now) and not is_put_off
            if may_go and (hold := gate(delivery, self._parent(delivery))):
                self._hold(delivery, hold, now)

    def release(self, account: str, gate: Gate | None = None) -> None:
        """Look only at what has become due, such as the next part of a thread, or will at once."""
        now = self.clock.now()
        with self.store.looking():
            gate, due = gate or self._gate(account), self.store.outbox.due(account, now + AHEAD)
        for delivery in due:
            self._release(delivery, gate, now)

    def why_hold(self, delivery: Delivery) -> Hold | None:
        """Return why a delivery that was let through must not go out any more."""
        with self.store.looking():
            hold = self._gate(delivery.account)(delivery, self._parent(delivery))
            # A replica's own log does not have what another one began: it makes its own draft.
            if hold is not None or not self.store.is_sqlite or self.is_known(delivery):
                return hold
        return Hold(HoldReason.UNSETTLED, "the sent log does not know its draft")

    def is_known(self, delivery: Delivery) -> bool:
        """Whether its draft, if it has one, is ours; signed are only the words that it came from.

        Who can write the database could add another.
        """
        has_draft = delivery.draft_json is not None
        return not (self._is_signed and has_draft) or self.store.outbox.is_announced(delivery)

    @property
    def _is_signed(self) -> bool:
        return Consents(self.store, self.campaign().schedule).are_signed

    def before(self, delivery: Delivery) -> tuple[Delivery, ...] | None:
        """Return what is before it in its conversation, the nearest first; None for a strange one.

        What it answers is not signed: who can write the database could name any status.
        """
        found, each, is_signed = list[Delivery](), delivery, self._is_signed
        while each.parent_id is not None and (parent := self.store.outbox.get(each.parent_id)):
            if is_signed and not (_is_next(each, parent) and self._is_ours(parent)):
                return None
            found.append(parent)
            each = parent
        return None if is_signed and each.part else tuple(found)

    def _is_ours(self, parent: Delivery) -> bool:
        """Whether the sent log has that it is there; another replica's log may have it."""
        logged = self.store.outbox.logged(parent.id)
        if logged is None and not self.store.is_sqlite:
            return True
        return bool(logged and logged.ref and logged.ref.id == parent.remote_id)

    def _release(self, delivery: Delivery, gate: Gate, now: datetime) -> None:
        parent = self._parent(delivery)
        # Who sends the beginning of a thread late sends all of it.
        released_by = delivery.released_by or (parent.released_by if parent else "")
        hold = gate(replace(delivery, released_by=released_by), parent)
        if hold is not None:
            if _is_due(delivery, now):  # before its time, what is missing may yet come
                self._hold(delivery, hold, now)
            return
        with suppress(DecisionError):  # another replica, or a person, was faster
            self.store.outbox.move(
                delivery.id, Event.RELEASE, now=now, actor=_PUBLISHER, released_by=released_by
            )

    def _hold(self, delivery: Delivery, hold: Hold, now: datetime) -> None:
        with suppress(DecisionError):  # another replica, or a person, was faster
            self.store.outbox.move(
                delivery.id, Event.HOLD, now=now, actor=_PUBLISHER, reason=hold.reason,
                detail=hold.detail,
            )  # fmt: skip
            log.warning("held", delivery=delivery.id, post=delivery.post_id, reason=str(hold))

    def _parent(self, delivery: Delivery) -> Delivery | None:
        return self.store.outbox.get(delivery.parent_id) if delivery.parent_id else None

    def _gate(self, account: str) -> Gate:
        """Look once at what holds for all deliveries of an account; hundreds may be waiting."""
        schedule, obstacle = self.campaign().schedule, self.obstacle()
        with self.store.looking():
            state, pauses = self.store.accounts.get(account), self.store.pauses.lasting()
            left = budget_left(self.store.ledger, schedule.accounts[account], self.clock)
        stopped = state.stopped_detail if state else ""
        shared = partial(
            Facts, self.clock.now(), obstacle=obstacle, stopped=stopped, budget_left=left
        )
        consents = Consents(self.store, schedule)
        seen = cache(lambda: looks_in(self.looked.read(self.store.audit)))

        def known(link: str) -> str:
            look = seen().get(link)
            return f"{link}: {look.told}, {look.at:%Y-%m-%d}" if look and look.is_gone else ""

        def why(delivery: Delivery, parent: Delivery | None) -> Hold | None:
            approvals, before = consents.of_delivery(delivery), parent.state if parent else None
            pause = first_covering(pauses, *delivery.publication.pausable)
            gone = "; ".join(filter(None, map(known, delivery.status.links)))
            paused = pause.detail if pause else None
            return why_hold(delivery, shared(approvals, parent=before, gone=gone, paused=paused))

        return why


_STRANGE = Hold(HoldReason.UNAPPROVED, "what it would answer is not of its conversation")


def _is_due(delivery: Delivery, now: datetime) -> bool:
    return bool(delivery.released_by) or delivery.due_at is None or delivery.due_at <= now


def _is_next(delivery: Delivery, parent: Delivery) -> bool:
    """Whether a part follows another one of its thread, or is a correction of it."""
    its, of = delivery.publication, parent.publication
    if delivery.part:
        return its.id == of.id and delivery.part == parent.part + 1
    is_correction = isinstance(its.occurrence, Correction) and its.account == of.account
    return is_correction and its.post_id.partition("-of-")[2] == of.post_id


@dataclass(frozen=True, slots=True)
class Publisher:
    """Takes one account's due deliveries as far as they go now.

    What an answer means is `bot.delivery.decide`'s; here it is only asked for and written down.
    """

    store: DeliveryStore
    clock: Clock
    campaign: Callable[[], Campaign]
    platform: Callable[[str], Platform]
    releaser: Releaser
    policy: Callable[[Delivery], Policy]
    #: Name of this worker, in leases and logs.
    owner: str
    #: More than twice the longest call (reliability.md 2.4, rule 5).
    lease: timedelta = timedelta(seconds=120)
    #: Nothing speaks against the clock by which a delivery is due.
    trusts_clock: Callable[[], bool] = lambda: True
    #: Told that an account's worker begins its next step.
    on_step: Callable[[str], None] = lambda _account: None
    #: The process is to end: what is in the air ends, nothing else begins.
    is_stopping: Callable[[], bool] = lambda: False

    def run(self, account: str) -> None:
        """Publish what is due on one account, in order, until nothing more is."""
        self._send_all(account)  # what was let through ahead of its moment waits for no look
        self.releaser.run(account)
        if self._send_all(account):
            self.releaser.run(account)  # that took time, in which others may have become late

    def _send_all(self, account: str) -> bool:
        """Send what may go now, and what may go after it; return whether anything was tried."""
        has_sent = False
        while not self.is_stopping() and self._send_next(account):
            has_sent = True
            self.on_step(account)
            self.releaser.release(account)
        return has_sent

    def _send_next(self, account: str) -> bool:
        with self.store.sending(account) as is_mine:
            if not is_mine:
                return False
            self.store.outbox.take_over(account, now=self.clock.now())
            claimed = self.store.outbox.claim(
                account, now=self.clock.now(), owner=self.owner, lease=self.lease
            )
            if claimed is None:
                return False
            try:
                self._commit(claimed, self._send(claimed))
            except (LeaseLostError, DecisionError) as error:
                log.warning("lease lost", delivery=claimed.id, reason=str(error))
            return True

    def _send(self, row: Delivery) -> Outcome:
        policy = self.policy(row)
        deadline = self.clock.monotonic() + self.lease.total_seconds() / 2
        # Read before the gate looks: `begin` refuses where they are others by then.
        answers = self.store.answers_to(row.fingerprint)
        hold, before = self.releaser.why_hold(row), self.releaser.before(row)
        if hold is not None or before is None:
            # It was let through long ago, behind others.
            return put_off_and_hold(hold or _STRANGE, self.clock.now())
        if waits := self._wait_for_room(row):
            return waits
        try:
            platform = self.platform(row.account)
            is_remade = not self.releaser.is_known(row)
            draft = row.draft
            if draft is None or is_remade:
                made = self._prepare(row, platform, before)
                draft = made.again(draft) if draft else made
            if not self.trusts_clock():
                return put_off(row, self.clock.now(), "the clock was set just now")
            self.store.outbox.begin(
                row, draft, now=self.clock.now(), is_remade=is_remade, answers=answers
            )
        except Exception as error:  # no call has begun, so any failure is safe
            if not isinstance(error, BotError):
                log.exception("failed before the call", delivery=row.id)
            return decide(error, row, policy, self.clock.now(), has_begun=False)
        if self.clock.monotonic() > deadline:
            # This process stood still (suspended, paused): the lease may be another's by now.
            late = "too slow before the call"
            return put_off(row, self.clock.now(), late, retry_after=timedelta(0))
        return self._call(row, policy, platform, draft)

    def _wait_for_room(self, row: Delivery) -> Outcome | None:
        """Put off what would break the account's caps: lateness or a person's word may crowd it."""
        now, account = self.clock.now(), self.campaign().schedule.accounts[row.account]
        if row.part or row.attempts or not caps_of(account):
            return None  # the rest of what has begun comes when it comes
        free = free_at(account, self.store.outbox.begun_since(row.account, now - DAY), now)
        if free <= now:
            return None
        # At its last moment it is looked at too, so that people hear in time that it is late.
        again = min(free, row.not_after + SOON) if row.not_after and not row.released_by else free
        return Outcome(Event.DEFER, "the account has had as many posts as it may", again)

    def _prepare(self, row: Delivery, platform: Platform, before: Sequence[Delivery]) -> Draft:
        reply_to = ReplyTo(root=before[-1].ref, parent=before[0].ref) if before else None
        return platform.prepare(
            row.status, key=row.id, at=self.clock.now(), reply_to=reply_to,
            pictures=lambda picture: self.store.media.get(picture.sha256),
        )  # fmt: skip

    def _call(self, row: Delivery, policy: Policy, platform: Platform, draft: Draft) -> Outcome:
        answer: PostRef | Exception
        try:
            answer = platform.publish(draft)
        except Exception as error:
            if not isinstance(error, BotError):
                log.exception("bug while publishing", delivery=row.id)
            answer = error
        return decide(answer, row, policy, self.clock.now(), has_begun=True)

    def _commit(self, row: Delivery, outcome: Outcome) -> None:
        now = self.clock.now()
        try:
            self.store.outbox.commit(row, outcome, now=now)
        except LeaseLostError:
            if outcome.ref is not None:
                # Where it is, is known all the same; whoever took it over must not send it again.
                self.store.outbox.recognise(row.id, outcome.ref, now=now)
            raise
        if outcome.ref is not None:
            log_differences(self.store, row, outcome.ref, now)
        is_usual = outcome.event in {Event.ACCEPT, Event.DEFER}
        write = log.error if outcome.stops_account else log.info if is_usual else log.warning
        reason, url = str(outcome.hold or outcome.detail), outcome.ref.url if outcome.ref else ""
        write(str(outcome.event), delivery=row.id, post=row.post_id, reason=reason, url=url)
