"""After a restore, a clone or a lost log nothing goes out twice, and nothing by itself."""

from __future__ import annotations

import shutil
from pathlib import Path
from threading import Event, Thread

import pytest

from bot.delivery import lifecycle
from bot.delivery.model import CancelReason, HoldReason, State
from bot.errors import UnauthorizedError, UnavailableError, UnconfirmedError
from tests.fakes.newsroom import DAY, MINUTE, NINE, Newsroom, post
from tests.waiting import PATIENCE


class Vault:
    """Copies of the data directory, behind the bot's back."""

    def __init__(self, room: Newsroom, folder: Path) -> None:
        self.room, self.database, self.copy = room, folder / "data" / "live.db", folder / "copy.db"

    def keep(self) -> None:
        self.room.stop()
        shutil.copy(self.database, self.copy)
        self.room.start()

    def bring_back(self) -> None:
        self.room.stop()
        for name in ("live.db", "live.db-wal", "live.db-shm", "live.db-journal"):
            self.database.with_name(name).unlink(missing_ok=True)
        shutil.copy(self.copy, self.database)
        self.room.start()


@pytest.fixture
def vault(newsroom: Newsroom, tmp_path: Path) -> Vault:
    """Keep a copy of a database with two approved posts: for nine today and for tomorrow."""
    newsroom.write(post("one", at=NINE), post("two", at=NINE + DAY))
    newsroom.start()
    newsroom.approve("one", "two")
    made = Vault(newsroom, tmp_path)
    made.keep()
    return made


@pytest.fixture
def room(vault: Vault) -> Newsroom:
    return vault.room


def settle(room: Newsroom) -> bool:
    """Let the bot settle first; tell whether it is done."""
    room.bot.beat()
    return room.store.restore_guard.reason() is None


def test_what_the_log_says_is_out_is_recognised(vault: Vault, room: Newsroom) -> None:
    room.wait(NINE)
    sent = room.rows("one")[0]

    vault.bring_back()
    assert "older than the sent log" in (room.store.restore_guard.reason() or "")
    assert settle(room)
    room.wait(NINE + DAY)

    assert room.states() == {"one/m/0": "SENT", "two/m/0": "SENT"}
    assert room.rows("one")[0].ref == sent.ref
    assert len(room.servers["m"].live) == 2


def test_what_was_tried_and_is_out_is_found(vault: Vault, room: Newsroom) -> None:
    room.servers["m"].fails(UnconfirmedError("mastodon", "504"), keeps=True)
    room.wait(NINE)

    vault.bring_back()
    assert settle(room)

    assert room.rows("one")[0].state is State.SENT
    assert len(room.servers["m"].live) == 1


def test_what_was_tried_and_is_absent_is_held(vault: Vault, room: Newsroom) -> None:
    room.servers["m"].fails(UnconfirmedError("mastodon", "504"))
    room.wait(NINE)

    vault.bring_back()
    assert settle(room)
    room.wait(NINE + 10 * MINUTE)

    row = room.rows("one")[0]
    assert (row.state, row.reason) == (State.HELD, HoldReason.UNSETTLED)
    assert row.evidence == "tried before a restore; not seen when it was read back"
    assert room.servers["m"].live == []


def test_what_came_due_meanwhile_is_held(vault: Vault, room: Newsroom) -> None:
    room.wait(NINE)
    vault.bring_back()
    room.clock.advance(DAY)

    assert settle(room)

    assert room.rows("two")[0].evidence == "it was due while this database may have been away"


def test_what_is_still_to_come_goes_out_in_time(vault: Vault, room: Newsroom) -> None:
    room.wait(NINE)
    vault.bring_back()
    settle(room)

    room.wait(NINE + DAY)

    assert room.rows("two")[0].state is State.SENT


def test_nothing_is_sent_while_something_cannot_be_read_back(vault: Vault, room: Newsroom) -> None:
    room.servers["m"].fails(UnconfirmedError("mastodon", "504"), keeps=True)
    room.wait(NINE)
    vault.bring_back()
    room.write(post("one", at=NINE), post("new", at=NINE + MINUTE))
    room.watch()
    room.approve("new")
    room.servers["m"].unread.extend([UnavailableError("mastodon", "502")] * 3)

    assert not settle(room)
    room.wait(NINE + MINUTE)
    assert len(room.servers["m"].live) == 1

    while not settle(room):
        pass
    assert room.rows("one")[0].state is State.SENT


