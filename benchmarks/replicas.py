"""What more replicas bring on PostgreSQL where much is due at once.

``python -m benchmarks.replicas [--small]``: 5,000 deliveries due in one minute over 500 accounts,
all accounts at the same moments, with 1, 2 and 4 replicas.
"""

from __future__ import annotations

import sys

from benchmarks.page import Row, Section, alone
from benchmarks.sending import Load, Sent, all_once, send

_REPLICAS = (1, 2, 4)
_SHARES = {"p50": 0.5, "p99": 0.99}


def _rows(small: bool) -> list[Row]:
    accounts, deliveries, over = (10, 40, 1.0) if small else (500, 5000, 60.0)
    runs: dict[int, Sent] = {}
    for replicas in _REPLICAS:
        load = Load(accounts, deliveries, over, replicas=replicas)
        runs[replicas] = all_once(load, send(load))
    return rows_of(runs)


def rows_of(runs: dict[int, Sent]) -> list[Row]:
    """Return what each number of replicas did, beside one of them."""
    rows, single = [], runs[1]
    for count, sent in runs.items():
        if count > 1:
            rows.append(Row(f"throughput, {_name(count)}",
                            ("1 replica", f"{sent.rate:.1f}/s", f"{single.rate:.1f}/s"),
                            single.rate / sent.rate))  # fmt: skip
        for label, share in _SHARES.items():
            late, alone_late = sent.percentile(share), single.percentile(share)
            against = ("1 replica", f"{late:.2f} s", f"{alone_late:.2f} s")
            if count > 1:
                rows.append(Row(f"lateness {label}, {_name(count)}", against, late / alone_late))
        rows.append(Row(f"fairness, {_name(count)}",
                        ("all accounts alike", f"Jain's index {sent.fairness:.3f}", "1"),
                        1 / sent.fairness))  # fmt: skip
        each = sent.transactions / sent.sent
        rows.append(Row(f"database load, {_name(count)}",
                        ("one transaction a delivery", f"{each:.1f}", "1"), each))  # fmt: skip
    return rows


def _name(count: int) -> str:
    return f"{count} replica{'s' if count > 1 else ''}"


def _names() -> tuple[str, ...]:
    return tuple(
        f"{kind}, {_name(count)}"
        for count in _REPLICAS
        for kind in ("throughput", "lateness p50", "lateness p99", "fairness", "database load")
        if count > 1 or kind in {"fairness", "database load"}
    )


SECTION = Section(
    "Replicas",
    "5,000 deliveries due in one minute over 500 accounts on one PostgreSQL, ten moments that all"
    " accounts share (`benchmarks/replicas.py`). Less is better in the ratio of throughput, too: it"
    " is what one replica did in what more of them do. Fairness is of what each account had out"
    " when half of all was out; the load is the database's transactions in all, looks for work"
    " included.",
    _names(),
    _rows,
    ("PostgreSQL", "sqlalchemy", "psycopg", "Mastodon.py"),
    "benchmarks-replicas.svg",
)

if __name__ == "__main__":
    sys.exit(alone(SECTION))
