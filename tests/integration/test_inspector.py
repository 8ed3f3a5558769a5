"""The daily look through the whole database: what is broken is told, and sends nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from bot.db import sqlite as files
from bot.db.diskspace import Room
from bot.db.errors import DatabaseUnusableError
from bot.errors import StoreError
from bot.operations.opening import open_store
from bot.operations.status import status_of
from bot.planning.store import Store
from tests.fakes.newsroom import DAY, NINE, Newsroom, post

NO_ROOM = Room(0, 0)


@pytest.fixture
def room(newsroom: Newsroom) -> Newsroom:
    """Have a post for nine, approved."""
    newsroom.write(post("one", at=NINE))
    newsroom.start()
    newsroom.approve("one")
    return newsroom


def file_of(room: Newsroom) -> Path:
    return room.root / "data" / "live.db"


def bend_index(path: Path) -> None:
    """Let an index be one of something else: the quick check at a start does not see that."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute(
            "UPDATE sqlite_master SET sql = replace(sql, '(post_id)', '(theme)')"
            " WHERE name = 'ix_publication_post_id'"
        )
        connection.commit()


def loosen(path: Path) -> None:
    """Let a move be one of a delivery that is not there."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "INSERT INTO move (delivery_id, at, actor, event, before, after, reason)"
            " VALUES ('nobody', 0, 'us', 'x', 'READY', 'SENT', '')"
        )
        connection.commit()


def test_a_sound_database_is_no_matter(room: Newsroom) -> None:
    room.bot.inspector.run()

    room.wait(NINE)

    assert room.bot.inspector.damage == ""
    assert room.states() == {"one/m/0": "SENT"}


@pytest.mark.parametrize(("break_it", "told"), [
    (bend_index, "missing from index ix_publication_post_id"),
    (loosen, "a row of move points to nothing"),
])  # fmt: skip  # one way a line
def test_nothing_is_sent_from_a_broken_database(
    room: Newsroom, break_it: Callable[[Path], None], told: str
) -> None:
    break_it(file_of(room))
    room.clock.advance(NINE - room.clock.now())

    room.bot.inspector.run()
    room.bot.beat()
    room.bot.notifier.run()
    assert room.bot.busy(NINE) == ("m",)
    room.bot.work_account("m")

    assert (room.servers["m"].live, room.states()) == ([], {"one/m/0": "PLANNED"})
    assert told in room.bot.inspector.damage
    status = status_of(room.store, room.bot.contents.campaign(), room.clock)
    assert (status.is_running, status.is_healthy) == (True, False)
    assert told in status.damage
    assert any("Nothing is sent; `restore`" in one for one in status.notices)


def test_a_lane_at_work_stops_before_its_next_status(room: Newsroom) -> None:
    room.write(post("one", at=NINE), post("two", at=NINE))
    room.watch()
    room.approve("two")
    room.servers["m"].before_prepare = lambda: _find(room)

    room.clock.advance(NINE - room.clock.now())
    room.bot.work_account("m")

    assert len(room.servers["m"].live) == 1


def _find(room: Newsroom) -> None:
    bend_index(file_of(room))
    room.bot.inspector.run()


def test_what_would_write_is_left_alone_and_looking_goes_on(room: Newsroom) -> None:
    jobs = {one.name: one for one in room.bot.jobs(timedelta(seconds=5))}
    assert jobs["inspect"].every == DAY
    bend_index(file_of(room))
    jobs["inspect"].run()
    room.write(post("one", at=NINE), post("new", at=NINE))

    for name in ("watch", "plan", "collect", "digest", "beat", "notify"):
        jobs[name].run()

    assert list(room.states()) == ["one/m/0"]


def test_what_was_found_stays_until_the_next_start_which_is_refused(room: Newsroom) -> None:
    path = file_of(room)
    sound = path.read_bytes()
    bend_index(path)
    room.bot.inspector.run()
    broken = path.read_bytes()
    path.write_bytes(sound)
    room.bot.inspector.run()
    assert room.bot.inspector.damage
    room.stop()
    path.write_bytes(broken)

    open_store(room.url, create=False, room=NO_ROOM).close()  # whoever asks is still answered
    with pytest.raises(DatabaseUnusableError, match="missing from index"):
        open_store(room.url, create=True, room=NO_ROOM)


def test_a_database_that_cannot_be_looked_at_is_not_called_broken(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "BUSY_SECONDS", 0.0)
    with closing(sqlite3.connect(file_of(room))) as other:
        other.execute("BEGIN EXCLUSIVE")

        with pytest.raises(StoreError, match="cannot be looked through"):
            room.bot.inspector.run()

    assert room.bot.inspector.damage == ""


def test_a_page_that_cannot_be_read_is_damage(room: Newsroom) -> None:
    room.stop()
    path = file_of(room)
    path.write_bytes(b"SQLite format 3\0" + bytes(5000))

    assert files.find_damage(path) == "file is not a database"


@pytest.mark.server
def test_postgresql_looks_after_its_own_pages(store: Store) -> None:
    assert store.find_damage() == ""
