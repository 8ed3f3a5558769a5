"""Settles what has no clear answer, by the platform's own read-back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.core.campaign import Campaign
from bot.core.model import SAID_BEFORE, Delivery, HoldReason, Settling, State
from bot.core.retry import RetryPolicy, wait_before
from bot.errors import BotError, UnauthorizedError, UnavailableError, UnconfirmedError
from bot.log import get_logger
from bot.platforms.base import Platform
from bot.store import Store

log = get_logger(__name__)

#: Waits between failing reads stop growing here: with the usual policy, at about a minute.
LONGEST = 6


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Finds unconfirmed statuses, or proves that they are absent, or asks a person."""

    store: Store
    clock: Clock
    campaign: Callable[[], Campaign]
    platform: Callable[[str], Platform]
    #: Waits of each platform before an absent status counts as absent.
    settling: Callable[[str], Settling]
    policy: RetryPolicy
    #: After this long without one complete read, a person decides.
    patience: timedelta = timedelta(hours=2)
    #: Since when each delivery could not be read, and how often.
    _failed: dict[str, tuple[datetime, int]] = field(default_factory=dict)

    def run(self, account: str) -> None:
        """Settle what can be settled now on one account."""
        # A sender that stands still in the middle of its call keeps this lock: while it does,
        # nothing that is absent is surely absent.
        with self.store.sending(account) as is_mine:
            if is_mine:
                self._settle_all(account)

    def _settle_all(self, account: str) -> None:
        now = self.clock.now()
        for delivery in self.store.outbox.find(states={State.UNKNOWN}, account=account):
            if delivery.next_read_at is None or delivery.next_read_at <= now:
                self._settle(delivery, now)

    def _settle(self, delivery: Delivery, now: datetime) -> None:
        draft = delivery.draft
        if draft is None:
            raise AssertionError(f"{delivery.id} is unconfirmed but was never begun")
        settling = self.settling(delivery.platform)
        earliest = self._called_at(delivery) + settling.first_after
        if now < earliest:
            # The platform may not show yet what it took: such a read would prove nothing.
            self.store.outbox.postpone(delivery.id, next_read_at=earliest, now=now)
            return
        try:
            ref = self.platform(delivery.account).find(draft)
        except UnconfirmedError as error:
            self._give_up(delivery, f"read back, but {error}", now)
        except BotError as error:
            self._unread(delivery, error, now)
        except Exception as error:
            log.exception("bug while reading back", delivery=delivery.id)
            self._unread(delivery, error, now)
        else:
            self._failed.pop(delivery.id, None)
            if ref is None:
                self._absent(delivery, settling, now)
            else:
                self.store.outbox.found(delivery.id, ref, now=now)
                log.info("found", delivery=delivery.id, url=ref.url)

    def _called_at(self, delivery: Delivery) -> datetime:
        calls = [one.called_at for one in self.store.outbox.attempts_of(delivery.id)]
        return max(called for called in calls if called is not None)

    def _absent(self, delivery: Delivery, settling: Settling, now: datetime) -> None:
        reads = delivery.absent_reads + 1
        self.store.outbox.missed(delivery.id, next_read_at=now + settling.apart, now=now)
        if reads < settling.reads:
            return
        account = self.campaign().schedule.accounts[delivery.account]
        if delivery.reason.startswith(SAID_BEFORE):
            self._give_up(delivery, f"{delivery.reason}; not seen in {reads} complete reads", now)
        elif account.on_unknown == "hold":
            self._give_up(delivery, f"not seen in {reads} complete reads; account holds", now)
        elif delivery.attempts >= self.policy.side_effects:
            evidence = f"not seen after {delivery.attempts} attempts"
            self._give_up(delivery, evidence, now, HoldReason.ATTEMPTS)
        else:
            self.store.outbox.resend(delivery.id, now=now)
            log.info("surely absent", delivery=delivery.id, reads=reads)

    def _unread(self, delivery: Delivery, error: Exception, now: datetime) -> None:
        if isinstance(error, UnauthorizedError):
            self.store.accounts.stop(delivery.account, str(error), now=now)
        since, times = self._failed.get(delivery.id, (now, 0))
        self._failed[delivery.id] = since, times + 1
        if now - since > self.patience:
            self._give_up(delivery, f"could not be read back: {error}", now)
            return
        told = error.retry_after if isinstance(error, UnavailableError) else None
        wait = wait_before(min(times + 2, LONGEST), self.policy, told=told, salt=delivery.id)
        self.store.outbox.postpone(delivery.id, next_read_at=now + wait, now=now)

    def abandon(self, account: str) -> None:
        """Leave to a person what is in doubt on an account that the schedule no longer names."""
        now = self.clock.now()
        for delivery in self.store.outbox.find(states={State.UNKNOWN}, account=account):
            self._give_up(delivery, "its account is no longer in the schedule", now)

    def _give_up(
        self,
        delivery: Delivery,
        evidence: str,
        now: datetime,
        reason: HoldReason = HoldReason.UNSETTLED,
    ) -> None:
        self._failed.pop(delivery.id, None)
        self.store.outbox.give_up(delivery.id, evidence, now=now, reason=reason)
        log.error("held for a person", delivery=delivery.id, evidence=evidence)
