"""The wall clock, the one that replicas share, and the fast one that rehearsals run on."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Protocol

#: Linux's CLOCK_MONOTONIC, and Python's, stand still while the machine sleeps: a lease would not.
_NEVER_STANDS = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Clock(Protocol):
    """Tells the time; the only source of it in the program."""

    def now(self) -> datetime:
        """Return the time of day, aware, in UTC."""

    def monotonic(self) -> float:
        """Return seconds that never step, for deadlines; they pass while the machine sleeps."""

    def wait(self, stop: Event, until: datetime) -> bool:
        """Wait until then, or until ``stop`` is set; return whether it is."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.clock_gettime(_NEVER_STANDS)

    def wait(self, stop: Event, until: datetime) -> bool:
        return stop.wait(max(0.0, (until - self.now()).total_seconds()))


class FastClock:
    """A clock that jumps to whatever is waited for; rehearsals and tests."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._start = start

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return (self._now - self._start).total_seconds()

    def wait(self, stop: Event, until: datetime) -> bool:
        self._now = max(self._now, until)
        return stop.is_set()

    def advance(self, by: timedelta) -> None:
        """Move forward."""
        self._now += by


class ShiftedClock(SystemClock):
    """The machine's clock with another time on it: what a rehearsal has come to goes on."""

    def __init__(self, start: datetime) -> None:
        self._shift = start - datetime.now(UTC)

    def now(self) -> datetime:
        return super().now() + self._shift


class SharedClock(SystemClock):
    """The time of a database that several machines work on, whatever their own clocks say.

    Between two questions it goes on by the clock that never steps, so it is exact to about the
    time that a question takes. Leases and due times then mean the same on every machine.
    """

    def __init__(self, ask: Callable[[], datetime]) -> None:
        """Ask the database, by ``ask``, for the first time; see `synchronize`."""
        self._ask = ask
        #: The database's seconds since 1970, less the own ones that never step.
        self._offset = math.inf
        self.synchronize()

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._offset + self.monotonic(), UTC)

    def synchronize(self) -> None:
        """Ask again, and follow where the database's clock was set or ours drifted.

        Raises:
            StoreError: the database does not answer; the time goes on as before.
        """
        before = self.monotonic()
        answer = self._ask().timestamp()
        # The least and the most that the offset can be: the answer took a while.
        low, high = answer - self.monotonic(), answer - before
        if not low <= self._offset <= high:
            self._offset = (low + high) / 2

    def skew(self) -> timedelta:
        """Return how far the machine's own clock is ahead of this one; negative where behind."""
        return super().now() - self.now()
