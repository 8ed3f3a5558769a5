"""Brings due deliveries out: gate, claim, prepare, intent, one call, outcome."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache

from bot.clock import Clock
from bot.core.campaign import Campaign
from bot.core.caps import DAY, caps_of, free_at
from bot.core.gate import Facts, Hold, why_hold
from bot.core.lifecycle import Event
from bot.core.model import (
    SAID_BEFORE,
    Delivery,
    Draft,
    HoldReason,
    PostRef,
    ReplyTo,
    Settling,
    State,
)
from bot.core.retry import RetryPolicy, wait_before
from bot.errors import (
    DecisionError,
    LeaseLostError,
    OverBudgetError,
    PlatformError,
    RejectedError,
    RepeatedError,
    UnauthorizedError,
    UnavailableError,
)
from bot.log import get_logger
from bot.platforms.base import Platform
from bot.services.metering import budget_left
from bot.store import Claim, PausedError, Store

log = get_logger(__name__)

ME = "publisher"
#: The least that puts a moment after another one.
SOON = timedelta(seconds=1)

#: Says why a delivery, behind the part before it, may not go out; None where it may.
Gate = Callable[[Delivery, Delivery | None], Hold | None]

#: All that surely means "not accepted"; whatever else a call ends in is in doubt.
_SURELY_NOT = (UnavailableError, RejectedError, UnauthorizedError, OverBudgetError)


@dataclass(frozen=True, slots=True)
class Publisher:
    """Takes one account's due deliveries as far as they go now.

    It never decides that something was published or was not: the adapter's error class does,
    and its default is "cannot tell".
    """

    store: Store
    clock: Clock
    campaign: Callable[[], Campaign]
    platform: Callable[[str], Platform]
    #: Waits of each platform before an absent status counts as absent.
    settling: Callable[[str], Settling]
    #: Name of this worker, in leases and logs.
    owner: str
    policy: RetryPolicy
    #: More than twice the longest call (reliability.md 2.4, rule 5).
    lease: timedelta = timedelta(seconds=120)
    #: Nothing speaks against the clock by which a delivery is due.
    trusts_clock: Callable[[], bool] = lambda: True
    #: The process is to end: what is in the air ends, nothing else begins.
    is_stopping: Callable[[], bool] = lambda: False

    def run(self, account: str) -> None:
        """Publish what is due on one account, in order, until nothing more is."""
        self.release(account)
        has_sent = False
        while not self.is_stopping() and self._send_next(account):
            has_sent = True
            # The next part of a thread may be due now.
            self._let_all_through(account, self._gate(account))
        if has_sent:
            self.release(account)  # that took time, in which others may have become late

    def release(self, account: str) -> None:
        """Let due deliveries through the gate, or hold them with the reason."""
        now, gate = self.clock.now(), self._gate(account)
        self._let_all_through(account, gate)
        for delivery in self.store.outbox.find(states={State.PLANNED}, account=account, until=now):
            self._hold_orphan(delivery, now)
        for delivery in self.store.outbox.find(states={State.READY}, account=account):
            if delivery.retry_at is None or delivery.retry_at <= now:
                self._look_again(delivery, gate, now)

    def _let_all_through(self, account: str, gate: Gate) -> None:
        now = self.clock.now()
        for delivery in self.store.outbox.due(account, now):
            self._let_through(delivery, gate, now)

    def _let_through(self, delivery: Delivery, gate: Gate, now: datetime) -> None:
        parent = self._parent(delivery)
        # Who sends the beginning of a thread late sends all of it.
        released_by = delivery.released_by or (parent.released_by if parent else "")
        hold = gate(replace(delivery, released_by=released_by), parent)
        if hold is not None:
            self._hold(delivery, str(hold), now)
            return
        with suppress(DecisionError):  # another replica, or a person, was faster
            self.store.outbox.move(
                delivery.id, Event.RELEASE, now=now, actor=ME, released_by=released_by
            )

    def _hold_orphan(self, delivery: Delivery, now: datetime) -> None:
        """Hold a part of a thread whose forerunner was refused, or waits for too long."""
        parent = self._parent(delivery)
        if parent is None or parent.state is State.SENT:
            return
        if parent.state is State.FAILED or (delivery.not_after and now > delivery.not_after):
            reason = f"{HoldReason.PARENT}: it is {parent.state}; the thread is truncated"
            self._hold(delivery, reason, now)

    def _look_again(self, delivery: Delivery, gate: Gate, now: datetime) -> None:
        """Hold what was let through, but may not go out any more."""
        if why := self._why_not(delivery, gate):
            self._hold(delivery, why, now)

    def _why_not(self, delivery: Delivery, gate: Gate) -> str:
        hold = gate(delivery, self._parent(delivery))
        used_up = delivery.attempts >= self.policy.side_effects and not delivery.released_by
        return str(hold or (HoldReason.ATTEMPTS if used_up else ""))

    def _hold(self, delivery: Delivery, reason: str, now: datetime) -> None:
        with suppress(DecisionError):  # another replica, or a person, was faster
            self.store.outbox.move(delivery.id, Event.HOLD, now=now, actor=ME, reason=reason)
            log.warning("held", delivery=delivery.id, post=delivery.post_id, reason=reason)

    def _parent(self, delivery: Delivery) -> Delivery | None:
        return self.store.outbox.get(delivery.parent_id) if delivery.parent_id else None

    def _gate(self, account: str) -> Gate:
        """Look once at what holds for all deliveries of an account; hundreds may be waiting."""
        schedule, state = self.campaign().schedule, self.store.accounts.get(account)
        shared = Facts(
            now=self.clock.now(),
            paused=self.store.pauses.current() is not None,
            stopped=state.stopped_reason if state else "",
            approvals_required=schedule.approvals_required,
            budget_left=budget_left(self.store, schedule.accounts[account], self.clock),
        )
        approved_by = cache(lambda mark: {one.by for one in self.store.approvals.of(mark)})

        def why(delivery: Delivery, parent: Delivery | None) -> Hold | None:
            facts = replace(
                shared,
                approved_by=approved_by(delivery.fingerprint),
                parent=parent.state if parent else None,
            )
            return why_hold(delivery, facts)

        return why

    def _send_next(self, account: str) -> bool:
        with self.store.sending(account) as is_mine:
            if not is_mine:
                return False
            self.store.outbox.take_over(account, now=self.clock.now())
            claim = self.store.outbox.claim(
                account, now=self.clock.now(), owner=self.owner, lease=self.lease
            )
            if claim is None:
                return False
            try:
                self._send(claim)
            except (LeaseLostError, DecisionError) as error:
                log.warning("lease lost", delivery=claim.delivery.id, reason=str(error))
            return True

    def _send(self, claim: Claim) -> None:
        deadline = self.clock.monotonic() + self.lease.total_seconds() / 2
        if self._may_not_go(claim) or self._waits_for_room(claim):
            return
        try:
            platform = self.platform(claim.delivery.account)
            draft = claim.delivery.draft or self._prepare(claim.delivery, platform)
            if not self.trusts_clock():
                self._defer(claim, "the clock was set just now")
                return
            self.store.outbox.begin(claim, draft, now=self.clock.now())
        except (LeaseLostError, PausedError):
            # Nothing was sent; what holds the delivery is told by whoever took it.
            self._defer(claim, "stopped before the call", told=timedelta(0))
            return
        except Exception as error:  # noqa: BLE001 - no call has begun, so any failure is safe
            self._not_begun(claim, error)
            return
        if self.clock.monotonic() > deadline:
            # This process stood still (suspended, paused): the lease may be another's by now.
            self._defer(claim, "too slow before the call", told=timedelta(0))
            return
        self._call(claim, platform, draft)

    def _may_not_go(self, claim: Claim) -> bool:
        """Hold what was let through long ago, behind others, and may not go out any more."""
        row = claim.delivery
        why = self._why_not(row, self._gate(row.account))
        if why:
            self._defer(claim, why, told=timedelta(0))
            self._hold(row, why, self.clock.now())
        return bool(why)

    def _waits_for_room(self, claim: Claim) -> bool:
        """Put off what would break the account's caps: lateness or a person's word may crowd it."""
        row, now = claim.delivery, self.clock.now()
        account = self.campaign().schedule.accounts[row.account]
        if row.part or row.attempts or not caps_of(account):
            return False  # the rest of what has begun comes when it comes
        free = free_at(account, self.store.outbox.begun_since(row.account, now - DAY), now)
        if free > now:
            # At its last moment it is looked at too, so that people hear in time that it is late.
            again = (
                min(free, row.not_after + SOON) if row.not_after and not row.released_by else free
            )
            why = "the account has had as many posts as it may"
            self.store.outbox.defer(claim, retry_at=again, reason=why, now=now)
        return free > now

    def _prepare(self, delivery: Delivery, platform: Platform) -> Draft:
        return platform.prepare(
            delivery.status,
            key=delivery.id,
            at=self.clock.now(),
            reply_to=self._reply_to(delivery),
            pictures=lambda picture: self.store.media.get(picture.sha256),
        )

    def _reply_to(self, delivery: Delivery) -> ReplyTo | None:
        refs: list[PostRef] = []
        part = self._parent(delivery)
        while part is not None:
            refs.append(part.ref)
            part = self._parent(part)
        return ReplyTo(root=refs[-1], parent=refs[0]) if refs else None

    def _call(self, claim: Claim, platform: Platform, draft: Draft) -> None:
        try:
            ref = platform.publish(draft)
        except PlatformError as error:
            self._not_accepted(claim, error)
        except Exception as error:
            log.exception("bug while publishing", delivery=claim.delivery.id)
            self._lose(claim, f"unexpected {type(error).__name__}")
        else:
            self._accepted(claim, ref)

    def _accepted(self, claim: Claim, ref: PostRef) -> None:
        delivery = claim.delivery
        try:
            self.store.outbox.accept(claim, ref, now=self.clock.now())
        except LeaseLostError:
            # Where it is, is known all the same; whoever took it over must not send it again.
            self.store.outbox.recognise(delivery.id, ref, now=self.clock.now())
            raise
        log.info("sent", delivery=delivery.id, post=delivery.post_id, url=ref.url)

    def _not_begun(self, claim: Claim, error: Exception) -> None:
        match error:
            case RejectedError():
                self.store.outbox.refuse(claim, str(error), now=self.clock.now())
            case UnauthorizedError():
                self._stop(claim, str(error))
            case OverBudgetError():
                self._defer(claim, str(error), told=timedelta(0))
                self._hold(claim.delivery, f"{HoldReason.OVER_BUDGET}: {error}", self.clock.now())
            case UnavailableError():
                self._defer(claim, str(error), told=error.retry_after)
            case _:
                log.exception("failed before the call", delivery=claim.delivery.id)
                self._defer(claim, f"{type(error).__name__} before the call")

    def _not_accepted(self, claim: Claim, error: PlatformError) -> None:
        if isinstance(error, RepeatedError):
            self._lose(claim, f"{SAID_BEFORE}: {error}")
            return
        retried = claim.delivery.attempts > 0
        if not isinstance(error, _SURELY_NOT) or (retried and isinstance(error, RejectedError)):
            # A refusal of a repeated call may only mean that the first one went through.
            self._lose(claim, str(error))
        else:
            self._not_begun(claim, error)

    def _lose(self, claim: Claim, reason: str) -> None:
        now = self.clock.now()
        read_at = now + self.settling(claim.delivery.platform).first_after
        self.store.outbox.lose(claim, reason, next_read_at=read_at, now=now)
        log.warning("no clear answer", delivery=claim.delivery.id, reason=reason)

    def _defer(self, claim: Claim, reason: str, *, told: timedelta | None = None) -> None:
        now = self.clock.now()
        wait = wait_before(claim.fence, self.policy, told=told, salt=claim.delivery.id)
        self.store.outbox.defer(claim, retry_at=now + wait, reason=reason, now=now)
        log.info("put off", delivery=claim.delivery.id, reason=reason, seconds=wait.seconds)

    def _stop(self, claim: Claim, reason: str) -> None:
        detail = f"{HoldReason.ACCOUNT_STOPPED}: {reason}"
        self.store.outbox.stop(claim, detail, now=self.clock.now())
        log.error("account stopped", account=claim.delivery.account, reason=reason)
