"""When to try again, and how often at most."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Bounds of the waits between attempts at one delivery."""

    first: timedelta = timedelta(seconds=2)
    longest: timedelta = timedelta(minutes=5)
    #: A server's word is obeyed up to here; longer ones are cut.
    longest_told: timedelta = timedelta(hours=1)
    #: Attempts that may have had a side effect; then a person decides (Tusky #4405: no bug
    #: may post twenty times).
    side_effects: int = 4


def wait_before(
    attempt: int, policy: RetryPolicy, *, told: timedelta | None = None, salt: str = ""
) -> timedelta:
    """Return the wait after a failed attempt (the first is 1): doubling, spread by ``salt``.

    A platform that names a time knows better than any formula.
    """
    if told is not None:
        return min(max(told, timedelta(0)), policy.longest_told)
    doubled = min(policy.first * (1 << min(attempt - 1, 20)), policy.longest)
    # Half to whole of the wait, from the delivery's own id: many deliveries that failed
    # together do not come back together, and a run can be repeated.
    share = hashlib.sha256(f"{salt}/{attempt}".encode()).digest()[0] / 255
    return doubled * (0.5 + share / 2)
