"""What the enumeration, the storms and the state machine have found: each once, for good."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from bot.core.model import State
from bot.errors import UnconfirmedError
from bot.store import Room, open_store, restore
from tests.fakes.newsroom import DAY, MINUTE, NINE, Newsroom, post


def test_a_first_start_that_died_before_its_log_began_holds_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'data' / 'live.db'}"
    open_store(url, create=True, room=Room(0, 0)).close()
    (tmp_path / "data" / "live.sent.log").write_bytes(b'{"at":"2026-')

    store = open_store(url, create=True, room=Room(0, 0))

    assert store.settle_first() is None
    store.close()


def test_what_comes_due_after_a_restore_was_settled_goes_out(newsroom: Newsroom) -> None:
    newsroom.write(post("one", at=NINE))
    newsroom.start()
    newsroom.approve("one")
    newsroom.store.backup(newsroom.root / "backup.db")
    lock = newsroom.store.process_lock()
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
    newsroom.store.settling.declare_restored("restored by hand", newsroom.clock.now())
    newsroom.use("m")

    newsroom.restart()
    newsroom.bot.beat()
    newsroom.approve("two")  # it goes to fewer accounts than what was approved
    newsroom.wait(NINE + DAY + MINUTE)

    assert newsroom.states()["two/m/0"] == "SENT"
