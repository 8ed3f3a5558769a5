"""A data directory remembers its campaign and mode, and a verb that disagrees refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.app import storage
from bot.app.content import Paths
from bot.app.storage import OWNER_FILE, DataOwner, owner_of, remember_owner
from bot.app.workspace import open_workspace
from bot.checks.checking import CheckedContent
from bot.cli.main import run
from bot.clock import SystemClock
from bot.content.model import Mode
from bot.operations.opening import open_store
from bot.planning.store import Store
from tests.fakes.people import token_of
from tests.fakes.running_bot import NINE, RunningBot, post
from tests.integration.store_rows import NO_ROOM

Say = Callable[..., str]


@pytest.fixture
def bot(new_bot: RunningBot) -> RunningBot:
    """Return a live bot at work, whose data directory knows it."""
    new_bot.start_with(post("one", at=NINE))
    remember_owner(new_bot.data, DataOwner("test", Mode.LIVE))
    return new_bot


@pytest.fixture
def say(
    bot: RunningBot, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Say:
    """Run a verb that finds its files by the environment; return its exit code and its words."""
    monkeypatch.setenv("VERBATIM_CONFIG", str(bot.tree.schedule))
    monkeypatch.setenv("VERBATIM_POSTS", str(bot.tree.posts))
    monkeypatch.setenv("VERBATIM_DATA", str(bot.data))
    monkeypatch.setenv("VERBATIM_HOST_ID", "one")
    monkeypatch.setenv("VERBATIM_TOKEN", token_of(bot.store, SystemClock(), "Op"))
    monkeypatch.chdir("/")

    def run_verb(*words: str) -> str:
        capsys.readouterr()
        code = run(words)
        return f"{code} {''.join(capsys.readouterr())}".strip()

    return run_verb


def test_a_verb_during_which_another_mode_is_confirmed_works_in_that_one(
    bot: RunningBot, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store(f"sqlite:///{bot.data / 'rehearsal.db'}", create=True, room=NO_ROOM).close()
    prove = storage.prove_content_with

    def confirm_meanwhile(store: Store | None, paths: Paths) -> CheckedContent:
        bot.set("mode: live", "mode: rehearsal")
        remember_owner(bot.data, DataOwner("test", Mode.REHEARSAL))
        return prove(store, paths)

    monkeypatch.setattr(storage, "prove_content_with", confirm_meanwhile)
    paths = Paths(bot.tree.schedule, bot.tree.posts, bot.data)

    with open_workspace(paths) as workspace:
        opened = workspace.store._db.url.database

    assert opened == str(bot.data / "rehearsal.db")


def test_every_verb_finds_its_files_by_the_same_variables(bot: RunningBot, say: Say) -> None:
    assert say("pause", "--reason", "look", "--as", "Op").startswith("0 paused")

    assert bot.store.pauses.current() is not None


@pytest.mark.parametrize("words", [("plan",), ("approve", "one", "--as", "Op"), ("backup", "b.db")])
def test_another_campaign_is_refused_with_the_reason(
    bot: RunningBot, say: Say, words: tuple[str, ...]
) -> None:
    bot.set("campaign: test", "campaign: other")

    told = say(*words)

    assert told.startswith(f"1 error: {bot.data} is of campaign test in mode live, but ")
    assert "is campaign other in mode live: name the files of the one with --config" in told
    assert "accept-config" not in told


def test_a_service_of_another_campaign_does_not_start(bot: RunningBot, say: Say) -> None:
    bot.set("campaign: test", "campaign: other")

    assert "is of campaign test in mode live, but" in say("run")


def test_another_mode_is_confirmed_while_the_service_is_stopped(bot: RunningBot, say: Say) -> None:
    bot.set("mode: live", "mode: rehearsal")
    assert "stop `run` and confirm it: python3 run_bot.py accept-config --as NAME" in say("plan")

    bot.services.beat()
    assert (
        say("accept-config", "--as", "Op")
        == "1 error: `run` is at work in mode live; stop it first"
    )


def test_the_confirmed_mode_is_the_next_one(bot: RunningBot, say: Say) -> None:
    bot.set("mode: live", "mode: rehearsal")

    told = say("accept-config", "--as", "Op", "--why", "for training")

    assert told == "0 confirmed by Op: the next `run` is campaign test in mode rehearsal"
    assert owner_of(bot.data) == DataOwner("test", Mode.REHEARSAL)
    row = bot.store.audit.rows()[0]
    assert (row.who, row.verb, row.subject, row.why) == (
        "Op",
        "accept-config",
        "mode",
        "for training",
    )


def test_while_the_schedule_cannot_be_read_the_directory_says_whose_it_is(
    bot: RunningBot, say: Say
) -> None:
    bot.services.contents.refresh()
    bot.tree.put("schedule.yaml", "campaign: [\n")

    assert say("pause", "--reason", "look", "--as", "Op").startswith("0 paused")
    assert bot.store.pauses.current() is not None


def test_a_backup_of_the_other_mode_is_not_put_there(bot: RunningBot, say: Say) -> None:
    told = say("restore", "b.db", "--mode", "rehearsal")

    assert "is of campaign test in mode live: give --mode live, or another --data" in told


def test_a_directory_that_does_not_say_whose_it_is_is_no_bug(bot: RunningBot, say: Say) -> None:
    (bot.data / OWNER_FILE).write_text(json.dumps({"campaign": "test"}))

    assert say("plan").startswith(
        f"1 error: {bot.data / OWNER_FILE} does not say whose data this is"
    )


def test_an_empty_directory_is_nobodys(tmp_path: Path) -> None:
    assert owner_of(tmp_path) is None


@pytest.mark.parametrize("words", [
    ("user", "list"),
    ("user", "sign-out", "Op", "--as", "Op"),
])  # fmt: skip
def test_what_the_directory_remembers_is_not_written_again(
    bot: RunningBot, say: Say, words: tuple[str, ...]
) -> None:
    """`user pin` may be run as root, whose new file the bot's own user could not read."""
    before = (bot.data / OWNER_FILE).stat()

    assert say(*words).startswith("0 ")

    after = (bot.data / OWNER_FILE).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_list_of_users_makes_nothing(bot: RunningBot, say: Say, tmp_path: Path) -> None:
    assert say("user", "list", "--data", str(tmp_path / "none")).startswith("0 no users")

    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(("words", "told"), [
    (("check",), "[time-past]"),
    (("doctor", "--no-ask"), "WRONG content"),
])  # fmt: skip
def test_what_the_service_refuses_by_its_database_is_refused_by_verbs_too(
    bot: RunningBot, say: Say, words: tuple[str, ...], told: str
) -> None:
    bot.write(post("one", at=NINE), post("late", at="2020-01-01 09:00"))

    answer = say(*words)

    assert answer.startswith("1 ")
    assert told in answer


def test_another_campaign_is_checked_without_this_one_s_database(bot: RunningBot, say: Say) -> None:
    bot.write(post("one", at=NINE), post("late", at="2020-01-01 09:00"))
    bot.set("campaign: test", "campaign: other")

    assert say("check").startswith("0 ")


def test_what_the_service_refuses_by_its_database_is_not_confirmed(
    bot: RunningBot, say: Say
) -> None:
    bot.write(post("one", at=NINE), post("late", at="2020-01-01 09:00"))
    bot.set("approvals_required: 2", "approvals_required: 1")

    assert say("accept-config", "--as", "Op").startswith("1 error: nothing has changed")


def test_doctor_looks_at_content_whatever_became_of_the_database(bot: RunningBot, say: Say) -> None:
    (bot.data / OWNER_FILE).write_text("{")

    answer = say("doctor", "--no-ask")

    assert "ok    content" in answer
    assert "WRONG database" in answer
