"""5,000 deliveries due in one minute over 500 accounts: how late, in which order, within the caps.

``python -m benchmarks.load [--accounts 500] [--deliveries 5000] [--over 60] [--call 0.2]`` works
a SQLite database with the service's own scheduler and a platform that takes so long for each call;
``--replicas 4`` lets so many processes work a PostgreSQL database.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from itertools import pairwise

from benchmarks.sending import Load, Sent, send
from bot.log import configure


def main() -> int:
    """Run, and print what came of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--accounts", type=int, default=500)
    parser.add_argument("--deliveries", type=int, default=5000)
    parser.add_argument("--over", type=float, default=60, help="seconds over which they are due")
    parser.add_argument("--call", type=float, default=0.2, help="seconds that each call takes")
    parser.add_argument("--replicas", type=int, default=0, help="on PostgreSQL; 0 is SQLite")
    given = parser.parse_args()
    configure(form="json", level="ERROR")
    load = Load(**vars(given), has_caps=True)
    return _report(load, send(load))


def _report(load: Load, sent: Sent) -> int:
    disorder = sum(
        before[1] > after[1] for taken in sent.taken.values() for before, after in pairwise(taken)
    )
    texts = [text for taken in sent.taken.values() for _at, text in taken]
    twice = len(texts) - len(set(texts))
    over = sum(len(sent.taken.get(name, ())) > (one.max_per_hour or sys.maxsize)
               for name, one in load.names.items())  # fmt: skip
    # Fair: the account that waits longest on average, against the median one.
    waits = sorted(map(statistics.fmean, sent.late.values()))
    print(
        f"{len(texts)} of {load.deliveries} taken in {sent.seconds:.1f} s ({sent.rate:.0f}/s),"
        f" sent {sent.sent}, kept for later {load.deliveries - load.wanted}, twice {twice},"
        f" out of order {disorder}, over their cap {over};"
        f" lateness p50 {sent.percentile(0.5):.3f} s, p99 {sent.percentile(0.99):.3f} s,"
        f" max {sent.lateness[-1]:.3f} s; an account's mean: median {statistics.median(waits):.2f}"
        f" s, worst {waits[-1]:.2f} s"
    )
    return 1 if twice or disorder or over or sent.sent != load.wanted else 0


if __name__ == "__main__":
    sys.exit(main())
