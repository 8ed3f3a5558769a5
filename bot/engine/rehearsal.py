"""Living the coming days on a fast clock, and what came of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event
from zoneinfo import ZoneInfo

from bot.clock import FastClock
from bot.delivery.model import Delivery, State
from bot.planning.plan import EmptySlot
from bot.planning.store import Store


@dataclass(frozen=True, slots=True)
class RehearsalReport:
    """What a rehearsal did; times are UTC."""

    campaign: str
    timezone: str
    start: datetime
    end: datetime
    deliveries: tuple[Delivery, ...]
    empty_slots: tuple[EmptySlot, ...]
    #: US dollars, by account that pays and UTC month such as 2026-12.
    spent: Mapping[str, Mapping[str, float]]

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def sent(self) -> tuple[Delivery, ...]:
        return tuple(one for one in self.deliveries if one.state is State.SENT)

    @property
    def not_sent(self) -> tuple[Delivery, ...]:
        return tuple(one for one in self.deliveries if one.state is not State.SENT)

    @property
    def counts(self) -> Mapping[str, int]:
        return Counter(one.state.value for one in self.deliveries)


@dataclass(frozen=True, slots=True)
class FastRun:
    """The service's own steps, taken as fast as they come."""

    store: Store
    clock: FastClock
    plan: Callable[[], None]
    busy: Callable[[datetime], tuple[str, ...]]
    work_account: Callable[[str], None]

    def run(self, until: datetime, *, progress: Callable[[datetime], None]) -> None:
        """Live until then, moment by moment; ``progress`` is told the time each time."""
        never, replan_at = Event(), self.clock.now()
        while self.clock.now() < until:
            now = self.clock.now()
            if now >= replan_at:
                self.plan()
                replan_at = now + timedelta(days=1)
            for account in self.busy(now):
                self.work_account(account)
            wake = self.store.outbox.next_wake(now) or until
            self.clock.wait(never, min(wake, replan_at, until))
            progress(self.clock.now())
