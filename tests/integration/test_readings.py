"""What a post brought, from the snapshots of its statuses."""

from __future__ import annotations

from datetime import timedelta

from bot.engagement.readings import readings
from bot.engagement.snapshots import SnapshotState
from bot.planning.store import Store
from bot.platforms.status import Metrics, Status
from tests.fakes.engaged import sent
from tests.integration.store_rows import NOW, new_publication

HOUR = timedelta(hours=1)


def test_own_replies_are_no_engagement(store: Store) -> None:
    """A thread of two parts, and a correction under the second: each engages nobody."""
    thread = new_publication(Status("one"), Status("two"), ids=("d1", "d2"))
    late = NOW + 2 * HOUR
    fix = new_publication(Status("fix"), id="c", post_id="fix", reply_to="d2", due_at=late)
    sent(store, thread, NOW)
    sent(store, fix, late)
    for age, hours in {"1h": 1, "6h": 6}.items():
        for part in ("d1", "d2"):
            store.snapshots.schedule(part, {age: NOW + hours * HOUR})
            store.snapshots.put(
                part, age, taken_at=NOW + hours * HOUR, outcome=SnapshotState.TAKEN,
                metrics=Metrics(likes=1, reposts=0, replies=3 if part == "d1" else 1),
            )  # fmt: skip

    read = {reading.post_id: reading for reading in readings(store)}["p"]

    # Of four replies, one was the thread's own; in the sixth hour one more was the correction.
    assert {age: numbers.replies for age, numbers in read.numbers.items()} == {"1h": 3, "6h": 2}
