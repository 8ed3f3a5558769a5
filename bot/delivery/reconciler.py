"""Reads back what has no clear answer, and writes down what that proves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from bot.clock import Clock
from bot.delivery.decide import FailedReads, Outcome, Policy, Step, decide, give_up
from bot.delivery.lifecycle import Event
from bot.delivery.model import Delivery, State
from bot.delivery.store import DeliveryStore
from bot.errors import BotError
from bot.log import get_logger
from bot.platforms.base import Platform
from bot.platforms.status import PostRef

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Finds unconfirmed statuses, or proves that they are absent, or asks a person."""

    store: DeliveryStore
    clock: Clock
    platform: Callable[[str], Platform]
    policy: Callable[[Delivery], Policy]
    #: Reads in a row that failed, by delivery.
    _failed: dict[str, FailedReads] = field(default_factory=dict)

    def run(self, account: str) -> None:
        """Read back what is due to be read on one account."""
        # A sender that stands still in the middle of its call keeps this lock: while it does,
        # nothing that is absent is surely absent.
        with self.store.sending(account) as is_mine:
            if is_mine:
                now = self.clock.now()
                for delivery in self._unknown(account):
                    if delivery.next_read_at is None or delivery.next_read_at <= now:
                        self._commit(delivery, self._read(delivery, now), now)

    def abandon(self, account: str) -> None:
        """Leave to a person what is in doubt on an account that the schedule no longer names."""
        for delivery in self._unknown(account):
            outcome = give_up("its account is no longer in the schedule")
            self._commit(delivery, outcome, self.clock.now())

    def _unknown(self, account: str) -> tuple[Delivery, ...]:
        return self.store.outbox.find(states={State.UNKNOWN}, account=account)

    def _read(self, delivery: Delivery, now: datetime) -> Outcome:
        draft, policy = delivery.draft, self.policy(delivery)
        if draft is None:
            raise AssertionError(f"{delivery.id} is unconfirmed but was never begun")
        earliest = self._called_at(delivery) + policy.read_back.first_after
        if now < earliest:
            # The platform may not show yet what it took: such a read would prove nothing.
            return Outcome(None, at=earliest)
        failed = self._failed.pop(delivery.id, FailedReads(now))
        answer: PostRef | Exception | None
        try:
            answer = self.platform(delivery.account).find(draft)
        except Exception as error:
            if not isinstance(error, BotError):
                log.exception("bug while reading back", delivery=delivery.id)
            answer = error
        outcome = decide(answer, delivery, policy, now, step=Step.READING_BACK, failed=failed)
        if isinstance(answer, Exception) and outcome.event is None:
            self._failed[delivery.id] = FailedReads(failed.since, failed.count + 1)
        return outcome

    def _called_at(self, delivery: Delivery) -> datetime:
        calls = [one.called_at for one in self.store.outbox.attempts_of(delivery.id)]
        return max(called for called in calls if called is not None)

    def _commit(self, delivery: Delivery, outcome: Outcome, now: datetime) -> None:
        self.store.outbox.commit_read(delivery.id, outcome, now=now)
        if outcome.event is not None:
            write = log.error if outcome.event is Event.GIVE_UP else log.info
            write(
                str(outcome.event),
                delivery=delivery.id,
                evidence=outcome.evidence,
                url=outcome.ref.url if outcome.ref else "",
            )
