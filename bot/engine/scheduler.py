"""Which service runs when. APScheduler is the timer, in UTC; what is due stands in the database."""

import os
import signal
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Event, Lock, Thread
from types import FrameType

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.date import DateTrigger

from bot.clock import Clock, SystemClock
from bot.db.lock import ProcessLock
from bot.engine.turns import AccountTurns
from bot.errors import StoreError
from bot.log import get_logger

log = get_logger(__name__)

#: The loop, a standby and the workers look around so often.
LONGEST_WAIT = timedelta(seconds=1)
#: After this long without a tick the machine's clock was set back, or it slept: the timer must
#: be wound again.
STUCK_AFTER = 5.0
#: After this long the loop itself is stuck: the process ends, so that whoever restarts it can.
ENDS_AFTER = 120.0
STALLED_LOOKS = 10
#: After so many seconds a look is due even where nobody wrote anything.
QUIET = 30.0
#: Exit code of a process that ends itself: a bug.
STUCK = 3
#: A worker takes less for one delivery, and a job less for one run.
LONGEST_STEP = timedelta(minutes=10)

_TICK = "tick"


class Every(BaseTrigger):  # type: ignore[misc] # APScheduler has no types
    """Comes back after an interval; once only, however much time a clock that is set skips.

    APScheduler's own counts each time that was missed: minutes and gigabytes, in which nothing
    is sent, where a clock comes from 1970.
    """

    def __init__(self, every: timedelta) -> None:
        self._every = every

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        at = now if previous_fire_time is None else previous_fire_time + self._every
        return at if at > now else now + self._every


#: Accounts that are worked on at a time; another one takes nothing before it has its turn, which
#: is for one post where others wait. Each needs one of 20 database connections again and again: of
#: 500 some waited for it in vain, with a status that was out and not written down.
MOST_AT_WORK = 60


@dataclass(frozen=True, slots=True)
class PeriodicJob:
    """Something that comes back; when it is due for good stands in the database."""

    name: str
    every: timedelta
    run: Callable[[], None]


@dataclass(frozen=True, slots=True)
class AccountWorkers:
    """The one thing that is timed to the moment: deliveries, one worker an account."""

    #: Accounts that have something to do now.
    busy: Callable[[datetime], tuple[str, ...]]
    #: Takes one account as far as it goes now.
    run: Callable[[str], None]
    #: When something is due next.
    next_wake: Callable[[datetime], datetime | None]
    #: Says of calls that are still in the air at the very end that nobody waits for them.
    abandon: Callable[[], None] = lambda: None
    #: Another process (an approval, a pause) is seen within this.
    longest_wait: timedelta = LONGEST_WAIT


@dataclass(slots=True)
class ChangeWatch:
    """Tells when to look again: where the database was written to, and now and then."""

    version: Callable[[], int | None]
    clock: Clock
    _seen: int | None = None
    _looked: float = 0.0

    def is_due(self) -> bool:
        """Return whether something may be other than at the last look that was due."""
        version, now = None, self.clock.monotonic()
        with suppress(StoreError):
            version = self.version()
        if version is not None and version == self._seen and now - self._looked < QUIET:
            return False
        self._seen, self._looked = version, now
        return True

    def unless_same(self, job: Callable[[], None]) -> Callable[[], None]:
        """Return the job, left out where nothing may be other than it was."""
        return lambda: job() if self.is_due() else None


