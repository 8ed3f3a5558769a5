"""Reads back what has no clear answer, and after a restore all that may be out."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

from bot.clock import Clock
from bot.delivery.decide import FailedReads, Outcome, Policy, decide_read, give_up
from bot.delivery.lifecycle import Event
from bot.delivery.model import Delivery, HoldReason, State
from bot.delivery.store import DeliveryStore, log_differences
from bot.errors import BotError, DecisionError, UnauthorizedError, UnconfirmedError
from bot.log import get_logger
from bot.platforms.base import Platform
from bot.platforms.status import Draft, PostRef

log = get_logger(__name__)

_RECOVERY = "recovery"


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
        calls = (attempt.called_at for attempt in self.store.outbox.attempts_of(delivery.id))
        called_at = max(filter(None, calls))
        earliest = called_at + policy.read_back.first_after
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
        outcome = decide_read(answer, delivery, policy, now, called_at=called_at, failed=failed)
        if isinstance(answer, Exception) and outcome.event is None:
            self._failed[delivery.id] = FailedReads(failed.since, failed.count + 1)
        return outcome

    def _commit(self, delivery: Delivery, outcome: Outcome, now: datetime) -> None:
        self.store.outbox.commit_read(delivery.id, outcome, now=now)
        if outcome.ref is not None:
            log_differences(self.store, delivery, outcome.ref, now)
        if outcome.event is not None:
            write = log.error if outcome.event is Event.GIVE_UP else log.info
            url = outcome.ref.url if outcome.ref else ""
            write(str(outcome.event), delivery=delivery.id, evidence=outcome.evidence, url=url)


@dataclass(frozen=True, slots=True)
class Recovery:
    """Compares a database that may have forgotten with the sent log and the platforms.

    After a restore, a clone or a lost log nothing is sent before what may be out is settled.
    """

    store: DeliveryStore
    clock: Clock
    platform: Callable[[str], Platform]
    #: It asks all accounts' adapters, each of which serves one thread at a time.
    _alone: Lock = field(default_factory=Lock)

    def run(self) -> bool:
        """Reconcile what can be reconciled now; True where nothing stands in the way of sending."""
        reason = self.store.restore_guard.reason()
        if reason is None:
            return True
        if not self._alone.acquire(blocking=False):
            return False  # another thread is at it
        try:
            now = self.clock.now()
            suspects = self.store.restore_guard.suspects(now)
            # Every one is tried, also after one that could not be read.
            done = [self._reconcile(row, ref) for row, ref in suspects]
            if not all(done):
                return False
            self.store.restore_guard.settled(now)
        finally:
            self._alone.release()
        log.warning("settled; sending goes on", reason=reason, looked_at=len(suspects))
        return True

    def _reconcile(self, row: Delivery, ref: PostRef | None) -> bool:
        if ref is not None:
            self._recognise(row, ref)
            return True
        if row.state in {State.UNKNOWN, State.SENDING}:
            return True  # the reconciler reads it back before anything else goes there
        if row.draft is not None:
            return self._read_back(row, row.draft)
        self._hold(row, "it was due while this database may have been away")
        return True

    def _read_back(self, row: Delivery, draft: Draft) -> bool:
        state = self.store.accounts.get(row.account)
        if state and state.stops:  # no call is made for it, and the others need not wait
            self._hold(row, f"its account is stopped, so it was not read back: {row.account}")
            return True
        try:
            ref: PostRef | None = self.platform(row.account).find(draft)
        except KeyError:
            self._hold(row, "its account is no longer in the schedule, so it was not read back")
        except (UnconfirmedError, UnauthorizedError) as error:
            # Reading again will not help; held it surely does not go out by itself.
            self._hold(row, f"tried before a restore; read back, but {error}")
        except BotError as error:
            log.warning("not read back yet", delivery=row.id, reason=str(error))
            return False
        else:
            if ref is not None:
                self._recognise(row, ref)
            else:
                self._hold(row, "tried before a restore; not seen when it was read back")
        return True

    def _recognise(self, row: Delivery, ref: PostRef) -> None:
        now = self.clock.now()
        try:
            self.store.outbox.recognise(row.id, ref, now=now)
        except DecisionError as error:
            # Somebody took it out of the plan, and yet it is out: to be told, not to be undone.
            detail = {"remote_id": ref.id, "url": ref.url, "account": row.account}
            self.store.audit.write(
                _RECOVERY, "incident", row.id, why=str(error), detail=detail, now=now
            )
            log.exception("out although it was cancelled", delivery=row.id, url=ref.url)

    def _hold(self, row: Delivery, evidence: str) -> None:
        if row.state not in {State.PLANNED, State.READY}:
            return  # it waits for a person already, or is over
        self.store.outbox.move(
            row.id, Event.HOLD, now=self.clock.now(), actor=_RECOVERY,
            reason=HoldReason.UNSETTLED, evidence=evidence,
        )  # fmt: skip
