"""What the enumeration, the storms and the state machine have found: each once, for good."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.db.backup import restore
from bot.db.diskspace import Room
from bot.db.lock import lock_beside
from bot.delivery.lifecycle import Event
from bot.delivery.model import HoldReason, State
from bot.delivery.restore_guard import mark_restored
from bot.engine.scheduler import Every
from bot.errors import UnconfirmedError
from bot.operations.opening import open_store
from bot.platforms.status import Draft
from tests.fakes.newsroom import DAY, MINUTE, NINE, Newsroom, post


def test_a_first_start_that_died_before_its_log_began_holds_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'data' / 'live.db'}"
    open_store(url, create=True, room=Room(0, 0)).close()
    (tmp_path / "data" / "live.sent.log").write_bytes(b'{"at":"2026-')

    store = open_store(url, create=True, room=Room(0, 0))

    assert store.restore_guard.reason() is None
    store.close()


def test_what_comes_due_after_a_restore_was_settled_goes_out(newsroom: Newsroom) -> None:
    newsroom.write(post("one", at=NINE))
    newsroom.start()
    newsroom.approve("one")
    newsroom.store.backup(newsroom.root / "backup.db")
    lock = lock_beside(newsroom.store.outbox._log.path)
    newsroom.stop()
    restore(
        newsroom.root / "backup.db", newsroom.root / "data" / "live.db", lock=lock,
        now=newsroom.clock.now(),
    )  # fmt: skip

    newsroom.start()
    newsroom.bot.beat()
    newsroom.wait(NINE + MINUTE)

    assert newsroom.states() == {"one/m/0": "SENT"}


def test_an_account_that_was_removed_keeps_no_restore_from_being_settled(
    newsroom: Newsroom,
) -> None:
    newsroom.use("m", "b")
    newsroom.write(post("one", at=NINE), post("two", at=NINE + DAY))
    for _ in range(4):
        newsroom.servers["b"].fails(UnconfirmedError("bluesky", "504"))
    newsroom.start()
    newsroom.approve("one", "two")
    newsroom.wait(NINE + 2 * timedelta(hours=1))
    (held,) = (row for row in newsroom.rows("one") if row.account == "b")
    assert held.state is State.HELD
    assert held.draft is not None
    mark_restored(newsroom.store._db, "restored by hand")
    newsroom.use("m")

    newsroom.restart()
    newsroom.bot.beat()
    newsroom.approve("two")  # it goes to fewer accounts than what was approved
    newsroom.wait(NINE + DAY + MINUTE)

    assert newsroom.states()["two/m/0"] == "SENT"


def test_a_replica_that_was_faster_is_no_failure(newsroom: Newsroom) -> None:
    newsroom.write(post("one", at=NINE))
    newsroom.start()
    newsroom.approve("one")
    newsroom.clock.advance(NINE - newsroom.clock.now())
    (due,) = newsroom.store.outbox.due("m", NINE)
    newsroom.store.outbox.move(
        due.id, Event.HOLD, now=NINE, actor="another", reason=HoldReason.LATE
    )

    releaser = newsroom.bot.releaser
    releaser._release(due, releaser._gate("m"), NINE)

    assert newsroom.states() == {"one/m/0": "HELD late"}


def test_what_a_dead_replica_left_is_taken_over_at_once(newsroom: Newsroom) -> None:
    newsroom.write(post("one", at=NINE))
    newsroom.start()
    newsroom.approve("one")
    newsroom.clock.advance(NINE - newsroom.clock.now())
    newsroom.bot.releaser.run("m")
    claim = newsroom.store.outbox.claim("m", now=NINE, owner="dead/1", lease=2 * MINUTE)
    assert claim is not None

    newsroom.wait(NINE + timedelta(seconds=1))

    assert newsroom.states() == {"one/m/0": "SENT"}


def test_a_call_whose_end_could_not_be_stored_is_taken_up_before_its_lease_ends(
    newsroom: Newsroom,
) -> None:
    newsroom.write(post("one", at=NINE))
    newsroom.start()
    newsroom.approve("one")
    newsroom.wait(NINE - timedelta(seconds=1))  # the account has been looked at
    newsroom.clock.advance(timedelta(seconds=1))
    newsroom.bot.releaser.run("m")
    lease, me = 10 * MINUTE, newsroom.bot.owner
    claim = newsroom.store.outbox.claim("m", now=NINE, owner=me, lease=lease)
    assert claim is not None
    newsroom.store.outbox.begin(claim, Draft("k", {"text": "x"}), now=NINE)

    newsroom.wait(NINE + MINUTE)

    (row,) = newsroom.rows("one")
    assert row.state is State.UNKNOWN
    assert row.next_read_at is not None
    assert row.next_read_at < NINE + 2 * MINUTE


def test_a_call_that_may_go_on_is_not_read_back_before_it_must_have_ended(
    newsroom: Newsroom,
) -> None:
    newsroom.write(post("one", at=NINE))
    newsroom.start()
    newsroom.approve("one")
    newsroom.clock.advance(NINE - newsroom.clock.now())
    newsroom.bot.releaser.run("m")
    claim = newsroom.store.outbox.claim("m", now=NINE, owner="cut off/1", lease=2 * MINUTE)
    assert claim is not None
    newsroom.store.outbox.begin(claim, Draft("k", {"text": "x"}), now=NINE)

    (left,) = newsroom.store.outbox.take_over("m", now=NINE)

    assert left.state is State.UNKNOWN
    assert left.next_read_at == NINE + MINUTE


def test_nothing_is_surely_absent_while_a_sender_may_stand_still(newsroom: Newsroom) -> None:
    newsroom.write(post("one", at=NINE))
    newsroom.servers["m"].fails(UnconfirmedError("mastodon", "silence"))
    newsroom.start()
    newsroom.approve("one")
    newsroom.wait(NINE)
    calls = newsroom.servers["m"].calls.count("find")

    with newsroom.store.sending("m"):
        newsroom.wait(NINE + 10 * MINUTE)

    assert newsroom.servers["m"].calls.count("find") == calls
    assert newsroom.states() == {"one/m/0": "UNKNOWN mastodon: silence"}


def test_a_clock_that_skips_years_brings_a_chore_back_once() -> None:
    job = Every(timedelta(seconds=5))
    boot, right = datetime(1970, 1, 1, tzinfo=UTC), datetime(2026, 12, 9, tzinfo=UTC)

    first = job.get_next_fire_time(None, boot)
    after = job.get_next_fire_time(first, right)

    assert first == boot + timedelta(seconds=5)
    assert after == right + timedelta(seconds=5)
    assert job.get_next_fire_time(after, after) == after + timedelta(seconds=5)
