"""Waiting for what another process or thread does."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

#: Seconds after which nothing will happen any more; a machine with much else to do needs some.
PATIENCE = 300.0
#: Limits of a call, in seconds: far longer than any answer takes that comes at all.
CONNECT, READ = 60.0, 60.0
_T = TypeVar("_T")


def in_time(prepare: Callable[[datetime], _T], *, lead: float) -> _T:
    """Return what was prepared before the moment it was told; a slow machine gets another go."""
    while True:
        moment = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=lead)
        prepared = prepare(moment)
        if datetime.now(UTC) < moment:
            return prepared
        lead *= 2


def wait_until(
    is_so: Callable[[], bool], what: str, *, log: Callable[[], str] = str, every: float = 0.1
) -> None:
    """Return as soon as something is so; `log` is told where it never is."""
    end = time.monotonic() + PATIENCE
    while not is_so():
        if time.monotonic() > end:
            raise AssertionError(f"never: {what}\n{log()}")
        time.sleep(every)
