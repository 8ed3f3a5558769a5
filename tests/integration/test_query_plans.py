"""What is asked often is answered by an index, however long the history is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, event

from bot.clock import FastClock
from bot.delivery.model import State
from bot.engagement.costs import kept_for_posts, read_days
from bot.engagement.monthly import MonthlyReporter, Period
from bot.engagement.report import Report, Reporter
from bot.operations.status import status_of
from bot.planning.store import Store
from bot.platforms.registry import PLATFORMS
from bot.platforms.spec import Charge
from tests.fakes.engaged import engaged_campaign
from tests.integration.store_rows import NOW, ready

DAY = timedelta(days=1)
#: Tables that grow with the history.
_GROWING = "delivery|publication|snapshot|attempt|move|charge|follower"
#: Indexes that hold only what is new, or was withdrawn.
_SMALL_INDEX = ("INDEX ix_delivery_unnoted", "INDEX ix_publication_withdrawn")
#: What sums over all that there ever was are made from.
_SUMMED = "COVERING INDEX ix_publication_post"


SPECS = {name: kind.spec for name, kind in PLATFORMS.items()}


def reported(store: Store) -> Report:
    return Reporter(store, FastClock(NOW), engaged_campaign(), SPECS).report()


HOT: dict[str, Callable[[Store], object]] = {
    "tick: who has work": lambda store: store.outbox.accounts_with_work(NOW),
    "tick: next": lambda store: store.outbox.next_wake(NOW),
    "tick: in doubt": lambda store: store.outbox.unknown(NOW),
    "account watch": lambda store: store.outbox.ours("acc", {"1", "https://social.example/1"}),
    "account watch: in doubt": lambda store: store.outbox.find(states={State.HELD}, account="acc"),
    "tick: in the air": lambda store: store.outbox.find(states={State.SENDING}),
    "beat": lambda store: store.outbox.expire(NOW),
    "release": lambda store: store.outbox.due("acc", NOW),
    "claim": lambda store: store.outbox.claim("acc", now=NOW, owner="w", lease=DAY),
    "caps": lambda store: store.outbox.begun_since("acc", NOW - DAY),
    "budget": lambda store: store.ledger.reserve("acc", Charge("post", 1), 0.1, now=NOW),
    "spent": lambda store: store.ledger.spent_by_action("acc", month_of=NOW),
    "kept for posts": lambda store: kept_for_posts(store, "acc", NOW),
    "plan": lambda store: [
        store.outbox.for_planning(), store.outbox.begun(NOW, ["p"]), store.outbox.turns(NOW, ["p"])
    ],
    "plan: clock": lambda store: store.outbox.last_change(),
    "held": lambda store: store.outbox.find(states={State.HELD, State.FAILED}),
    "unapproved": lambda store: store.outbox.find(states={State.PLANNED}, until=NOW),
    "status": lambda store: status_of(
        store, engaged_campaign().schedule, FastClock(NOW)
    ),
    "calendar": lambda store: (
        store.outbox.find(since=NOW - DAY, until=NOW + DAY),
        store.outbox.under_way(NOW - DAY, NOW + DAY),
    ),
    "today": lambda store: store.outbox.last_out(4, NOW - DAY),
    "post": lambda store: store.outbox.find(states={State.SENT}, post_id="p"),
    "decide": lambda store: store.outbox.starting_with("d1"),
    "history": lambda store: (store.outbox.moves_of("d1"), store.outbox.attempts_of("d1")),
    "collect": lambda store: (store.snapshots.unscheduled(), store.snapshots.due(NOW)),
    "collect: followers": lambda store: (
        store.outbox.has_sent("acc"), store.followers.last("acc", NOW.date(), NOW.date()),
    ),
    "collect: numbers": lambda store: store.snapshots.put("d1", "1h", taken_at=NOW),
    "forecast": lambda store: read_days(store, "acc", [], NOW),
    "deliveries": lambda store: list(store.outbox.each()),
    "deliveries of a state": lambda store: list(store.outbox.each(states={State.SENT})),
    "engagement": lambda store: [
        *reported(store).lines["post"], *reported(store).usual["account"],
        *reported(store).day_parts, *reported(store).blanks, *reported(store).newest(9),
        *reported(store).newest(9, only_blank=True),
    ],
    "report of a month": lambda store: MonthlyReporter(
        store, FastClock(NOW), engaged_campaign()
    ).figures(Period.of_month("2026-12")),
    "export": lambda store: list(store.snapshots.each()),
}  # fmt: skip


@contextmanager
def statements_of(store: Store) -> Iterator[list[tuple[str, Any]]]:
    """Yield what is sent to the database meanwhile."""
    seen: list[tuple[str, Any]] = []

    def note(
        _connection: Connection, _cursor: object, statement: str, values: Any, *_: object
    ) -> None:
        if statement.split()[0] in {"SELECT", "UPDATE", "WITH"}:
            seen.append((statement, values))

    event.listen(store._db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(store._db.engine, "before_cursor_execute", note)


def plan_of(store: Store, statement: str, values: Any) -> list[str]:
    with store._db.engine.connect() as connection:
        if store.is_sqlite:
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
            return [row.detail for row in rows]
        # Of a table with a few rows it would read all of them anyway.
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        return [row[0] for row in connection.exec_driver_sql(f"EXPLAIN {statement}", values)]


def test_no_question_reads_all_of_the_history(store: Store) -> None:
    ready(store)
    store.snapshots.schedule("d1", {"1h": NOW})
    scans = re.compile(rf"\b(SCAN|Seq Scan on) ({_GROWING})\b")
    bad = []
    for name, ask in HOT.items():
        with statements_of(store) as seen:
            ask(store)
        assert seen, name
        for statement, values in seen:
            for line in plan_of(store, statement, values):
                is_allowed = any(index in line for index in _SMALL_INDEX)
                is_allowed |= name == "engagement" and _SUMMED in line
                # As good as a scan: most deliveries of a history are in that state.
                is_half = "delivery_state_account_sent_at (state=?)" in line
                if (scans.search(line) and not is_allowed) or (is_half and name == "engagement"):
                    bad.append(f"{name}: {line}\n{statement}")

    assert not bad, "\n\n".join(bad)
