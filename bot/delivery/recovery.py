"""After a restore, a clone or a lost log: nothing is sent before what may be out is settled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from bot.clock import Clock
from bot.delivery.lifecycle import Event
from bot.delivery.model import Delivery, State
from bot.delivery.reasons import HoldReason
from bot.delivery.restore_guard import Suspect
from bot.delivery.store import DeliveryStore
from bot.errors import BotError, DecisionError, UnauthorizedError, UnconfirmedError
from bot.log import get_logger
from bot.platforms.base import Platform
from bot.platforms.status import Draft, PostRef

log = get_logger(__name__)

ME = "recovery"


@dataclass(frozen=True, slots=True)
class Recovery:
    """Compares a database that may have forgotten with the sent log and the platforms."""

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
            return self._reconcile_all(reason)
        finally:
            self._alone.release()

    def _reconcile_all(self, reason: str) -> bool:
        now = self.clock.now()
        suspects = self.store.restore_guard.suspects(now)
        # Every one is tried, also after one that could not be read.
        done = [self._reconcile(suspect) for suspect in suspects]
        if not all(done):
            return False
        self.store.restore_guard.settled(now)
        log.warning("settled; sending goes on", reason=reason, looked_at=len(suspects))
        return True

    def _reconcile(self, suspect: Suspect) -> bool:
        row = suspect.delivery
        if suspect.ref is not None:
            self._recognise(row, suspect.ref)
            return True
        if row.state in {State.UNKNOWN, State.SENDING}:
            return True  # the reconciler reads it back before anything else goes there
        if row.draft is not None:
            return self._read_back(suspect, row.draft)
        self._hold(suspect, "it was due while this database may have been away")
        return True

    def _read_back(self, suspect: Suspect, draft: Draft) -> bool:
        row = suspect.delivery
        try:
            ref: PostRef | None = self.platform(row.account).find(draft)
        except KeyError:
            self._hold(suspect, "its account is no longer in the schedule, so it was not read back")
        except (UnconfirmedError, UnauthorizedError) as error:
            # Reading again will not help; held it surely does not go out by itself.
            self._hold(suspect, f"tried before a restore; read back, but {error}")
        except BotError as error:
            log.warning("not read back yet", delivery=row.id, reason=str(error))
            return False
        else:
            if ref is not None:
                self._recognise(row, ref)
            else:
                self._hold(suspect, "tried before a restore; not seen when it was read back")
        return True

    def _recognise(self, row: Delivery, ref: PostRef) -> None:
        now = self.clock.now()
        try:
            self.store.outbox.recognise(row.id, ref, now=now)
        except DecisionError as error:
            # Somebody took it out of the plan, and yet it is out: to be told, not to be undone.
            detail = {"remote_id": ref.id, "url": ref.url, "account": row.account}
            self.store.audit.write(ME, "incident", row.id, why=str(error), detail=detail, now=now)
            log.exception("out although it was cancelled", delivery=row.id, url=ref.url)

    def _hold(self, suspect: Suspect, evidence: str) -> None:
        if suspect.delivery.state not in {State.PLANNED, State.READY}:
            return  # it waits for a person already, or is over
        self.store.outbox.move(
            suspect.delivery.id, Event.HOLD, now=self.clock.now(), actor=ME,
            reason=HoldReason.UNSETTLED, evidence=evidence,
        )  # fmt: skip
