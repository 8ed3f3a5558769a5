"""`restore` for both kinds of database: what it says, what it refuses, what it leaves behind."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.cli.main import run
from bot.operations.opening import open_store
from tests.fakes.running_bot import NINE, RunningBot, post
from tests.fixtures.released import brought_to, revisions
from tests.integration.store_rows import NO_ROOM, epoch
from tests.servers.postgres import PostgresServer

Say = Callable[..., str]


@pytest.fixture
def say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Say:
    """Run `restore`; its exit code and all that the operator sees."""

    def run_verb(*words: str, data: str = "data") -> str:
        capsys.readouterr()
        code = run(["restore", *words, "--mode", "live", "--data", str(tmp_path / data)])
        out, err = capsys.readouterr()
        return f"{code} {out}{err}".strip()

    return run_verb


@pytest.fixture
def backup(new_bot: RunningBot) -> str:
    """Have a backup of a bot that stands still."""
    new_bot.start_approved(post("one", at=NINE))
    new_bot.store.backup(new_bot.folder / "copy.db")
    new_bot.wait(NINE)
    new_bot.stop()
    return str(new_bot.folder / "copy.db")


def test_it_says_what_will_happen_and_where_the_old_one_is(say: Say, backup: str) -> None:
    told, _, kept = " ".join(say(backup).split()).partition(" what stood there is kept as ")

    assert told == (
        "0 restored; at the next `run` nothing is sent before everything due is read back"
        " what cannot be told then is held: `held` lists it, `resolve` decides it"
    )
    assert Path(kept).exists()


def test_it_says_that_there_is_no_sent_log(say: Say, backup: str, tmp_path: Path) -> None:
    told = say(backup, data="elsewhere")

    assert "there is no sent log here: put the lost one in its place" in told
    assert json.loads(say(backup, "--json", data="third").partition(" ")[2])["sent_log"] is False
    store = open_store(f"sqlite:///{tmp_path / 'elsewhere' / 'live.db'}", create=True,
                       room=NO_ROOM)  # fmt: skip
    assert store.restore_guard.reason() == "restored from copy.db"
    store.close()


def test_the_lost_log_tells_on_a_new_machine_what_went_out(
    say: Say, backup: str, new_bot: RunningBot
) -> None:
    new = new_bot.folder / "new"
    (new / "data").mkdir(parents=True, mode=0o700)
    log = new_bot.folder / "data" / "live.sent.log"
    (new / "data" / "live.sent.log").write_bytes(log.read_bytes())

    assert "no sent log" not in say(backup, data="new/data")

    new_bot.data, new_bot.url = new / "data", f"sqlite:///{new / 'data' / 'live.db'}"
    new_bot.machine = "another"
    new_bot.start()
    new_bot.services.beat()
    assert new_bot.states() == {"one/m/0": "SENT"}
    assert len(new_bot.servers["m"].live) == 1


def test_an_embedded_database_is_not_loaded_by_others(say: Say, backup: str) -> None:
    assert "leave --loaded away" in say(backup, "--loaded")


@pytest.mark.server
def test_postgresql_is_told_and_not_copied(
    say: Say, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERBATIM_DATABASE_URL", postgres_url)

    assert say("monday.dump").startswith("1 error: there is no database at monday.dump")
    assert say("monday.dump", "--loaded") == (
        "1 error: the database has no tables; load the backup into it first"
    )


@pytest.mark.server
@pytest.mark.parametrize("revision", revisions())
def test_a_dump_of_an_older_program_is_told_too(
    say: Say, tmp_path: Path, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch,
    revision: str,
) -> None:  # fmt: skip
    with brought_to(postgres_server, revision, tmp_path / "data") as url:
        monkeypatch.setenv("VERBATIM_DATABASE_URL", url)

        assert say("monday.dump", "--loaded").startswith("0 restored;")

        store = open_store(url, create=True, data=tmp_path / "new", room=NO_ROOM)
        assert store.restore_guard.reason() == "restored from monday.dump"
        assert epoch(store) == 1
        store.close()
