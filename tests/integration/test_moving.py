"""`move`: the whole state goes from one kind of database to the other and back, sent once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.app.storage import DataOwner, remember_owner
from bot.authority.pauses import PauseTarget
from bot.authority.tables import PauseScope
from bot.cli.main import run
from bot.content.model import Mode
from bot.db import migrate
from bot.db.columns import metadata
from bot.db.database import connect, parse_url
from bot.db.lock import lock_beside
from bot.db.migrate import MOVED, revision_of
from bot.delivery.answers import ASK, REFUSE, Answers
from bot.delivery.model import State
from bot.delivery.sent_log import RestoreGuard
from bot.errors import DatabaseUnusableError
from bot.operations.opening import open_store
from tests.fakes.running_bot import DAY, MINUTE, NINE, RunningBot, post, thread
from tests.fixtures.released import become_later, differences
from tests.integration.store_rows import NO_ROOM
from tests.servers.postgres import PostgresServer

pytestmark = pytest.mark.server

Say = Callable[..., str]
ROOT = Path(__file__).parents[2]
#: Not of the state: what moving itself writes, and who is alive.
_APART = {"audit", "pause", "worker"}


@pytest.fixture
def say(
    new_bot: RunningBot, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Say:
    """Run a verb on the bot's database; its exit code and all that the operator sees."""
    monkeypatch.setenv("VERBATIM_HOST_ID", "one")

    def run_verb(*words: str) -> str:
        if new_bot.url.startswith("sqlite"):
            monkeypatch.delenv("VERBATIM_DATABASE_URL", raising=False)
        else:
            monkeypatch.setenv("VERBATIM_DATABASE_URL", new_bot.url)
        capsys.readouterr()
        code = run([*words, "--data", str(new_bot.data)])
        out, err = capsys.readouterr()
        return f"{code} {out}{err}".strip()

    return run_verb


@pytest.fixture
def half_sent(new_bot: RunningBot) -> RunningBot:
    """Return a bot that stands still, with one post out, a half of a thread, and one to come."""
    remember_owner(new_bot.data, DataOwner("small", Mode.LIVE))
    new_bot.start_approved(
        post("one", at=NINE), thread("long", 2, at=NINE + MINUTE), post("later", at=NINE + DAY)
    )
    new_bot.wait(NINE)
    new_bot.stop()
    return new_bot


def counts(url: str) -> dict[str, int]:
    with closing(connect(parse_url(url))) as db, db.read() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in metadata.sorted_tables
        }


def goes_on(bot: RunningBot) -> None:
    """Start it, let all come due, and hold what is out against what was written."""
    bot.start()
    assert bot.store.restore_guard.reason() is None, "nothing is in doubt after a move"
    bot.wait(NINE + DAY + MINUTE)
    assert set(bot.states().values()) == {"SENT"}
    texts = bot.servers["m"].texts
    assert len(texts) == len(set(texts)) == 4
    assert bot.store.audit_problems() == []
    bot.stop()


def test_all_goes_over_and_comes_back_and_each_post_is_out_once(
    half_sent: RunningBot, postgres_url: str, say: Say
) -> None:
    bot, file = half_sent, half_sent.url
    before = counts(file)

    told = say("move", "--to", postgres_url)

    after = counts(postgres_url)
    assert " ".join(told.split()).startswith(
        f"0 moved to {postgres_url}: {sum(after.values())} rows, 4 deliveries, each row compared"
        " audit log: it verifies"
    )
    assert {name: after[name] for name in set(after) - _APART} == {
        name: before[name] for name in set(before) - _APART
    }
    assert after["audit"] == before["audit"] + 1
    assert differences(postgres_url) == []
    bot.url = postgres_url
    bot.start()
    bot.wait(NINE + MINUTE)
    bot.stop()

    told = say("move", "--to", "embedded")

    assert told.startswith("0 moved to"), told
    assert "now unset VERBATIM_DATABASE_URL" in told
    assert "live.db.before-" in told
    bot.url = file
    goes_on(bot)
    assert differences(file) == []
    assert say("move", "--to", postgres_url).startswith("0 moved"), "and there once more"


