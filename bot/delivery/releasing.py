"""Lets due deliveries through the gate, or holds them with the reason."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache

from bot.clock import Clock
from bot.content.model import Campaign
from bot.delivery.gate import Facts, why_hold, why_truncate
from bot.delivery.lifecycle import Event
from bot.delivery.metering import budget_left
from bot.delivery.model import Delivery, State
from bot.delivery.reasons import Hold
from bot.delivery.store import DeliveryStore
from bot.errors import DecisionError
from bot.log import get_logger

log = get_logger(__name__)

ME = "publisher"

#: Returns why a delivery, behind the part before it, may not go out; None where it may.
Gate = Callable[[Delivery, Delivery | None], Hold | None]


@dataclass(frozen=True, slots=True)
class Releaser:
    """Moves what is due to READY or to HELD; it calls no platform."""

    store: DeliveryStore
    clock: Clock
    campaign: Callable[[], Campaign]
    #: Calls of one delivery that may have had a side effect.
    attempts_allowed: int

    def run(self, account: str) -> None:
        """Look at all that is due on an account, and again at what was let through."""
        now, gate = self.clock.now(), self._gate(account)
        self._release_all(account, gate)
        for delivery in self.store.outbox.find(states={State.PLANNED}, account=account, until=now):
            parent = self._parent(delivery)
            if parent and (hold := why_truncate(delivery, parent.state, now)):
                self._hold(delivery, hold, now)
        for delivery in self.store.outbox.find(states={State.READY}, account=account):
            may_go = delivery.retry_at is None or delivery.retry_at <= now
            if may_go and (hold := gate(delivery, self._parent(delivery))):
                self._hold(delivery, hold, now)

    def release(self, account: str) -> None:
        """Look only at what has become due, such as the next part of a thread."""
        self._release_all(account, self._gate(account))

    def why_hold(self, delivery: Delivery) -> Hold | None:
        """Return why a delivery that was let through must not go out any more."""
        return self._gate(delivery.account)(delivery, self._parent(delivery))

    def _release_all(self, account: str, gate: Gate) -> None:
        now = self.clock.now()
        for delivery in self.store.outbox.due(account, now):
            self._release(delivery, gate, now)

    def _release(self, delivery: Delivery, gate: Gate, now: datetime) -> None:
        parent = self._parent(delivery)
        # Who sends the beginning of a thread late sends all of it.
        released_by = delivery.released_by or (parent.released_by if parent else "")
        hold = gate(replace(delivery, released_by=released_by), parent)
        if hold is not None:
            self._hold(delivery, hold, now)
            return
        with suppress(DecisionError):  # another replica, or a person, was faster
            self.store.outbox.move(
                delivery.id, Event.RELEASE, now=now, actor=ME, released_by=released_by
            )

    def _hold(self, delivery: Delivery, hold: Hold, now: datetime) -> None:
        with suppress(DecisionError):  # another replica, or a person, was faster
            self.store.outbox.move(
                delivery.id, Event.HOLD, now=now, actor=ME, reason=hold.reason, detail=hold.detail
            )
            log.warning("held", delivery=delivery.id, post=delivery.post_id, reason=str(hold))

    def _parent(self, delivery: Delivery) -> Delivery | None:
        return self.store.outbox.get(delivery.parent_id) if delivery.parent_id else None

    def _gate(self, account: str) -> Gate:
        """Look once at what holds for all deliveries of an account; hundreds may be waiting."""
        schedule, state = self.campaign().schedule, self.store.accounts.get(account)
        shared = Facts(
            now=self.clock.now(),
            paused=self.store.pauses.current() is not None,
            stopped=state.stopped_detail if state else "",
            approvals_required=schedule.approvals_required,
            budget_left=budget_left(self.store, schedule.accounts[account], self.clock),
            attempts_allowed=self.attempts_allowed,
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