@dataclass(slots=True)
class Activity:
    """When the loop last came round, and since when each worker and job is at the same step."""

    clock: Clock
    #: None before the loop begins.
    ticked: float | None = None
    turns: AccountTurns = field(default_factory=lambda: AccountTurns(MOST_AT_WORK))
    _since: dict[str, datetime] = field(default_factory=dict)

    def begin(self, name: str) -> None:
        self._since[name] = self.clock.now()

    def step(self, name: str) -> None:
        """Note that it begins its next step, once all had their turn that wait for it by now."""
        if name in self._since:
            self.end(name)  # who waits is not stuck
            self.turns.let_others()
            self.begin(name)

    def end(self, name: str) -> None:
        self._since.pop(name, None)

    def tick(self) -> None:
        self.ticked = self.clock.monotonic()

    def is_alive(self) -> bool:
        return self.ticked is None or self.clock.monotonic() - self.ticked < ENDS_AFTER

    def stuck(self) -> dict[str, str]:
        """Return, by name, since when something has been at one step for too long."""
        now, since = self.clock.now(), dict(self._since)
        stuck = {name: at for name, at in since.items() if at < now - LONGEST_STEP}
        if self.ticked is not None and not self.is_alive():
            stuck["the loop"] = now - timedelta(seconds=self.clock.monotonic() - self.ticked)
        return {name: f"{at:%H:%M} UTC" for name, at in stuck.items()}