def test_answers_comments_objections_and_pauses_come_along_there_and_back(
    new_bot: RunningBot, postgres_url: str, say: Say
) -> None:
    bot, file = new_bot, new_bot.url
    remember_owner(bot.data, DataOwner("small", Mode.LIVE))
    names = ("asked", "refused", "withdrawn", "paused")
    bot.start_approved(*(post(name, f"theme: {name}", at=NINE) for name in names))
    answers = Answers(bot.store, bot.clock)
    answers.object_to(ASK, "asked", "Name the year.", by="Ben")
    answers.comment("asked", "It is in the source.", by="Ed")
    answers.object_to(REFUSE, "refused", "Not on this day.", by="Ben")
    answers.withdraw("withdrawn", by="Ben")
    target = PauseTarget(PauseScope.THEME, "paused")
    bot.desk.pause("news", by="Ann", target=target, until=NINE + DAY)

    def known() -> object:
        store, answers = bot.store, Answers(bot.store, bot.clock)
        return (
            {name: answers.thread(name) for name in names}, store.objections.standing(),
            store.approvals.standing(), store.pauses.lasting(), store.audit_problems(),
        )  # fmt: skip

    before = known()
    for to, url in ((postgres_url, postgres_url), ("embedded", file)):
        bot.stop()
        assert say("move", "--to", to).startswith("0 moved"), url
        bot.url = url
        bot.start()
        assert known() == before
    bot.wait(NINE + MINUTE)

    assert bot.servers["m"].texts == []
    assert {row.post_id: str(row.reason) for row in bot.rows("", State.HELD)} == {
        "asked": "a change is asked for", "withdrawn": "unapproved", "paused": "paused",
    }  # fmt: skip


@pytest.mark.parametrize("way", ["there", "back"])
def test_the_old_database_is_not_used_any_more(
    half_sent: RunningBot, postgres_server: PostgresServer, postgres_url: str, say: Say, way: str
) -> None:
    say("move", "--to", postgres_url)
    old, new = half_sent.url, postgres_url
    if way == "back":
        half_sent.url = postgres_url
        say("move", "--to", "embedded")
        old, new = new, old
    half_sent.url = old

    for create in (True, False):
        with pytest.raises(DatabaseUnusableError, match=r"was moved to .*, where all of it is now"):
            open_store(old, create=create, data=half_sent.data, room=NO_ROOM)
    with postgres_server.database() as third:
        assert "this database was moved already" in say("move", "--to", third)
    open_store(new, create=True, data=half_sent.data, room=NO_ROOM, machine="one").close()


def test_a_backup_is_not_brought_back_beside_a_moved_database(
    half_sent: RunningBot, postgres_url: str, say: Say, tmp_path: Path
) -> None:
    half_sent.store.backup(tmp_path / "copy.db")
    half_sent.stop()
    say("move", "--to", postgres_url)

    assert "live.db was moved" in say("restore", str(tmp_path / "copy.db"), "--mode", "live")


def test_a_service_at_work_is_not_moved(half_sent: RunningBot, postgres_url: str, say: Say) -> None:
    lock = lock_beside(half_sent.data / "live.sent.log")
    assert lock.acquire()
    assert "the bot runs on this data directory; stop it first" in say("move", "--to", postgres_url)
    lock.release()

    say("move", "--to", postgres_url)
    half_sent.url = postgres_url
    half_sent.start()
    half_sent.store.workers.beat("other/1", {}, half_sent.store.time())
    half_sent.stop()
    assert "stop each replica first" in say("move", "--to", "embedded")


def test_a_replica_that_slept_through_a_move_calls_nobody(
    half_sent: RunningBot, postgres_url: str, say: Say
) -> None:
    say("move", "--to", postgres_url)
    half_sent.url = postgres_url
    half_sent.start()
    before = len(half_sent.servers["m"].calls)

    assert say("move", "--to", "embedded").startswith("0 moved")
    half_sent.wait(NINE + DAY)

    assert len(half_sent.servers["m"].calls) == before
    assert {row.state for row in half_sent.rows("later")} != {"SENT"}


def test_a_password_is_not_told(half_sent: RunningBot, postgres_url: str, say: Say) -> None:
    secret = postgres_url.replace("postgres@", "postgres:hush-1@") + "?password=hush-2"

    told = say("move", "--to", secret)

    assert told.startswith("0 moved")
    refused = say("status")
    half_sent.url = postgres_url
    half_sent.start()
    rows = half_sent.store.audit.file.read_text()
    assert "hush" not in told + refused + rows


