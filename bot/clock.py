"""The wall clock, and the fast one that rehearsals run on."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Protocol


class Clock(Protocol):
    """Tells the time; the only source of it in the program."""

    def now(self) -> datetime:
        """Tell the time of day, aware, in UTC."""

    def monotonic(self) -> float:
        """Tell seconds that never step, for deadlines."""

    def wait(self, stop: Event, until: datetime) -> bool:
        """Wait until then, or until ``stop`` is set; tell whether it is."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

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
