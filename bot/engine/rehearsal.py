"""Living the coming days on a fast clock, with simulated approvals, and what came of them."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event
from zoneinfo import ZoneInfo

from bot.authority.approvals import Approval
from bot.clock import FastClock
from bot.content.model import Campaign, Mode
from bot.delivery.model import Delivery, State
from bot.engine.scheduler import AccountWorkers
from bot.errors import Problem
from bot.planning.plan import EmptySlot
from bot.planning.store import Store

#: Name of every simulated approver, with a number behind it.
SIMULATED = "simulated approver"


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
    #: Errors of the posts and files that were left out.
    left_out: tuple[Problem, ...]

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def sent(self) -> tuple[Delivery, ...]:
        return tuple(row for row in self.deliveries if row.state is State.SENT)

    @property
    def not_sent(self) -> tuple[Delivery, ...]:
        return tuple(row for row in self.deliveries if row.state is not State.SENT)

    @property
    def counts(self) -> Mapping[str, int]:
        return Counter(row.state.value for row in self.deliveries)


def run_fast(
    clock: FastClock,
    workers: AccountWorkers,
    plan: Callable[[], None],
    until: datetime,
    *,
    progress: Callable[[datetime], None],
    on_day: Callable[[datetime], None] = lambda _now: None,
    stop: Event,
) -> None:
    """Live until then, or ``stop``, by the service's own steps.

    ``progress`` gets each time; ``on_day`` the beginning of each day, once it is planned.
    """
    replan_at = clock.now()
    while clock.now() < until and not stop.is_set():
        now = clock.now()
        if now >= replan_at:
            plan()
            on_day(now)
            replan_at = now + timedelta(days=1)
        for account in workers.busy(now):
            workers.run(account)
        clock.wait(stop, min(workers.next_wake(now) or until, replan_at, until))
        progress(clock.now())


def simulate_approvals(store: Store, campaign: Campaign, now: datetime) -> None:
    """Approve everything that is planned in the place of people; never in live mode."""
    if campaign.schedule.mode is not Mode.REHEARSAL:
        raise AssertionError("approvals are simulated in rehearsals only")
    rows = store.outbox.find(states={State.PLANNED, State.READY})
    for fingerprint, post_id in {row.fingerprint: row.post_id for row in rows}.items():
        known = {approval.by for approval in store.approvals.standing(fingerprint=fingerprint)}
        for number in range(1, campaign.schedule.approvals_required + 1):
            by = f"{SIMULATED} {number}"
            if by not in known:
                store.approvals.approve(Approval(fingerprint, post_id, by, "rehearsal", {}, now))
                given = {"fingerprints": [fingerprint]}
                store.audit.write(by, "approve", post_id, why="rehearsal", detail=given, now=now)