def test_another_database_is_left_alone(
    half_sent: RunningBot, postgres_url: str, say: Say, tmp_path: Path
) -> None:
    open_store(postgres_url, create=True, data=tmp_path / "other", room=NO_ROOM).close()
    assert "holds another database; --to names an empty one" in say("move", "--to", postgres_url)

    with closing(connect(parse_url(postgres_url))) as db, db.write() as connection:
        metadata.drop_all(connection)
        connection.exec_driver_sql("ALTER TABLE alembic_version RENAME TO theirs")
    assert "somebody else's tables (theirs)" in say("move", "--to", postgres_url)
    assert "it is there already" in say("move", "--to", "embedded")
    assert "begin with sqlite" in say("move", "--to", "mysql://x")
    goes_on(half_sent)


#: Dies at the moment when it is called for the ``N``-th time, as by kill -9.
_KILLED = """
import os, sys
from bot.app import backups
from bot.db import migrate
real, left = {module}.{name}, [{times}]
def dies(*args, **named):
    left[0] -= 1
    if not left[0]:
        os._exit(9)
    return real(*args, **named)
{module}.{name} = dies
from bot.cli.main import run
sys.exit(run(sys.argv[1:]))
"""


def killed(bot: RunningBot, to: str, module: str, name: str, times: int = 1) -> None:
    environment = {**os.environ, "VERBATIM_HOST_ID": "one"}
    if not bot.url.startswith("sqlite"):
        environment["VERBATIM_DATABASE_URL"] = bot.url
    code = _KILLED.format(module=module, name=name, times=times)
    words = ("move", "--to", to, "--data", str(bot.data))
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=ROOT, env=environment, capture_output=True
    )
    assert done.returncode == 9, done.stderr.decode()


@pytest.fixture(params=["to PostgreSQL", "from PostgreSQL"])
def moving(
    request: pytest.FixtureRequest, half_sent: RunningBot, postgres_url: str, say: Say
) -> Iterator[tuple[str, str, str]]:
    """Return what `--to` says, the old address and the new one."""
    if request.param == "to PostgreSQL":
        yield postgres_url, half_sent.url, postgres_url
        return
    say("move", "--to", postgres_url)
    file, half_sent.url = half_sent.url, postgres_url
    yield "embedded", postgres_url, file


@pytest.mark.parametrize(("module", "name", "times"), [
    ("migrate", "_copy", 3), pytest.param("backups", "set_revision", 1, marks=pytest.mark.deep),
])  # fmt: skip
def test_killed_in_the_middle_the_old_one_is_in_force_and_the_new_one_unused(
    half_sent: RunningBot, moving: tuple[str, str, str], say: Say, module: str, name: str,
    times: int,
) -> None:  # fmt: skip
    to, _old, new = moving

    killed(half_sent, to, module, name, times)

    with pytest.raises(DatabaseUnusableError):
        open_store(new, create=False, data=half_sent.data, room=NO_ROOM)
    goes_on(half_sent)
    assert say("move", "--to", to).startswith("0 moved")


@pytest.mark.parametrize(
    ("moving", "name", "times"),
    [
        ("to PostgreSQL", "set_revision", 2),
        ("from PostgreSQL", "set_revision", 2),
        ("from PostgreSQL", "put_in_place", 1),  # a file is renamed
    ],
    indirect=["moving"],
)
def test_killed_after_the_old_one_let_go_the_same_call_finishes_it(
    half_sent: RunningBot, moving: tuple[str, str, str], say: Say, name: str, times: int
) -> None:
    to, old, new = moving

    killed(half_sent, to, "backups", name, times)

    for url in (old, new):
        with pytest.raises(DatabaseUnusableError):
            open_store(url, create=True, data=half_sent.data, room=NO_ROOM)
    with closing(connect(parse_url(old))) as db:
        assert revision_of(db) == MOVED
    assert say("move", "--to", to).startswith("0 moved to")
    half_sent.url = new
    goes_on(half_sent)


