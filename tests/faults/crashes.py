"""Kills a delivery's life at every boundary there is, and lets the platforms' ledger judge.

``python -m tests.faults.crashes x`` enumerates one platform and prints what came of it as JSON;
``--pairs N --seed S`` kills a second time, within the recovery from the first, ``--all-pairs`` at
each of its boundaries; ``--kills 17,42`` runs just one schedule.
"""

from __future__ import annotations

import random
import sys
import tempfile
from functools import partial
from pathlib import Path

from tests.faults.broken import IntentAfterSend, RetryOnTimeout, remade
from tests.faults.enumeration import Change, Enumeration, print_outcome, schedules_parser
from tests.faults.ledgers import PLATFORMS, networks
from tests.faults.pairs import AllPairs

#: Crashes do not care for the disk, only power cuts do; so a disk in memory will do.
_FAST = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
WRONG: dict[str, Change] = {
    "intent-after-send": partial(remade, IntentAfterSend),
    "retry-on-timeout": partial(remade, RetryOnTimeout),
}


def main() -> int:
    """Print one line of JSON; 1 where anything went wrong."""
    parser = schedules_parser()
    parser.add_argument("platform", choices=PLATFORMS)
    parser.add_argument("--pairs", type=int, default=0)
    parser.add_argument("--all-pairs", action="store_true", help="see tests/faults/pairs.py")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--by-server", type=int, default=0, help="kills by the platform")
    parser.add_argument("--publisher", choices=list(WRONG), help="one that is wrong")
    parser.add_argument("--long", action="store_true", help="a thread instead of one status")
    given = parser.parse_args()
    # What a schedule of this enumeration is run again with.
    words = [
        "tests.faults.crashes",
        given.platform,
        *(["--publisher", given.publisher] if given.publisher else []),
        *(["--long"] if given.long else []),
    ]
    change = WRONG[given.publisher] if given.publisher else None
    base = str(_FAST) if _FAST.is_dir() else None
    with tempfile.TemporaryDirectory(dir=base) as made, networks(Path(made)) as world:
        if given.all_pairs:
            every_pair = AllPairs(
                given.platform, Path(made), world, long=given.long, change=change, words=words
            )
            every_pair.run_all(given.every)
            return print_outcome(every_pair.outcome)
        run = Enumeration(
            given.platform, Path(made), world, long=given.long, change=change, words=words
        )
        run.run_singles(given.every, given.kills)
        if not given.kills:
            run_chosen(run, by_server=given.by_server, pairs=given.pairs, seed=given.seed)
        return print_outcome(run.outcome)


def run_chosen(run: Enumeration, *, by_server: int, pairs: int, seed: int) -> None:
    """Run so many kills by the platform, and so many seeded pairs of kills."""
    for number in range(by_server):
        run.run_killed_by_server(("before", "after")[number % 2])
    dice = random.Random(seed)  # noqa: S311 - schedules that can be run again
    for _ in range(pairs):
        run.run(*dice.choices(range(1, run.outcome.points + 1), k=2))


if __name__ == "__main__":
    sys.exit(main())
