"""Which service runs when. APScheduler is the timer, in UTC; what is due stands in the database."""

from __future__ import annotations

import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Event, Lock
from types import FrameType

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from bot.clock import Clock
from bot.log import get_logger

log = get_logger(__name__)

#: Another process (an approval, a pause) is seen within this.
LONGEST_NAP = timedelta(seconds=1)
#: After this long without a tick the wall clock was set back: the timer must be wound again.
STUCK_AFTER = 5.0

_TICK = "tick"


@dataclass(frozen=True, slots=True)
class Chore:
    """Something that comes back; when it is due for good stands in the database."""

    name: str
    every: timedelta
    run: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Lanes:
    """The one thing that is timed to the moment: deliveries, one lane an account."""

    #: Accounts that have something to do now.
    busy: Callable[[datetime], tuple[str, ...]]
    #: Takes one account as far as it goes now.
    run: Callable[[str], None]
    #: When something is due next.
    next_wake: Callable[[datetime], datetime | None]


@dataclass(slots=True)
class Service:
    """Runs lanes and chores until it is told to stop; then lets what is in the air end."""

    clock: Clock
    lanes: Lanes
    chores: tuple[Chore, ...]
    threads: int = 16
    #: How long an orderly stop waits for calls that are in the air.
    grace: timedelta = timedelta(seconds=25)
    stop: Event = field(default_factory=Event)
    _running: set[str] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)
    _ticked: float = 0.0

    def run(self) -> None:
        """Work until `stop` is set."""
        timer = BackgroundScheduler(
            timezone=UTC,
            # The defaults drop what is a second late (reliability.md 4.4).
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        pool = ThreadPoolExecutor(self.threads, thread_name_prefix="lane")
        for chore in self.chores:
            timer.add_job(_safely(chore), IntervalTrigger(seconds=chore.every.total_seconds()),
                          id=chore.name, next_run_time=self.clock.now())  # fmt: skip
        timer.start()
        try:
            self._wind(timer, pool, self.clock.now())
            while not self.stop.wait(LONGEST_NAP.total_seconds()):
                if self.clock.monotonic() - self._ticked > STUCK_AFTER:
                    log.warning("clock was set back; winding the timer again")
                    self._wind(timer, pool, self.clock.now())
        finally:
            timer.shutdown(wait=True)
            pool.shutdown(wait=True, cancel_futures=True)
            log.info("stopped in order")

    def _wind(self, timer: BackgroundScheduler, pool: ThreadPoolExecutor, at: datetime) -> None:
        self._ticked = self.clock.monotonic()
        if self.stop.is_set():
            return
        timer.add_job(
            self._tick, DateTrigger(at), args=(timer, pool), id=_TICK, replace_existing=True
        )

    def _tick(self, timer: BackgroundScheduler, pool: ThreadPoolExecutor) -> None:
        """Start the lanes that have work, and sleep until the next moment that matters."""
        now = self.clock.now()
        at = now + LONGEST_NAP
        try:
            for account in self.lanes.busy(now):
                self._start(account, pool)
            at = min(self.lanes.next_wake(now) or at, at)
        except Exception:
            log.exception("tick failed")
        self._wind(timer, pool, at)

    def _start(self, account: str, pool: ThreadPoolExecutor) -> None:
        with self._lock:
            if account in self._running or self.stop.is_set():
                return
            self._running.add(account)
        pool.submit(self._lane, account)

    def _lane(self, account: str) -> None:
        try:
            self.lanes.run(account)
        except Exception:
            log.exception("lane failed", account=account)
        finally:
            with self._lock:
                self._running.discard(account)


def _safely(chore: Chore) -> Callable[[], None]:
    def run() -> None:
        try:
            chore.run()
        except Exception:
            log.exception("chore failed", chore=chore.name)

    return run


def stop_on_signals(stop: Event) -> None:
    """Stop in order on SIGTERM (a container's stop) and SIGINT (Ctrl-C)."""

    def handle(number: int, _frame: FrameType | None) -> None:
        log.info("stopping", signal=signal.Signals(number).name)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handle)