def test_an_empty_database_beside_a_sent_log_is_no_first_start(
    half_sent: RunningBot, postgres_url: str
) -> None:
    with pytest.raises(DatabaseUnusableError, match=r"tried 1 deliveries.*`restore`"):
        open_store(postgres_url, create=True, data=half_sent.data, room=NO_ROOM)


def test_rows_that_did_not_come_over_are_noticed(
    half_sent: RunningBot, postgres_url: str, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = migrate._copy
    with monkeypatch.context() as lossy:
        lossy.setattr(
            migrate, "_copy", lambda table, *ends: table.name == "approval" or copy(table, *ends)
        )
        assert "approval: 0 rows came over of 6" in say("move", "--to", postgres_url)

    goes_on(half_sent)


def test_what_an_unfinished_move_left_is_not_taken_for_a_later_one(
    half_sent: RunningBot, postgres_server: PostgresServer, postgres_url: str, say: Say
) -> None:
    say("move", "--to", postgres_url)
    half_sent.url = postgres_url
    killed(half_sent, "embedded", "backups", "set_revision")
    half_sent.start()
    half_sent.wait(NINE + MINUTE)
    half_sent.stop()
    with postgres_server.database() as third:
        assert say("move", "--to", third).startswith("0 moved")

        assert "is not where an unfinished move left it" in say("move", "--to", "embedded")


def test_a_verb_that_a_move_overtakes_is_refused(
    half_sent: RunningBot, postgres_url: str, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare = RestoreGuard.compare

    def overtaken(self: RestoreGuard, now: datetime) -> None:
        monkeypatch.setattr(RestoreGuard, "compare", compare)
        assert say("move", "--to", postgres_url).startswith("0 moved")
        compare(self, now)

    monkeypatch.setattr(RestoreGuard, "compare", overtaken)

    with pytest.raises(DatabaseUnusableError, match="was moved to"):
        open_store(half_sent.url, create=False, data=half_sent.data, room=NO_ROOM, machine="one")


# --- backups of PostgreSQL


def test_a_backup_of_postgresql_comes_back_and_settles_first(
    half_sent: RunningBot, postgres_url: str, say: Say, tmp_path: Path
) -> None:
    say("move", "--to", postgres_url)
    half_sent.url = postgres_url
    half_sent.start()
    half_sent.store.backup(tmp_path / "copy.db")
    half_sent.wait(NINE + MINUTE)
    half_sent.stop()

    assert say("restore", str(tmp_path / "copy.db"), "--mode", "live").startswith("0 restored")

    half_sent.start()
    assert half_sent.store.restore_guard.reason() == "restored from copy.db"
    half_sent.services.beat()
    half_sent.wait(NINE + DAY + timedelta(minutes=5))
    texts = half_sent.servers["m"].texts
    assert len(texts) == len(set(texts)) == 4


def test_postgresql_is_backed_up_before_an_upgrade_and_the_old_program_takes_it_back(
    half_sent: RunningBot, postgres_url: str, say: Say, monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:  # fmt: skip
    say("move", "--to", postgres_url)
    half_sent.url = postgres_url
    before = counts(postgres_url)
    with monkeypatch.context() as later:
        become_later(later, tmp_path)
        open_store(postgres_url, create=True, data=half_sent.data, room=NO_ROOM).close()
    with pytest.raises(DatabaseUnusableError, match="newer"):
        half_sent.start()
    (copy,) = (half_sent.data / "backups").glob("live-before-next-*.db")

    assert say("restore", str(copy), "--mode", "live").startswith("0 restored")

    assert {**counts(postgres_url), "audit": 0} == {**before, "audit": 0}
    assert differences(postgres_url) == []


def test_a_service_at_work_goes_on_while_a_newer_one_upgrades(
    half_sent: RunningBot, postgres_url: str, say: Say, monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:  # fmt: skip
    say("move", "--to", postgres_url)
    half_sent.url = postgres_url
    half_sent.start()
    with monkeypatch.context() as later:
        become_later(later, tmp_path)
        other = tmp_path / "other"
        open_store(postgres_url, create=True, data=other, room=NO_ROOM, machine="two").close()

    half_sent.wait(NINE + DAY + MINUTE)

    assert set(half_sent.states().values()) == {"SENT"}
    assert len(half_sent.servers["m"].texts) == 4
