"""The daily look through the whole database: what is broken is told, and sends nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from bot.db import sqlite as files
from bot.errors import DatabaseUnusableError, StoreError
from bot.operations.opening import open_store
from bot.operations.status import status_of
from bot.planning.store import Store
from tests.fakes.running_bot import DAY, NINE, RunningBot, post
from tests.integration.store_rows import NO_ROOM


def file_of(bot: RunningBot) -> Path:
    return bot.folder / "data" / "live.db"


def bend_index(path: Path) -> None:
    """Let an index be one of something else: the quick check at a start does not see that."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute(
            "UPDATE sqlite_master SET sql = replace(sql, '(due_at)', '(not_after)')"
            " WHERE name = 'ix_publication_due_at'"
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


def look_again(bot: RunningBot) -> None:
    """Look as on the day after a start, which had just proved all itself."""
    bot.services.inspector.run()
    bot.services.inspector.run()


def test_a_sound_database_is_no_matter(bot: RunningBot) -> None:
    look_again(bot)

    bot.wait(NINE)

    assert bot.services.inspector.damage == ""
    assert bot.states() == {"one/m/0": "SENT"}


@pytest.mark.parametrize(("break_it", "told"), [
    (bend_index, "missing from index ix_publication_due_at"),
    (loosen, "a row of move points to nothing"),
])  # fmt: skip  # one way a line
def test_nothing_is_sent_from_a_broken_database(
    bot: RunningBot, break_it: Callable[[Path], None], told: str
) -> None:
    break_it(file_of(bot))
    bot.clock.advance(NINE - bot.clock.now())

    look_again(bot)
    bot.services.beat()
    bot.services.notifier.run()
    assert bot.services.busy(NINE) == ("m",)
    bot.services.work_account("m")

    assert (bot.servers["m"].live, bot.states()) == ([], {"one/m/0": "PLANNED"})
    assert told in bot.services.inspector.damage
    status = status_of(bot.store, bot.services.contents.campaign().schedule, bot.clock)
    assert status.workers
    assert told in status.damage
    assert any("Nothing is sent; bring a backup back" in each.text for each in status.errors)


def test_a_lane_at_work_stops_before_its_next_status(bot: RunningBot) -> None:
    bot.write(post("one", at=NINE), post("two", at=NINE))
    bot.watch()
    bot.approve("two")

    def find() -> None:
        bend_index(file_of(bot))
        look_again(bot)

    bot.servers["m"].before_prepare = find

    bot.clock.advance(NINE - bot.clock.now())
    bot.services.work_account("m")

    assert len(bot.servers["m"].live) == 1


def test_what_would_write_is_left_alone_and_looking_goes_on(bot: RunningBot) -> None:
    jobs = {job.name: job for job in bot.services.jobs(timedelta(seconds=5))}
    assert jobs["inspect"].every == DAY
    jobs["inspect"].run()
    bend_index(file_of(bot))
    jobs["inspect"].run()
    bot.write(post("one", at=NINE), post("new", at=NINE))

    for name in ("watch", "plan", "collect", "digest", "beat", "notify"):
        jobs[name].run()

    assert list(bot.states()) == ["one/m/0"]


def test_what_was_found_stays_until_the_next_start_which_is_refused(bot: RunningBot) -> None:
    path = file_of(bot)
    sound = path.read_bytes()
    bend_index(path)
    look_again(bot)
    broken = path.read_bytes()
    path.write_bytes(sound)
    bot.services.inspector.run()
    assert bot.services.inspector.damage
    bot.stop()
    path.write_bytes(broken)

    open_store(bot.url, create=False, room=NO_ROOM).close()  # whoever asks is still answered
    with pytest.raises(DatabaseUnusableError, match="missing from index"):
        open_store(bot.url, create=True, room=NO_ROOM)


def test_a_database_that_cannot_be_looked_at_is_not_called_broken(
    bot: RunningBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "BUSY_SECONDS", 0.0)
    with closing(sqlite3.connect(file_of(bot))) as other:
        other.execute("BEGIN EXCLUSIVE")

        with pytest.raises(StoreError, match="cannot be looked through"):
            bot.services.inspector.run()

    assert bot.services.inspector.damage == ""


