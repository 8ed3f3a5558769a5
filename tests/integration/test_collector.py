"""The collector on a moved clock: what is read when, and what then stands in the database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.clock import FastClock
from bot.content.model import Account
from bot.delivery.lifecycle import Event
from bot.delivery.model import State
from bot.engagement.ages import AGES
from bot.engagement.collector import Tally
from bot.engagement.snapshots import SnapshotState
from bot.errors import OverBudgetError, UnavailableError
from bot.planning.store import Store
from bot.platforms.spec import Charge
from bot.platforms.status import Metrics
from tests.fakes.engaged import sent
from tests.fakes.measured import CountedPlatform, MeasuredAccount
from tests.integration.store_rows import HELLO, new_publication

SENT = datetime(2026, 12, 9, 9, 0, tzinfo=UTC)
LIKED = Metrics(5, 2, 1, 1)
X = Account("acc", "x", budget_usd_per_month=1.0)


class CountedAccount(MeasuredAccount):
    """An account whose platform tells what a test wrote down."""

    platform: CountedPlatform

    def send(self, id_: str = "d1") -> None:
        made = new_publication(
            id=id_, post_id=id_, platform=self.account.platform, due_at=self.clock.now()
        )
        sent(self.store, made, self.clock.now())
        self.platform.numbers[f"id-{id_}"] = LIKED

    def collect(self, age: timedelta) -> Tally:
        """Collect that long after `SENT`."""
        self.clock.advance(SENT + age - self.clock.now())
        return self.collector.run()

    def outcomes(self, id_: str = "d1") -> dict[str, SnapshotState]:
        return {snapshot.age_label: snapshot.outcome for snapshot in self.store.snapshots.of(id_)}


def counted(store: Store, account: Account | None = None) -> CountedAccount:
    account = account or Account("acc", "bluesky")
    return CountedAccount(store, account, lambda _clock: CountedPlatform(), FastClock(SENT))


def test_a_post_is_read_once_at_each_age_and_its_numbers_are_kept_as_told(store: Store) -> None:
    acc = counted(store)
    acc.send()

    for hours in (*range(4 * 24), *range(4 * 24, 31 * 24, 6)):
        acc.collect(timedelta(hours=hours, minutes=1))

    found = store.snapshots.of("d1")
    assert [one.taken_at for one in found] == [
        SENT + after + timedelta(minutes=1) for after in AGES.values()
    ]
    assert len(acc.platform.reads) == len(AGES)
    assert {(one.metrics, one.metrics.impressions) for one in found} == {(LIKED, None)}


def test_posts_that_are_due_together_are_read_together(store: Store) -> None:
    acc = counted(store)
    for id_ in ("d1", "d2", "d3"):
        acc.send(id_)

    tally = acc.collect(timedelta(hours=1))

    assert acc.platform.reads == [("id-d1", "id-d2", "id-d3")]
    assert tally.taken == 3


def test_own_replies_are_no_engagement(store: Store) -> None:
    """The second part of a thread, and later a correction under it: each engages nobody."""
    acc = counted(store)
    sent(store, new_publication(HELLO, HELLO, ids=("d1", "d2"), due_at=SENT), SENT)
    told = {"d1": Metrics(1, 0, 4, 0), "d2": Metrics(1, 0, 1, 0)}
    acc.platform.numbers |= {f"id-{id_}": metrics for id_, metrics in told.items()}
    acc.collect(timedelta(hours=1))
    late = SENT + timedelta(hours=2)
    sent(store, new_publication(id="c", post_id="c", reply_to="d2", due_at=late), late)
    acc.platform.numbers["id-c"] = Metrics(0, 0, None, 0)

    acc.collect(timedelta(hours=6))

    reads = [store.snapshots.of(id_) for id_ in ("d1", "d2")]
    by_others = [[one.metrics.replies for one in read if one.taken_at] for read in reads]
    assert by_others == [[3, 3], [1, 0]]


def test_a_read_that_fails_is_tried_again_while_its_window_is_open(store: Store) -> None:
    acc = counted(store)
    acc.send()
    acc.platform.errors.append(UnavailableError("bluesky", "answered 503"))

    acc.collect(timedelta(hours=1))
    pending = store.snapshots.of("d1")[0]
    acc.collect(timedelta(hours=1, minutes=4))

    assert (pending.outcome, pending.reason) == (SnapshotState.DUE, "bluesky: answered 503")
    assert acc.outcomes()["1h"] is SnapshotState.TAKEN


def test_a_read_that_keeps_failing_has_failed_with_its_reason(store: Store) -> None:
    acc = counted(store)
    acc.send()
    acc.platform.errors.extend([UnavailableError("bluesky", "answered 503")] * 2)

    for minutes in (60, 64, 67):
        acc.collect(timedelta(minutes=minutes))

    failed = store.snapshots.of("d1")[0]
    assert (failed.outcome, failed.reason) == (SnapshotState.FAILED, "bluesky: answered 503")
    assert failed.metrics == Metrics(), "no number is made up"
    assert len(acc.platform.reads) == 2


def test_what_was_due_while_the_bot_was_off_is_missed_and_not_read_late(store: Store) -> None:
    acc = counted(store)
    acc.send()
    acc.collector.schedule()

    acc.collect(timedelta(hours=24))

    outcomes = acc.outcomes()
    assert [outcomes[age] for age in ("1h", "6h", "24h")] == [
        SnapshotState.MISSED, SnapshotState.MISSED, SnapshotState.TAKEN,
    ]  # fmt: skip
    assert "late" in store.snapshots.of("d1")[0].reason


def test_a_deleted_post_is_gone_and_is_not_asked_for_again(store: Store) -> None:
    acc = counted(store)
    acc.send()
    acc.collect(timedelta(hours=1))
    del acc.platform.numbers["id-d1"]

    acc.collect(timedelta(hours=6))
    acc.collect(timedelta(hours=24))

    row = store.outbox.get("d1")
    assert row is not None
    assert row.state is State.GONE
    assert list(acc.outcomes().values()) == [SnapshotState.TAKEN, *[SnapshotState.GONE] * 5]
    assert len(acc.platform.reads) == 2


def test_a_live_post_without_numbers_is_not_taken_for_gone(store: Store) -> None:
    acc = counted(store)
    acc.send()
    acc.platform.numbers.clear()
    acc.platform.silent.add("id-d1")

    acc.collect(timedelta(hours=1))

    row = store.outbox.get("d1")
    assert row is not None
    assert row.state is State.SENT
    assert "no numbers of a live post" in store.snapshots.of("d1")[0].reason


def test_a_retracted_post_is_not_read(store: Store) -> None:
    acc = counted(store)
    acc.send()
    acc.collector.schedule()
    store.outbox.move("d1", Event.RETRACT, now=SENT, actor="anna")

    acc.collect(timedelta(hours=1))

    assert (acc.outcomes()["1h"], acc.platform.reads) == (SnapshotState.GONE, [])


def test_one_worker_reads_and_the_next_takes_over_if_it_died(store: Store) -> None:
    acc = counted(store)
    acc.send()
    acc.collector.schedule()
    now = SENT + timedelta(hours=1)
    due, until = store.snapshots.due(now), now + timedelta(minutes=3)

    first, second = store.snapshots.claim(due, until), store.snapshots.claim(due, until)
    acc.collect(timedelta(hours=1, minutes=4))

    assert (len(first), len(second)) == (1, 0)
    assert acc.outcomes()["1h"] is SnapshotState.TAKEN


def test_an_account_that_left_the_schedule_is_not_asked(store: Store) -> None:
    acc = counted(store, Account("other", "bluesky"))
    sent(store, new_publication(due_at=SENT), SENT)

    acc.collect(timedelta(hours=1))

    assert acc.platform.reads == []
    assert "not in the schedule" in store.snapshots.of("d1")[0].reason


# -- money


def test_reads_are_given_up_before_the_posts_of_the_month(store: Store) -> None:
    acc = counted(store, X)
    acc.send()
    store.outbox.add(
        new_publication(id="d2", platform="x", cost_usd=0.2,
                     due_at=SENT + timedelta(days=3)),
        now=SENT,
    )  # fmt: skip
    store.ledger.reserve("acc", Charge("post", 1), 0.797, now=SENT)

    for minutes in (60, 67):
        acc.collect(timedelta(minutes=minutes))

    missed = store.snapshots.of("d1")[0]
    assert acc.platform.reads == []
    assert missed.outcome is SnapshotState.MISSED
    assert missed.reason.startswith("given up for the posts to come: $0.20 are left")


def test_the_first_reads_that_can_be_paid_are_made(store: Store) -> None:
    acc = counted(store, X)
    acc.send("d1")
    acc.send("d2")
    store.ledger.reserve("acc", Charge("post", 1), 0.994, now=SENT)

    tally = acc.collect(timedelta(hours=1))

    assert (acc.platform.reads, tally.put_off) == ([("id-d1",)], 1)


def test_a_meter_that_says_no_counts_as_given_up(store: Store) -> None:
    acc = counted(store, X)
    acc.send()
    acc.platform.errors.append(OverBudgetError("x", "0.99 of 1.00 USD are spent"))

    for minutes in (60, 67):
        acc.collect(timedelta(minutes=minutes))

    assert acc.outcomes()["1h"] is SnapshotState.MISSED


# -- followers


def test_followers_are_counted_once_a_utc_day(store: Store) -> None:
    acc = counted(store)
    acc.platform.followers = 1200
    acc.send()

    for hours in range(48):
        acc.collect(timedelta(hours=hours))

    assert store.followers.of("acc") == {"2026-12-09": 1200, "2026-12-10": 1200, "2026-12-11": 1200}
    assert acc.platform.profiles == 3


def test_what_the_daily_look_at_the_account_told_is_not_asked_again(store: Store) -> None:
    acc = counted(store)
    acc.send()
    store.accounts.remember("acc", profile={"followers": 77, "seen_at": SENT.isoformat()})

    acc.collect(timedelta(minutes=1))

    assert (store.followers.of("acc"), acc.platform.profiles) == ({"2026-12-09": 77}, 0)


def test_followers_that_cannot_be_read_are_asked_for_an_hour_later(store: Store) -> None:
    acc = counted(store)
    acc.send()
    acc.platform.followers = 9
    acc.platform.unseen.append(UnavailableError("bluesky", "answered 503"))

    for minutes in range(62):
        acc.collect(timedelta(minutes=minutes))

    assert acc.platform.profiles == 2
    assert store.followers.of("acc") == {"2026-12-09": 9}


def test_followers_too_are_given_up_before_posts(store: Store) -> None:
    acc = counted(store, X)
    acc.send()
    store.ledger.reserve("acc", Charge("post", 1), 0.995, now=SENT)

    acc.collect(timedelta(minutes=1))

    assert acc.platform.profiles == 0


def test_untold_followers_are_no_row(store: Store) -> None:
    acc = counted(store)
    acc.send()

    acc.collect(timedelta(minutes=1))

    assert store.followers.of("acc") == {}
