"""How long after its moment the request of each post is on the wire.

``python -m benchmarks.promptness [--small]``: 1,000 posts of 50 accounts over 150 seconds, each at
a moment of its own, on SQLite and by three replicas on PostgreSQL. Posts of all accounts at one
time are `benchmarks.replicas`.
"""

from __future__ import annotations

import sys
from dataclasses import replace

from benchmarks.page import Row, Section, alone
from benchmarks.sending import Load, all_once, send

#: Milliseconds.
AIMS = {0.5: 50, 0.99: 500}
_DATABASES = {"SQLite": 0, "PostgreSQL, 3 replicas": 3}
_FULL, _TRIAL = Load(50, 1000, 150.0, is_spread=True), Load(5, 20, 6.0, is_spread=True)


def _rows(small: bool) -> list[Row]:
    rows = []
    for database, replicas in _DATABASES.items():
        load = replace(_TRIAL if small else _FULL, replicas=replicas)
        sent = all_once(load, send(load))
        for share, aim in AIMS.items():
            late = 1000 * sent.percentile(share)
            rows.append(Row(_name(share, database), ("the aim", f"{late:.0f} ms", f"{aim} ms"),
                            late / aim))  # fmt: skip
    return rows


def _name(share: float, database: str) -> str:
    return f"lateness p{100 * share:.0f}, {database}"


SECTION = Section(
    "Promptness",
    "From the moment at which a post is due to its request at a stand-in server: 1,000 posts of 50"
    " accounts over 150 seconds, each at a moment of its own (`benchmarks/promptness.py`). The"
    " publisher with its scheduler and the Mastodon adapter, without planner, collector and desk;"
    " before the request stand the claim, one or two reads of the account, and the stored intent.",
    tuple(_name(share, database) for database in _DATABASES for share in AIMS),
    _rows,
    ("SQLite", "PostgreSQL", "sqlalchemy", "psycopg", "Mastodon.py"),
    "benchmarks-promptness.svg",
)

if __name__ == "__main__":
    sys.exit(alone(SECTION))
