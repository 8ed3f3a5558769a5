"""The smaller concerns of the store, on both databases."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import event

from bot.authority.approvals import Approval
from bot.authority.audit import first_break
from bot.authority.notices import Notice
from bot.authority.pauses import PauseState
from bot.authority.tables import StopReason
from bot.canonical import sha256_hex
from bot.content.model import Account
from bot.engagement.snapshots import SnapshotState
from bot.errors import BudgetSpentError, DecisionError, StoreError
from bot.operations.opening import open_store
from bot.planning.store import Store
from bot.platforms.spec import Charge, Limits
from bot.platforms.status import Metrics
from tests.integration.store_rows import NO_ROOM, NOW, copied_database, new_publication
from tests.servers.postgres import PostgresServer

ONE_WRITE, MINUTE = Charge("post", 1), timedelta(minutes=1)


def change_behind_its_back(store: Store, statement: str) -> None:
    with store._db.write() as connection:
        connection.exec_driver_sql(statement)


# --- approvals


def test_an_approval_counts_once_a_person_and_can_be_taken_back(store: Store) -> None:
    store.approvals.approve(Approval("f1", "p", "ana", "fine", {"letter": "abc"}, NOW))
    store.approvals.approve(Approval("f1", "p", "ben", "", {}, NOW))
    with pytest.raises(DecisionError, match="already"):
        store.approvals.approve(Approval("f1", "p", "ana", "", {}, NOW))
    assert [approval.by for approval in store.approvals.standing(fingerprint="f1")] == [
        "ana",
        "ben",
    ]

    quoting = [each for each in store.approvals.standing() if "letter" in each.sources]
    store.approvals.void(quoting, reason="the letter's file changed", now=NOW)

    assert [approval.by for approval in quoting] == ["ana"]
    assert [approval.by for approval in store.approvals.standing(post_id="p")] == ["ben"]
    store.approvals.approve(Approval("f1", "p", "ana", "", {}, NOW))
    assert [one.by for one in store.approvals.standing(fingerprint="f1")] == ["ben", "ana"]


# --- audit


def test_the_audit_log_holds_together(store: Store) -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=6)))
    assert first_break(store.audit.raw()) is None
    store.audit.write("ana", "pause", "all", why="a reason", now=elsewhere, detail={"n": [1, 2.5]})
    row = store.audit.write("ben", "resume", "all", now=NOW)

    assert first_break(store.audit.raw()) is None
    assert store.audit.head() == (2, row.sha256)
    assert [one.who for one in store.audit.rows()] == ["ben", "ana"]
    assert [one.who for one in store.audit.rows(limit=1)] == ["ben"]


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE audit SET who = 'eve' WHERE seq = 2", 2),
        ("UPDATE audit SET detail = '{\"x\":1}' WHERE seq = 3", 3),
        ("UPDATE audit SET detail = '{' WHERE seq = 3", 3),
        ("UPDATE audit SET at = at + 1 WHERE seq = 1", 1),
        ("DELETE FROM audit WHERE seq = 2", 2),
        ("DELETE FROM audit WHERE seq = 1", 1),
    ],
)
def test_tampering_with_the_audit_log_is_found(store: Store, statement: str, broken: int) -> None:
    for number in range(4):
        store.audit.write("ana", "approve", f"post {number}", now=NOW)

    change_behind_its_back(store, statement)

    assert first_break(store.audit.raw()) == broken


def test_two_writers_chain_to_each_other(store: Store) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: store.audit.write(f"w{n}", "v", "s", now=NOW), range(8)))

    assert (first_break(store.audit.raw()), store.audit.head()[0]) == (None, 8)


# --- ledger


def test_money_is_added_up_exactly_by_utc_month(store: Store) -> None:
    for _ in range(3):
        store.ledger.reserve("acc", ONE_WRITE, 0.015, now=NOW)
    store.ledger.reserve("acc", Charge("read", 20), 0.001, now=NOW)
    store.ledger.reserve("other", ONE_WRITE, 0.2, now=NOW)
    last_month = datetime(2026, 12, 1, 3, tzinfo=timezone(timedelta(hours=6)))
    store.ledger.reserve("acc", ONE_WRITE, 1.0, now=last_month)

    assert store.ledger.spent("acc", month_of=NOW) == 0.065
    assert store.ledger.spent("acc", month_of=last_month) == 1.0
    assert store.ledger.spent("nobody", month_of=NOW) == 0.0
    assert store.ledger.spent_by_action("acc", month_of=NOW) == {"post": 0.045, "read": 0.02}


#: Calls of one account in order: moment, estimate, what was then settled, what the month has cost.
BOOKINGS: list[list[tuple[timedelta, Charge, tuple[object, ...], float]]] = [
    [(timedelta(0), Charge("read", 100), (3,), 0.015)],  # settled to what was used
    [  # a resource is billed once a day
        (timedelta(0), Charge("read", 1, ("1",)), (), 0.005),
        (timedelta(hours=1), Charge("read", 1, ("1",)), (), 0.005),
        (timedelta(days=1), Charge("read", 1, ("1",)), (), 0.01),
    ],
    [  # of what came back only what is new that day; the other one was gone
        (timedelta(0), Charge("read", 2, ("1", "2")), (1, ["1"]), 0.005),
        (timedelta(0), Charge("read", 10), (3, ["1", "2", "3"]), 0.015),
    ],
    [  # a failed read does not count as paid
        (timedelta(0), Charge("read", 1, ("1",)), (0,), 0.0),
        (timedelta(0), Charge("read", 1, ("1",)), (), 0.005),
    ],
]


def test_what_a_platform_bills_is_what_is_booked(store: Store) -> None:
    for number, calls in enumerate(BOOKINGS):
        for after, charge, settled, cost in calls:
            booking = store.ledger.reserve(f"acc{number}", charge, 0.005, now=NOW + after)
            if settled:
                store.ledger.settle(booking, *settled)  # type: ignore[arg-type]  # a table of them
            assert store.ledger.spent(f"acc{number}", month_of=NOW) == cost, (number, after)


def test_a_booking_over_the_budget_is_not_made(store: Store) -> None:
    store.ledger.reserve("acc", ONE_WRITE, 0.015, now=NOW, budget_usd=0.03)
    store.ledger.reserve("acc", ONE_WRITE, 0.015, now=NOW, budget_usd=0.03)

    with pytest.raises(BudgetSpentError, match=r"0\.030 of 0\.03 USD"):
        store.ledger.reserve("acc", ONE_WRITE, 0.015, now=NOW, budget_usd=0.03)

    assert store.ledger.spent("acc", month_of=NOW) == 0.03


def test_two_workers_do_not_both_spend_the_last_cent(store: Store) -> None:
    def book(_number: int) -> bool:
        try:
            store.ledger.reserve("acc", ONE_WRITE, 0.01, now=NOW, budget_usd=0.03)
        except BudgetSpentError:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(book, range(6))) == 3


# --- accounts and pauses


def test_an_account_is_added_when_it_is_first_named_and_anew_when_it_comes_back(
    store: Store,
) -> None:
    later, last = NOW + timedelta(days=1), NOW + timedelta(days=2)
    one, two = Account("one", "mastodon"), Account("two", "x")
    store.accounts.sync([one, two], NOW)
    store.accounts.sync([one], later)
    store.accounts.sync([one, two], last)

    found = {account.name: account.added_at for account in store.accounts.all()}
    gone = store.accounts.get("acc")
    assert found == {"one": NOW, "two": last}
    assert gone is not None
    assert gone.removed_at == NOW
    assert store.accounts.get("nobody") is None


def test_each_reason_for_a_stop_is_lifted_on_its_own(store: Store) -> None:
    store.accounts.stop("acc", StopReason.UNAUTHORIZED, "401", NOW)
    store.accounts.stop("acc", StopReason.CONFIGURATION, "another server", NOW)
    store.accounts.stop("acc", StopReason.UNAUTHORIZED, "401 revoked", NOW)
    stopped = {StopReason.CONFIGURATION: "another server", StopReason.UNAUTHORIZED: "401 revoked"}
    assert stops(store) == stopped

    store.accounts.start("acc", StopReason.UNAUTHORIZED, StopReason.UNFIT)
    assert stops(store) == {StopReason.CONFIGURATION: "another server"}

    store.accounts.start("acc", StopReason.CONFIGURATION)
    assert stops(store) == {}


def stops(store: Store) -> Mapping[StopReason, str]:
    account = store.accounts.get("acc")
    assert account is not None
    return account.stops


def test_what_a_server_said_is_remembered(store: Store) -> None:
    limits = Limits(500, max_bytes=3000, picture_mimes=("image/webp", "image/png"))
    store.accounts.remember(
        "acc", remote_id="did:plc:x", limits=asdict(limits), profile={"handle": "h"}
    )
    store.accounts.remember("acc", profile={"handle": "new"})

    account = store.accounts.get("acc")
    assert account is not None
    assert (account.remote_id, account.limits, account.profile) == (
        "did:plc:x",
        limits,
        {"handle": "new"},
    )


def test_a_pause_lasts_until_it_is_resumed(store: Store) -> None:
    assert store.pauses.current() is None
    assert store.pauses.pause(PauseState("news", "ana", NOW))
    assert not store.pauses.pause(PauseState("other news", "ben", NOW))
    assert store.pauses.current() == PauseState("news", "ana", NOW, all_calls=False)
    assert store.pauses.pause(PauseState("stolen", "ben", NOW, all_calls=True))
    assert not store.pauses.pause(PauseState("stolen", "ben", NOW, all_calls=True))
    assert store.pauses.current() == PauseState("stolen", "ben", NOW, all_calls=True)

    assert store.pauses.resume("ben", NOW)
    assert not store.pauses.resume("ben", NOW)
    assert store.pauses.current() is None


# --- content, pictures, trust


def test_the_last_good_tree_stays_and_old_ones_go_in_time(store: Store) -> None:
    assert store.contents.last() is None
    for number in range(25):
        assert store.contents.apply(f"{number:064}", {"posts/a.yaml": f"text {number} ئۇيغۇر"}, NOW)
    assert not store.contents.apply(f"{24:064}", {}, NOW)

    assert store.contents.last() == (f"{24:064}", {"posts/a.yaml": "text 24 ئۇيغۇر"})


def test_a_picture_is_what_its_hash_says(store: Store) -> None:
    content = bytes(range(256)) * 10

    name = store.media.put(content, NOW)
    store.media.put(content, NOW)

    assert (name, store.media.get(name)) == (sha256_hex(content), content)
    with pytest.raises(StoreError, match="no picture"):
        store.media.get("0" * 64)
    change_behind_its_back(store, "UPDATE medium SET content = '123'")
    with pytest.raises(StoreError, match="no longer"):
        store.media.get(name)


def test_the_last_confirmed_trust_is_in_force(store: Store) -> None:
    assert store.trust.recorded() is None
    store.trust.record({"mode": "live"}, "first start", NOW)
    store.trust.record({"mode": "rehearsal", "coalition": ["@a"]}, "ana", NOW)

    assert store.trust.recorded() == {"mode": "rehearsal", "coalition": ["@a"]}


# --- notices, workers


def test_of_one_cause_one_process_tells(store: Store) -> None:
    first, over = Notice("held", NOW, "one is held"), Notice("held", NOW, "")

    assert store.notices.put(first, before=None)
    assert not store.notices.put(first, before=None)
    assert store.notices.put(over, before=first)
    assert not store.notices.put(over, before=first)
    assert store.notices.all() == {"held": over}

    store.notices.forget("held")
    assert store.notices.all() == {}


def test_a_worker_is_alive_while_it_gives_signs(store: Store) -> None:
    store.workers.beat("publisher", {"account": "acc"}, NOW)
    store.workers.beat("publisher", {"account": "other"}, NOW + timedelta(seconds=50))

    (beat,) = store.workers.alive(NOW + timedelta(seconds=100), MINUTE)
    assert (beat.facts, beat.beat_at) == ({"account": "other"}, NOW + timedelta(seconds=50))
    assert store.workers.alive(NOW + timedelta(seconds=200), MINUTE) == ()


def test_a_replica_is_missed_for_a_day_unless_it_ended_in_order(store: Store) -> None:
    minute, kept = timedelta(minutes=1), not store._db.is_sqlite
    for name in ("frozen", "ended"):
        store.workers.beat(name, {"machine": name}, NOW)
    store.workers.forget("ended")

    assert store.workers.silent(NOW + minute / 2, minute) == ()
    names = [beat.name for beat in store.workers.silent(NOW + 2 * minute, minute)]
    assert names == ["frozen"] * kept, "an embedded database has one service, and its successor"
    assert store.workers.silent(NOW + timedelta(days=2), minute) == ()


def test_a_sign_of_life_that_says_nothing_new_writes_no_row(
    migrated_file: Path, tmp_path: Path
) -> None:
    url = copied_database(migrated_file, tmp_path / "data")
    store = open_store(url, create=True, room=NO_ROOM)
    beat = store.workers.beat
    facts = {"damage": ""}
    beat("w", facts, NOW)
    before = (tmp_path / "data" / "live.db").stat().st_mtime_ns
    beat("w", facts, NOW + timedelta(minutes=9))
    assert (tmp_path / "data" / "live.db").stat().st_mtime_ns == before

    (alive,) = store.workers.alive(NOW + timedelta(seconds=550), timedelta(seconds=15))

    assert alive.beat_at == NOW + timedelta(minutes=9)
    assert store.workers.alive(NOW + timedelta(seconds=560), timedelta(seconds=15)) == ()
    beat("w", {"damage": "broken"}, NOW + timedelta(seconds=545))
    (alive,) = store.workers.alive(NOW + timedelta(seconds=550), MINUTE)
    assert alive.facts == {"damage": "broken"}
    store.close()


# --- numbers


def test_a_snapshot_is_taken_once_and_an_untold_number_stays_untold(store: Store) -> None:
    store.outbox.add(new_publication(), now=NOW)
    hour, day = NOW + timedelta(hours=1), NOW + timedelta(days=1)
    store.snapshots.schedule("d1", {"1h": hour, "24h": day})
    store.snapshots.schedule("d1", {"1h": day})
    assert [snapshot.age_label for snapshot in store.snapshots.due(hour)] == ["1h"]
    assert [read.age_label for read in store.snapshots.to_come("acc")] == ["1h", "24h"]
    assert store.snapshots.to_come("other") == ()

    assert store.snapshots.put("d1", "1h", taken_at=hour, metrics=Metrics(likes=0, reposts=3))
    assert not store.snapshots.put("d1", "1h", taken_at=day, metrics=Metrics(likes=9))
    assert [read.age_label for read in store.snapshots.to_come("acc")] == ["24h"]
    gone = {"outcome": SnapshotState.GONE, "reason": "deleted"}
    assert store.snapshots.put("d1", "24h", taken_at=day, **gone)  # type: ignore[arg-type]  # keywords

    first, second = store.snapshots.of("d1")
    assert (first.outcome, first.metrics) == (SnapshotState.TAKEN, Metrics(likes=0, reposts=3))
    assert (second.outcome, second.reason, second.metrics) == (
        SnapshotState.GONE,
        "deleted",
        Metrics(),
    )
    assert store.snapshots.due(day + timedelta(days=1)) == ()


def test_followers_are_counted_once_a_utc_day(store: Store) -> None:
    store.followers.put("acc", 10, datetime(2026, 12, 9, 1, tzinfo=UTC))
    store.followers.put("acc", 12, datetime(2026, 12, 9, 23, tzinfo=UTC))
    store.followers.put("acc", 11, datetime(2026, 12, 10, 1, tzinfo=UTC))

    assert store.followers.of("acc") == {"2026-12-09": 12, "2026-12-10": 11}


def test_a_row_that_is_not_even_json_is_a_store_error(store: Store) -> None:
    store.workers.beat("publisher", {}, NOW)
    change_behind_its_back(store, "UPDATE worker SET facts = '{'")

    with pytest.raises(StoreError, match="cannot be read"):
        store.workers.alive(NOW, MINUTE)


def test_reads_together_see_one_state_whoever_writes_meanwhile(
    postgres_server: PostgresServer, migrated_database: str, tmp_path: Path
) -> None:
    with (
        postgres_server.database(template=migrated_database) as url,
        closing(open_store(url, create=True, data=tmp_path / "one", room=NO_ROOM)) as store,
        closing(open_store(url, create=True, data=tmp_path / "two", room=NO_ROOM)) as other,
    ):
        with store.looking():
            before = store.accounts.all()
            other.accounts.sync([Account("new", "bluesky")], NOW)
            meanwhile = store.accounts.all()
        after = store.accounts.all()

    assert (len(before), len(meanwhile), len(after)) == (0, 0, 1)


def test_reads_together_are_one_transaction_that_writes_nothing(store: Store) -> None:
    begun: list[str] = []
    event.listen(store._db.engine, "begin", lambda _connection: begun.append("begin"))

    with store.looking():
        assert store.pauses.current() is None
        with store.looking():
            assert len(store.accounts.all()) == 1
        with pytest.raises(RuntimeError, match="nothing is written"), store.transaction():
            pass
        assert store.users.all() == ()

    assert begun == ["begin"]
    store.pauses.current()
    assert begun == ["begin", "begin"]