def test_a_page_that_cannot_be_read_is_damage(bot: RunningBot) -> None:
    bot.stop()
    path = file_of(bot)
    path.write_bytes(b"SQLite format 3\0" + bytes(5000))

    for after_start in (False, True):
        assert files.find_damage(path, after_start=after_start) == "file is not a database"


@pytest.mark.parametrize("name", ["CAST('move' AS BLOB)", "'mo''ve'", "CAST(X'ff6d' AS TEXT)"])
def test_a_table_of_another_name_than_its_own_is_damage(bot: RunningBot, name: str) -> None:
    with closing(sqlite3.connect(file_of(bot))) as connection:
        connection.execute("PRAGMA writable_schema=ON")
        rename = f"UPDATE sqlite_master SET name = {name} WHERE name = 'move'"  # noqa: S608 - ours
        connection.execute(rename)
        connection.commit()

    assert files.find_damage(file_of(bot), after_start=False) != ""


def test_a_schema_that_is_no_text_is_damage(bot: RunningBot) -> None:
    path = file_of(bot)
    path.write_bytes(path.read_bytes().replace(b"CREATE TABLE move ", b"CREATE \xc6\xffBLE move "))

    assert files.find_damage(path, after_start=False) != ""
    with pytest.raises(DatabaseUnusableError, match="is broken"):
        files.prove(path)


def test_the_first_look_leaves_out_what_the_start_has_just_proved(bot: RunningBot) -> None:
    bend_index(file_of(bot))
    bot.services.inspector.run()
    before = bot.services.inspector.damage

    bot.services.inspector.run()

    assert (before, "missing from index" in bot.services.inspector.damage) == ("", True)


@pytest.mark.parametrize("failing", ["find_damage", "audit_problems"])
def test_a_look_that_failed_is_the_first_one_all_the_same(
    bot: RunningBot, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    def fail(**_options: object) -> None:
        raise StoreError("busy")

    bend_index(file_of(bot))
    with monkeypatch.context() as patch:
        patch.setattr(bot.services.store, failing, fail)
        with pytest.raises(StoreError, match="busy"):
            bot.services.inspector.run()

    bot.services.inspector.run()

    assert "missing from index" in bot.services.inspector.damage


def test_the_first_look_is_at_references_too(bot: RunningBot) -> None:
    loosen(file_of(bot))

    bot.services.inspector.run()

    assert bot.services.inspector.damage == "a row of move points to nothing"


def test_whoever_writes_waits_for_one_table_at_most(
    bot: RunningBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []

    class Reader(sqlite3.Connection):
        def execute(self, sql: str, /, *parameters: object) -> sqlite3.Cursor:
            with closing(connect(file_of(bot), timeout=0)) as writer:
                writer.execute("UPDATE instance SET epoch = epoch")
                writer.commit()
            written.append(sql)
            return super().execute(sql, *parameters)  # type: ignore[arg-type] # as it came

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", partial(connect, factory=Reader))

    assert files.find_damage(file_of(bot), after_start=False) == ""

    whole = {f"PRAGMA {check}" for check in ("integrity_check", "foreign_key_check")}
    assert not whole & set(written)
    assert {"PRAGMA quick_check", "PRAGMA integrity_check('delivery')"} <= set(written)


@pytest.mark.server
def test_postgresql_looks_after_its_own_pages(store: Store) -> None:
    assert store.find_damage() == ""


def test_a_long_log_is_read_from_its_last_good_end(bot: RunningBot) -> None:
    bot.services.inspector.run()
    bot.store.audit.write("ann", "resume", "sending", now=bot.clock.now())
    read = bot.store.audit.raw(after=bot.services.inspector._verified[0])  # type: ignore[index] # it has verified
    bot.services.inspector.run()

    assert len(read) == 1
    assert bot.services.inspector._verified == bot.store.audit.head()
