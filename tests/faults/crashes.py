"""Kills a delivery's life at every boundary there is, and lets the platforms' ledger judge.

``python -m tests.faults.crashes x`` enumerates one platform and prints what came of it as JSON;
``--pairs N --seed S`` kills a second time, within the recovery from the first, ``--all-pairs`` at
each of its boundaries; ``--kills 17,42`` runs just one schedule.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tests.faults.broken import IntentAfterSend, RetryOnTimeout, remade
from tests.faults.enumeration import AWAY, Change, Enumeration, Outcome, numbers, told
from tests.faults.ledgers import networks
from tests.faults.pairs import AllPairs

#: Crashes do not care for the disk, only power cuts do; so a disk in memory will do.
_FAST = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
_AWAY = AWAY
WRONG: dict[str, Change] = {
    "intent-after-send": partial(remade, IntentAfterSend),
    "retry-on-timeout": partial(remade, RetryOnTimeout),
}
__all__ = ["WRONG", "Change", "Enumeration", "Outcome", "enumerate_all", "enumerate_pairs"]


def enumerate_all(
    platform: str,
    *,
    pairs: int = 0,
    seed: int = 0,
    long: bool = False,
    every: int = 1,
    by_server: int = 0,
    kills: tuple[int, ...] = (),
    change: Change | None = None,
    words: Sequence[str] = (),
) -> Outcome:
    """Run every single crash (or each ``every``-th), then seeded pairs; or one schedule."""
    base = str(_FAST) if _FAST.is_dir() else None
    with tempfile.TemporaryDirectory(dir=base) as made, networks(Path(made)) as world:
        run = Enumeration(platform, Path(made), world, long=long, change=change, words=words)
        if kills:
            run.run(*kills)
            return run.outcome
        for one in run.singles(every) if every else []:
            run.run(*one)
        for number in range(by_server):
            run.run_killed_by_server(("before", "after")[number % 2])
        dice = random.Random(seed)  # noqa: S311 - schedules that can be run again
        for _ in range(pairs):
            run.run(*dice.choices(range(1, run.outcome.points + 1), k=2))
        return run.outcome


def enumerate_pairs(
    platform: str,
    *,
    long: bool = False,
    every: int = 1,
    change: Change | None = None,
    words: Sequence[str] = (),
) -> Outcome:
    """Run all pairs of kills, or those that begin at each ``every``-th boundary."""
    base = str(_FAST) if _FAST.is_dir() else None
    with tempfile.TemporaryDirectory(dir=base) as made, networks(Path(made)) as world:
        run = AllPairs(platform, Path(made), world, long=long, change=change, words=words)
        run.run_all(every)
        return run.outcome


def main() -> int:
    """Print one line of JSON; 1 where anything went wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("platform", choices=["x", "mastodon", "bluesky"])
    parser.add_argument("--pairs", type=int, default=0)
    parser.add_argument("--all-pairs", action="store_true", help="see tests/faults/pairs.py")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--by-server", type=int, default=0, help="kills by the platform")
    parser.add_argument("--kills", type=numbers, default=(), help="of one schedule: 17,42")
    parser.add_argument("--publisher", choices=list(WRONG), help="one that is wrong")
    parser.add_argument("--long", action="store_true", help="a thread instead of one status")
    given = vars(parser.parse_args())
    words = _again(given)
    wrong = given.pop("publisher")
    change = WRONG[wrong] if wrong else None
    if given.pop("all_pairs"):
        asked = {name: given[name] for name in ("platform", "long", "every")}
        outcome = enumerate_pairs(**asked, change=change, words=words)
    else:
        outcome = enumerate_all(change=change, words=words, **given)
    return told(outcome)


def _again(given: dict[str, Any]) -> list[str]:
    """Write what a schedule of this enumeration is run again with."""
    wrong = ["--publisher", given["publisher"]] if given["publisher"] else []
    return [
        "tests.faults.crashes",
        given["platform"],
        *wrong,
        *(["--long"] if given["long"] else []),
    ]


if __name__ == "__main__":
    sys.exit(main())
