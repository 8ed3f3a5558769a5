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
#: Tests may not sleep (see tests/conftest.py) but by waiting for something here.
_sleep = time.sleep


def in_time(prepare: Callable[[datetime], _T], *, lead: float) -> _T:
    """Return what was prepared before the moment it was told; a slow machine gets another go."""
    while True:
        moment = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=lead)
        try:
            prepared = prepare(moment)
        except AssertionError:
            # What is wanted of it after its moment may be impossible.
            if datetime.now(UTC) < moment or lead > PATIENCE:
                raise
        else:
            if datetime.now(UTC) < moment:
                return prepared
        lead *= 2


def wait_until(
    is_so: Callable[[], bool],
    what: str,
    *,
    log: Callable[[], str] = str,
    every: float = 0.1,
    before: datetime | None = None,
) -> None:
    """Return as soon as something is so; `log` is told where it never is, or not `before` then."""
    end = time.monotonic() + PATIENCE
    while not is_so():
        is_late = before is not None and datetime.now(UTC) >= before
        if is_late or time.monotonic() > end:
            raise AssertionError(f"never: {what}\n{log()}")
        _sleep(every)
