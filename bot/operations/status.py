"""How the service stands, as `status`, the health check and the dashboard show it.

The database is looked through once a day: from a broken one nothing may be sent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.content.model import Schedule
from bot.delivery.ledger import budget_left
from bot.delivery.model import State
from bot.log import get_logger
from bot.planning.store import Store

log = get_logger(__name__)

#: A worker that was silent for longer is taken for dead.
SILENT = timedelta(seconds=15)


#: Goes out by itself, as soon as it can.
_WAITING = frozenset({State.PLANNED, State.READY, State.SENDING, State.UNKNOWN})


@dataclass(frozen=True, slots=True)
class AccountLine:
    """How one account stands."""

    name: str
    platform: str
    #: Empty where it may send.
    stopped: str
    #: US dollars left this month; None without a budget.
    budget_left: float | None
    next_due: datetime | None


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """A moment's answer; times are UTC."""

    at: datetime
    campaign: str
    mode: str
    paused: str
    settling: str
    #: What is broken in the database, as the service found; empty where nothing is.
    damage: str
    workers: tuple[str, ...]
    accounts: tuple[AccountLine, ...]
    counts: Mapping[str, int]
    next_due: datetime | None
    #: How many wait although their time has come, and since when the first of them does.
    overdue: int
    overdue_since: datetime | None
    last_sent: datetime | None
    notices: tuple[str, ...]

    @property
    def is_running(self) -> bool:
        return bool(self.workers)

    @property
    def is_healthy(self) -> bool:
        """Return whether the service is alive and can send at all."""
        return self.is_running and not self.damage


def status_of(store: Store, schedule: Schedule | None, clock: Clock) -> ServiceStatus:
    """Read how everything stands; asks no server and spends nothing.

    Args:
        schedule: None where it cannot be read: then accounts are those that were there last.
    """
    now, tallies = clock.now(), store.outbox.tallies()
    next_due, counts = store.outbox.next_due(now), Counter[str]()
    for tally in tallies:
        counts[tally.state.value] += tally.count
    pause, overdue = store.pauses.current(), store.outbox.find(states=_WAITING, until=now)
    states = {state.name: state for state in store.accounts.all()}
    named = schedule.accounts if schedule else {}
    platforms = {name: (named.get(name) or states[name]).platform for name in named or states}
    accounts = tuple(
        AccountLine(
            name,
            platform,
            states[name].stopped_detail if name in states else "",
            budget_left(store.ledger, named[name], clock) if name in named else None,
            next_due.get(name),
        )
        for name, platform in platforms.items()
    )
    alive = store.workers.alive(now, within=SILENT)
    return ServiceStatus(
        at=now,
        campaign=schedule.campaign if schedule else "?",
        mode=schedule.mode.value if schedule else "its schedule cannot be read",
        paused=f"{pause.reason} ({pause.by})" if pause else "",
        settling=store.restore_guard.reason() or "",
        damage=next(
            (str(damage) for worker in alive if (damage := worker.facts.get("damage"))), ""
        ),
        workers=tuple(worker.name for worker in alive),
        accounts=accounts,
        counts=counts,
        next_due=min(next_due.values(), default=None),
        overdue=len(overdue),
        overdue_since=overdue[0].due_at if overdue else None,
        last_sent=max((tally.last_sent for tally in tallies if tally.last_sent), default=None),
        notices=tuple(notice.text for notice in store.notices.open()),
    )


@dataclass(slots=True)
class Inspector:
    """Remembers what is broken until the service is started again, on a sound database."""

    store: Store
    #: What is broken; empty while nothing is known to be.
    damage: str = ""

    def run(self) -> None:
        """Look through the whole database; may take seconds where it is large.

        Raises:
            StoreError: it cannot be looked at now, which is no proof of anything.
        """
        found = self.store.find_damage()
        if found and not self.damage:
            log.critical("the database is broken; nothing is sent", damage=found)
            self.damage = found

    def unless_broken(self, job: Callable[[], None]) -> Callable[[], None]:
        """Return the job, which leaves a broken database alone: each write could break more."""

        def run() -> None:
            if not self.damage:
                job()

        return run
