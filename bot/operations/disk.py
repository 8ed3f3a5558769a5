"""Room on the disk: how much is left, and when it will not do any more."""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta
from errno import EIO, EROFS
from pathlib import Path

from bot.clock import Clock, SystemClock
from bot.db.diskspace import MEBIBYTE, Room, free_bytes

#: People are told so long before it is full, at the rate of the last hours.
AHEAD = timedelta(days=1)
#: A rate is none before this.
_SHORTEST = timedelta(minutes=10)
#: One a minute.
_SAMPLES = 360


@dataclass(slots=True)
class DiskWatch:
    """Looks at the disk of the data directory once a minute."""

    directory: Path
    room: Room
    clock: Clock = field(default_factory=SystemClock)
    _samples: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=_SAMPLES))

    def run(self) -> None:
        self._samples.append((self.clock.monotonic(), self.free()))

    def free(self) -> int:
        """Return the bytes that are left."""
        return free_bytes(self.directory)

    def why(self) -> str:
        """Return why nothing is begun; empty while there is room and the disk takes it."""
        try:
            os.utime(self.directory)
        except OSError as error:
            if error.errno in {EROFS, EIO}:
                return f"{self.directory} cannot be written to ({error.strerror})"
        if self.room.is_left(self.directory):
            return ""
        least = self.room.least_free // MEBIBYTE
        return f"{_left(self.free(), self.directory)}, less than {least} MB"

    def soon(self) -> str:
        """Return when that will be so; empty where it will not."""
        least, free = self.room.least_free, self.free()
        if not least:
            return ""
        hours = hours_until(least, tuple(self._samples))
        if hours is not None and hours < AHEAD / timedelta(hours=1):
            return f"{_left(free, self.directory)}; in {hours:.0f} h nothing can be sent any more"
        return _left(free, self.directory) if free < 4 * least else ""


def hours_until(least: int, samples: tuple[tuple[float, int], ...]) -> float | None:
    """Return when so little is left at the rate of the samples; None where it does not shrink."""
    if len(samples) < 2:
        return None
    (start, before), (end, after) = samples[0], samples[-1]
    if end - start < _SHORTEST.total_seconds() or after >= before:
        return None
    return max(0, after - least) * (end - start) / (before - after) / 3600


def _left(free: int, directory: Path) -> str:
    return f"{free // MEBIBYTE} MB are left on the disk of {directory}"