@dataclass(slots=True)
class Service:
    """Runs workers and jobs until it is told to stop; then lets what is in the air end."""

    clock: Clock
    workers: AccountWorkers
    jobs: tuple[PeriodicJob, ...]
    #: How long an orderly stop waits for calls that are in the air.
    grace: timedelta = timedelta(seconds=25)
    stop: Event = field(default_factory=Event)
    #: What APScheduler goes by, whatever the time is by `clock`.
    machine: Clock = field(default_factory=SystemClock)
    activity: Activity = field(default_factory=lambda: Activity(SystemClock()))
    #: Ends the process whose loop is stuck, without waiting for anything.
    end: Callable[[int], object] = os._exit
    _running: dict[str, Thread] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)
    _scheduling: Lock = field(default_factory=Lock)
    _ticked: float = 0.0

    def run(self) -> None:
        """Work until `stop` is set."""
        timer = BackgroundScheduler(
            timezone=UTC,
            # The defaults drop what is a second late (reliability.md 4.4).
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        for job in self.jobs:
            timer.add_job(self._run_job, Every(job.every), args=(job,),
                          id=job.name, next_run_time=self.machine.now())  # fmt: skip
        timer.start()
        self.activity.tick()
        stalled = 0
        try:
            self._schedule_next_tick(timer)
            while not self.stop.wait(LONGEST_WAIT.total_seconds()):
                # Several looks: a machine that slept, or a process that was stopped, goes on.
                stalled = 0 if self.activity.is_alive() else stalled + 1
                if stalled > STALLED_LOOKS:
                    log.critical("the loop is stuck; the process ends to be started again")
                    self.end(STUCK)
                if self.clock.monotonic() - self._ticked > STUCK_AFTER:
                    log.warning("the timer stood still; winding it again")
                    for job in self.jobs:  # all wait for moments of a clock that was ahead
                        timer.modify_job(job.name, next_run_time=self.machine.now())
                    self._schedule_next_tick(timer)
        finally:
            self.stop.set()
            self._end(timer, self.clock.monotonic() + self.grace.total_seconds())

    def _end(self, timer: BackgroundScheduler, deadline: float) -> None:
        """Let what is in the air end, but for no longer than the grace."""
        with self._scheduling:
            pass  # whoever winds it now has done so; later ones see that all is to stop
        # Shut down while it deals with a job, APScheduler 3 loses its thread with an error.
        timer.pause()
        timer.remove_all_jobs()
        timer.shutdown(wait=True)
        for thread in list(self._running.values()):
            thread.join(max(0.0, deadline - self.clock.monotonic()))
        if any(thread.is_alive() for thread in self._running.values()):
            log.warning("stopped with calls in the air; they are read back at the next start")
            self.workers.abandon()
        else:
            log.info("stopped in order")

    def _schedule_next_tick(
        self, timer: BackgroundScheduler, wait: timedelta = timedelta(0)
    ) -> None:
        self._ticked = self.clock.monotonic()
        # A shutdown waits for jobs with the lock that adding one needs: never at once.
        with self._scheduling:
            if self.stop.is_set():
                return
            timer.add_job(
                self._tick, DateTrigger(self.machine.now() + wait), args=(timer,), id=_TICK,
                replace_existing=True,
                # The next tick may begin before this one has quite ended; it must not be left out.
                max_instances=3,
            )  # fmt: skip

    def _tick(self, timer: BackgroundScheduler) -> None:
        """Start the workers that have work, and sleep until the next moment that matters."""
        now, wait = self.clock.now(), self.workers.longest_wait
        try:
            for account in self.workers.busy(now):
                self._start(account)
            wake = self.workers.next_wake(now) or now + wait
            wait = min(wake - self.clock.now(), wait)
        except Exception:
            log.exception("tick failed")
        self.activity.tick()
        self._schedule_next_tick(timer, wait)

    def _start(self, account: str) -> None:
        with self._lock:
            if account in self._running or self.stop.is_set():
                return
            # A daemon: a call that nobody answers must not keep a stopped process alive.
            thread = Thread(
                target=self._run_worker, args=(account,), name=f"worker {account}", daemon=True
            )
            self._running[account] = thread
        thread.start()

    def _run_worker(self, account: str) -> None:
        try:
            with self.activity.turns:
                if not self.stop.is_set():
                    self._work(account)
        finally:
            with self._lock:
                del self._running[account]

    def _work(self, account: str) -> None:
        self.activity.begin(account)
        try:
            self.workers.run(account)
        except Exception:
            log.exception("worker failed", account=account)
        finally:
            self.activity.end(account)

    def _run_job(self, job: PeriodicJob) -> None:
        self.activity.begin(f"job {job.name}")
        try:
            job.run()
        except Exception:
            log.exception("job failed", job=job.name)
        finally:
            self.activity.end(f"job {job.name}")


def wait_for_lock(lock: ProcessLock | None, stop: Event) -> bool:
    """Become the one process at work on an embedded database; False if it is to stop first."""
    is_first = True
    while not stop.is_set():
        if lock is None or lock.acquire():
            return True
        if is_first:
            log.info("standing by: another process works on this database")
            is_first = False
        stop.wait(LONGEST_WAIT.total_seconds())
    return False


@contextmanager
def in_thread_on(numbers: Collection[signal.Signals], act: Callable[[str], None]) -> Iterator[None]:
    """Call ``act`` with a signal's name when one comes, in a thread of its own.

    A handler runs in the middle of whatever the main thread does. Were it to log, or to set an
    event, it could wait for ever for a lock that the main thread holds.
    """
    read, write = os.pipe()
    os.set_blocking(write, False)

    def note(number: int, _frame: FrameType | None) -> None:
        with suppress(OSError):  # full: more than enough have come
            os.write(write, bytes((number,)))

    def watch() -> None:
        while number := os.read(read, 1):
            act(signal.Signals(number[0]).name)

    watcher = Thread(target=watch, name="signals", daemon=True)
    watcher.start()
    before = {number: signal.signal(number, note) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(write)
        watcher.join()
        os.close(read)


@contextmanager
def interrupt_noted() -> Iterator[Event]:
    """Note Ctrl-C in an event, and raise it at the end.

    Raised wherever the program happens to be, in a callback of a library say, it can be lost.
    """
    interrupted = Event()
    is_ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    with in_thread_on(() if is_ignored else (signal.SIGINT,), lambda _name: interrupted.set()):
        yield interrupted
    if interrupted.is_set():
        raise KeyboardInterrupt


@contextmanager
def stopped_by_signals(stop: Event) -> Iterator[None]:
    """Stop in order on SIGTERM (a container's stop) and SIGINT (Ctrl-C)."""

    def act(name: str) -> None:
        log.info("stopping", signal=name)
        stop.set()

    with in_thread_on((signal.SIGTERM, signal.SIGINT), act):
        yield
