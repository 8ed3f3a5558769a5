"""What the enumeration, the storms and the state machine have found: each once, for good."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.db.backup import restore
from bot.db.lock import lock_beside
from bot.delivery.lifecycle import Event
from bot.delivery.model import HoldReason, State
from bot.delivery.sent_log import mark_restored
from bot.engine.scheduler import Every
from bot.errors import UnconfirmedError
from bot.operations.opening import open_store
from bot.platforms.status import Draft
from tests.fakes.running_bot import DAY, MINUTE, NINE, RunningBot, post
from tests.integration.store_rows import NO_ROOM


def test_a_first_start_that_died_before_its_log_began_holds_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'data' / 'live.db'}"
    open_store(url, create=True, room=NO_ROOM).close()
    (tmp_path / "data" / "live.sent.log").write_bytes(b'{"at":"2026-')

    store = open_store(url, create=True, room=NO_ROOM)

    assert store.restore_guard.reason() is None
    store.close()


def test_what_comes_due_after_a_restore_was_settled_goes_out(new_bot: RunningBot) -> None:
    new_bot.start_approved(post("one", at=NINE))
    new_bot.store.backup(new_bot.folder / "backup.db")
    lock = lock_beside(new_bot.store.outbox._log.path)
    new_bot.stop()
    restore(
        new_bot.folder / "backup.db", new_bot.folder / "data" / "live.db", lock=lock,
        now=new_bot.clock.now(),
    )  # fmt: skip

    new_bot.start()
    new_bot.services.beat()
    new_bot.wait(NINE + MINUTE)

    assert new_bot.states() == {"one/m/0": "SENT"}


def test_an_account_that_was_removed_keeps_no_restore_from_being_settled(
    new_bot: RunningBot,
) -> None:
    new_bot.use("m", "b")
    new_bot.write(post("one", at=NINE), post("two", at=NINE + DAY))
    for _ in range(4):
        new_bot.servers["b"].fails(UnconfirmedError("bluesky", "504"))
    new_bot.start()
    new_bot.approve("one", "two")
    new_bot.wait(NINE + 2 * timedelta(hours=1))
    (held,) = (row for row in new_bot.rows("one") if row.account == "b")
    assert held.state is State.HELD
    assert held.draft is not None
    mark_restored(new_bot.store._db, "restored by hand")
    new_bot.use("m")

    new_bot.restart()
    new_bot.services.beat()
    new_bot.wait(NINE + DAY + MINUTE)

    assert new_bot.states()["two/m/0"] == "SENT"


def test_a_replica_that_was_faster_is_no_failure(new_bot: RunningBot) -> None:
    new_bot.start_approved(post("one", at=NINE))
    new_bot.clock.advance(NINE - new_bot.clock.now())
    (due,) = new_bot.store.outbox.due("m", NINE)
    new_bot.store.outbox.move(due.id, Event.HOLD, now=NINE, actor="another", reason=HoldReason.LATE)

    releaser = new_bot.services.releaser
    releaser._release(due, releaser._gate("m"), NINE)

    assert new_bot.states() == {"one/m/0": "HELD late"}


def test_what_a_dead_replica_left_is_taken_over_at_once(new_bot: RunningBot) -> None:
    new_bot.start_approved(post("one", at=NINE))
    new_bot.clock.advance(NINE - new_bot.clock.now())
    new_bot.services.releaser.run("m")
    claim = new_bot.store.outbox.claim("m", now=NINE, owner="dead/1", lease=2 * MINUTE)
    assert claim is not None

    new_bot.wait(NINE + timedelta(seconds=1))

    assert new_bot.states() == {"one/m/0": "SENT"}


def test_a_call_whose_end_could_not_be_stored_is_taken_up_before_its_lease_ends(
    new_bot: RunningBot,
) -> None:
    new_bot.start_approved(post("one", at=NINE))
    new_bot.wait(NINE - timedelta(seconds=1))  # the account has been looked at
    new_bot.clock.advance(timedelta(seconds=1))
    new_bot.services.releaser.run("m")
    lease, me = 10 * MINUTE, new_bot.services.owner
    claim = new_bot.store.outbox.claim("m", now=NINE, owner=me, lease=lease)
    assert claim is not None
    new_bot.store.outbox.begin(claim, Draft("k", {"text": "x"}), now=NINE)

    new_bot.wait(NINE + MINUTE)

    (row,) = new_bot.rows("one")
    assert row.state is State.UNKNOWN
    assert row.next_read_at is not None
    assert row.next_read_at < NINE + 2 * MINUTE


def test_a_call_that_may_go_on_is_not_read_back_before_it_must_have_ended(
    new_bot: RunningBot,
) -> None:
    new_bot.start_approved(post("one", at=NINE))
    new_bot.clock.advance(NINE - new_bot.clock.now())
    new_bot.services.releaser.run("m")
    claim = new_bot.store.outbox.claim("m", now=NINE, owner="cut off/1", lease=2 * MINUTE)
    assert claim is not None
    new_bot.store.outbox.begin(claim, Draft("k", {"text": "x"}), now=NINE)

    (left,) = new_bot.store.outbox.take_over("m", now=NINE)

    assert left.state is State.UNKNOWN
    assert left.next_read_at == NINE + MINUTE


def test_nothing_is_surely_absent_while_a_sender_may_stand_still(new_bot: RunningBot) -> None:
    new_bot.write(post("one", at=NINE))
    new_bot.servers["m"].fails(UnconfirmedError("mastodon", "silence"))
    new_bot.start()
    new_bot.approve("one")
    new_bot.wait(NINE)
    calls = new_bot.servers["m"].calls.count("find")

    with new_bot.store.sending("m"):
        new_bot.wait(NINE + 10 * MINUTE)

    assert new_bot.servers["m"].calls.count("find") == calls
    assert new_bot.states() == {"one/m/0": "UNKNOWN mastodon: silence"}


def test_a_clock_that_skips_years_brings_a_chore_back_once() -> None:
    job = Every(timedelta(seconds=5))
    boot, right = datetime(1970, 1, 1, tzinfo=UTC), datetime(2026, 12, 9, tzinfo=UTC)

    first = job.get_next_fire_time(None, boot)
    after = job.get_next_fire_time(first, right)

    assert first == boot + timedelta(seconds=5)
    assert after == right + timedelta(seconds=5)
    assert job.get_next_fire_time(after, after) == after + timedelta(seconds=5)