@pytest.mark.parametrize(
    "error", [UnconfirmedError("mastodon", "not ours"), UnauthorizedError("mastodon", "revoked")]
)
def test_what_can_never_be_told_is_held_and_keeps_nobody_waiting(
    vault: Vault, room: Newsroom, error: Exception
) -> None:
    room.servers["m"].fails(UnconfirmedError("mastodon", "504"))
    room.wait(NINE)
    vault.bring_back()
    room.servers["m"].unread.append(error)

    assert settle(room)

    row = room.rows("one")[0]
    assert (row.state, row.evidence) == (
        State.HELD, f"tried before a restore; read back, but {error}"
    )  # fmt: skip


def test_an_account_that_is_gone_keeps_nobody_waiting(vault: Vault, room: Newsroom) -> None:
    room.use("m", "b")
    room.watch()
    room.approve("one")
    vault.keep()
    room.servers["m"].fails(UnconfirmedError("mastodon", "504"))
    room.wait(NINE)
    room.use("b")

    vault.bring_back()

    assert settle(room)
    (row,) = [one for one in room.rows("one") if one.account == "m"]
    assert "no longer in the schedule" in row.evidence


def test_what_a_person_dropped_and_is_out_all_the_same_is_told(
    vault: Vault, room: Newsroom
) -> None:
    room.wait(NINE)
    vault.bring_back()
    room.store.outbox.move(
        room.rows("one")[0].id,
        lifecycle.Event.CANCEL,
        now=room.clock.now(),
        actor="Ann",
        reason=CancelReason.WITHDRAWN,
    )

    assert settle(room)

    (incident, *_) = room.store.audit.rows()
    assert (incident.who, incident.verb, incident.detail["remote_id"]) == (
        "recovery", "incident", "1"
    )  # fmt: skip


def test_what_is_in_doubt_in_the_copy_too_is_read_back_as_ever(
    newsroom: Newsroom, tmp_path: Path
) -> None:
    newsroom.write(post("one", at=NINE))
    newsroom.start()
    newsroom.approve("one")
    newsroom.servers["m"].fails(UnconfirmedError("mastodon", "504"), keeps=True)
    newsroom.servers["m"].unread.extend([UnavailableError("mastodon", "502")] * 2)
    newsroom.wait(NINE)
    vault = Vault(newsroom, tmp_path)
    vault.keep()
    newsroom.wait(NINE + MINUTE)

    vault.bring_back()
    assert settle(newsroom)
    newsroom.wait(NINE + 2 * MINUTE)

    assert newsroom.row().state is State.SENT
    assert len(newsroom.servers["m"].live) == 1


def test_a_directory_on_another_machine_settles_first(room: Newsroom) -> None:
    room.wait(NINE)
    room.machine = "another"

    room.restart()

    assert "another machine" in (room.store.restore_guard.reason() or "")
    assert settle(room)


def test_only_one_thread_settles(vault: Vault, room: Newsroom) -> None:
    room.servers["m"].fails(UnconfirmedError("mastodon", "504"), keeps=True)
    room.wait(NINE)
    vault.bring_back()
    asked, answered = Event(), Event()

    def wait() -> None:
        asked.set()
        answered.wait(PATIENCE)

    room.servers["m"].before_find = wait
    other = Thread(target=room.bot.recovery.run)
    other.start()
    assert asked.wait(PATIENCE)

    assert not room.bot.recovery.run()

    answered.set()
    other.join()
    assert room.bot.recovery.run()


def test_a_plan_of_a_forgetful_database_does_not_repeat_what_the_log_knows(
    vault: Vault, room: Newsroom
) -> None:
    room.write(post("one", at=NINE), post("two", at=NINE + DAY), post("new", at=NINE))
    room.watch()
    room.approve("new")
    room.wait(NINE)
    assert len(room.servers["m"].live) == 2

    vault.bring_back()

    assert settle(room)
    room.wait(NINE + 10 * MINUTE)
    assert len(room.servers["m"].live) == 2
    assert {row.state for row in room.rows("new")} <= {State.SENT, State.HELD}
