"""The verbs on a real database: what they print, what they change, and the row each leaves."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from icalendar import Calendar

from bot.authority.tables import StopReason
from bot.cli.main import run
from bot.clock import FastClock
from bot.delivery.model import State
from bot.errors import RejectedError, UnauthorizedError, UnconfirmedError
from bot.operations import opening
from bot.planning.store import Store
from bot.settings.environment import Settings
from tests.fakes.campaign_tree import CampaignTree
from tests.fakes.loopback import Inbox
from tests.fakes.people import token_of, who_decides
from tests.fakes.running_bot import MINUTE, RunningBot, post
from tests.integration.store_rows import due

Do = Callable[..., Any]


@pytest.fixture
def bot(new_bot: RunningBot) -> RunningBot:
    """Have two posts in the queue, on the clock that the commands will see."""
    new_bot.clock = FastClock(datetime.now(UTC))
    new_bot.machine = Settings().machine_id()
    new_bot.start_with(post("one"), post("two"))
    return new_bot


@pytest.fixture
def prove(bot: RunningBot, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put into the environment what stands for whoever decides by these words."""
    tokens = {}
    for name in ("Ann", "Ben", "Op"):
        tokens[name] = token_of(bot.store, bot.clock, name)

    def put(words: tuple[str, ...]) -> None:
        if token := tokens.get(who_decides(words)):
            monkeypatch.setenv("VERBATIM_TOKEN", token)

    return put


@pytest.fixture
def do(bot: RunningBot, prove: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> Do:
    """Run a verb that works; what it prints as JSON."""

    def done(*words: str) -> Any:
        prove(words)
        capsys.readouterr()
        assert run([*words, *bot.places, "--json"]) == 0, capsys.readouterr().err
        return json.loads(capsys.readouterr().out)

    return done


@pytest.fixture
def say(
    bot: RunningBot, prove: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Run a verb; its exit code and all that people see."""

    def run_verb(*words: str) -> str:
        prove(words)
        capsys.readouterr()
        code = run([*words, *bot.places])
        out, err = capsys.readouterr()
        return f"{code} {out}{err}".strip()

    return run_verb


def last_row(bot: RunningBot) -> tuple[str, str, str, str]:
    row = bot.store.audit.rows()[0]
    return row.who, row.verb, row.subject, row.why


def decisions(bot: RunningBot) -> list[str]:
    """Return what was decided, apart from the making of tokens."""
    rows = bot.store.audit.rows()
    return [row.verb for row in rows if row.who != "setup" and row.verb != "token"]


def held(bot: RunningBot) -> str:
    """Let the first post be held as unapproved; its id."""
    bot.wait(due(bot.rows("one")[0]) + MINUTE)
    return bot.rows("one")[0].id


# Decisions


def test_approve(bot: RunningBot, do: Do) -> None:
    told = do("approve", "one", "two", "--as", "  Ann ", "--why", "read")

    assert told == {"by": "Ann", "approvals": {"one": 1, "two": 1}, "required": 2}
    assert last_row(bot) == ("Ann", "approve", "two", "read")


def test_approve_shows_what_was_approved(bot: RunningBot, say: Callable[..., str]) -> None:
    told = say("approve", "one", "--as", "Ann")

    assert bot.rows("one")[0].status.text in told
    assert "one: approved by Ann, 1 of 2" in told


def test_pause_and_resume(bot: RunningBot, do: Do) -> None:
    assert do("pause", "--reason", "mourning", "--as", "Ann")["paused"] is True
    assert last_row(bot) == ("Ann", "pause", "everything", "mourning")

    assert do("resume", "--as", "Ben", "--why", "over")["paused"] is False
    assert last_row(bot) == ("Ben", "resume", "everything", "over")


@pytest.mark.parametrize("verb", ["plan", "status", "held", "engagement"])
def test_a_verb_opens_the_database_once(
    bot: RunningBot, do: Do, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    bot.stop()
    opened: list[str] = []
    open_store = opening.open_store

    def count(url: str, **options: Any) -> Store:
        opened.append(url)
        return open_store(url, **options)

    monkeypatch.setattr(opening, "open_store", count)

    do(verb)

    assert len(opened) == 1


def test_resume_a_stopped_account(bot: RunningBot, do: Do, say: Callable[..., str]) -> None:
    bot.servers["m"].unseen = UnauthorizedError("mastodon", "revoked")
    bot.wait(bot.clock.now())

    assert do("resume", "m", "--as", "Ann")["stopped"] == "mastodon: revoked"
    assert last_row(bot) == ("Ann", "restart", "m", "")
    assert say("resume", "m", "--as", "Ann").startswith("1 error: no stopped account")


def test_resume_says_what_it_did(bot: RunningBot, say: Callable[..., str]) -> None:
    bot.desk.pause("mourning", by="Ann")
    bot.store.accounts.stop("m", StopReason.UNAUTHORIZED, "revoked", bot.clock.now())

    assert say("resume", "--as", "Ann").startswith("0 sending goes on; 0 held")
    assert "it was stopped: revoked" in say("resume", "m", "--as", "Ann")
    assert say("resume", "--as", "Ann") == "1 error: sending is not paused"


@pytest.mark.parametrize(
    ("choice", "state", "verb"),
    [
        ("queue", State.PLANNED, "queue"),
        ("drop", State.CANCELLED, "drop"),
    ],
)
def test_resolve(bot: RunningBot, do: Do, choice: str, state: State, verb: str) -> None:
    delivery = held(bot)

    assert do("resolve", delivery[:10], choice, "--as", "Ann", "--why", "so")["state"] == state
    assert last_row(bot) == ("Ann", verb, delivery, "so")


def test_an_address_that_cannot_be_read_settles_nothing(
    bot: RunningBot, say: Callable[..., str]
) -> None:
    delivery = held(bot)

    told = say("resolve", delivery, "https://m.example/@us/1", "--as", "Ann")

    assert told.startswith("1 error: https://m.example/@us/1 could not be read, so try again")
    assert [row.id for row in bot.rows("", State.HELD)] == [delivery]


def test_retry(bot: RunningBot, do: Do) -> None:
    bot.approve("one")
    bot.servers["m"].fails(RejectedError("mastodon", "too long"))
    bot.wait(due(bot.rows("one")[0]))
    delivery = bot.rows("one")[0].id

    assert do("retry", delivery, "--as", "Ann")["state"] == "READY"
    assert last_row(bot) == ("Ann", "retry", delivery, "")


def test_cancel(bot: RunningBot, do: Do, say: Callable[..., str]) -> None:
    first, second = (row.id for row in bot.rows())

    assert do("cancel", first, "--as", "Ann", "--why", "stale")["state"] == "CANCELLED"
    assert last_row(bot) == ("Ann", "cancel", first, "stale")
    assert say("cancel", second, "--as", "Ann") == f"0 {second[:8]} two for m is CANCELLED"


def test_accept_config(bot: RunningBot, do: Do, say: Callable[..., str]) -> None:
    assert say("accept-config", "--as", "Op").startswith("1 error: nothing has changed")
    bot.set("approvals_required: 2", "approvals_required: 1")
    bot.watch()

    assert [one["what"] for one in do("accept-config", "--as", "Op")] == ["approvals_required"]
    assert last_row(bot) == ("Op", "accept-config", "configuration", "")
    bot.set("approvals_required: 1", "approvals_required: 2")
    bot.watch()
    assert "approvals_required: 1 became 2" in say("accept-config", "--as", "Op")


DECISIONS = [
    ("approve", "one"), ("pause", "--reason", "x"), ("resume",), ("resolve", "zz", "send"),
    ("retry", "zz"), ("cancel", "zz"), ("accept-config",),
]  # fmt: skip


def test_every_decision_needs_a_name_and_what_it_is_about(
    bot: RunningBot, say: Callable[..., str]
) -> None:
    for words in DECISIONS:
        assert say(*words).startswith("2 "), words
        assert "who decides" in say(*words, "--as", "  "), words
        if "zz" in words:
            assert say(*words, "--as", "Ann").startswith("1 error: no delivery with an id"), words
    assert decisions(bot) == []


# Questions


def test_deliveries_and_their_history(bot: RunningBot, do: Do, say: Callable[..., str]) -> None:
    bot.approve("one")
    bot.wait(due(bot.rows("one")[0]))
    sent, planned = bot.rows()

    assert [row["state"] for row in do("deliveries")] == ["SENT", "PLANNED"]
    assert [row["id"] for row in do("deliveries", "--state", "SENT")] == [sent.id]
    assert [row["id"] for row in do("deliveries", "--post", "two")] == [planned.id]
    assert do("deliveries", "--account", "nobody") == []
    history = do("deliveries", sent.id[:8])
    assert [move["after"] for move in history["moves"]] == ["READY", "SENDING", "SENT"]
    assert [attempt["outcome"] for attempt in history["attempts"]] == ["accepted, with an id"]
    assert sent.url in say("deliveries")
    assert "SENDING -> SENT" in say("deliveries", sent.id)


def test_held(bot: RunningBot, do: Do, say: Callable[..., str]) -> None:
    assert say("held") == "0 nothing waits for a person"
    delivery = held(bot)

    assert [(row["id"], row["reason"]) for row in do("held")] == [(delivery, "unapproved: 0 of 2")]
    assert "decide: python3 run_bot.py resolve ID" in say("held")


def test_held_shows_the_evidence(bot: RunningBot, say: Callable[..., str]) -> None:
    bot.approve("one")
    bot.servers["m"].fails(UnconfirmedError("mastodon", "504"))
    bot.servers["m"].unread.append(UnconfirmedError("mastodon", "not ours"))
    bot.wait(due(bot.rows("one")[0]) + MINUTE)

    assert "read back, but mastodon: not ours" in say("held")


def test_status(bot: RunningBot, do: Do, say: Callable[..., str]) -> None:
    told = do("status")
    assert (told["running"], told["mode"], told["counts"]) == (False, "live", {"PLANNED": 2})
    assert say("status", "--health") == "1"

    bot.store.workers.beat("w", {"worker": "w"}, datetime.now(UTC))
    bot.desk.pause("mourning", by="Ann")
    bot.store.accounts.stop("m", StopReason.UNAUTHORIZED, "revoked", bot.clock.now())

    assert say("status", "--health") == "0"
    text = say("status")
    assert "PAUSED: mourning (Ann)" in text
    assert "STOPPED: revoked" in text
    assert "running: w" in text


def test_plan(bot: RunningBot, do: Do, say: Callable[..., str], tmp_path: Path) -> None:
    path = tmp_path / "plan.ics"

    told = do("plan", "--days", "7", "--ics", str(path))

    assert [entry["post_id"] for entry in told["entries"]] == ["one", "two"]
    assert {entry["note"] for entry in told["entries"]} == {"unapproved: 0 of 2"}
    assert len(Calendar.from_ical(path.read_bytes()).walk("VEVENT")) == 2
    text = say("plan", "--days", "7")
    assert "[unapproved: 0 of 2]" in text
    assert "queue main has nothing to give" in text


def test_audit(bot: RunningBot, do: Do, say: Callable[..., str]) -> None:
    bot.approve("one")

    assert do("audit", "verify")["broken_at"] is None
    assert [row["who"] for row in do("audit", "show")][-2:] == ["Ann", "Ben"]
    assert "Ben: approve one" in say("audit", "show")
    assert say("audit", "verify").startswith("0 the log is whole")


def test_backup_and_restore(
    bot: RunningBot, do: Do, say: Callable[..., str], tmp_path: Path
) -> None:
    copy = tmp_path / "copy.db"
    assert do("backup", str(copy))["deliveries"] == 2
    assert say("backup", str(copy)).startswith("1 error: ")
    bot.stop()

    told = do("restore", str(copy), "--mode", "live")

    assert Path(told["kept"]).exists()
    assert "SETTLING FIRST" in say("status")
    assert say("restore", str(tmp_path / "none.db"), "--mode", "live").startswith("1 error: ")


def test_a_post_that_nobody_wrote_is_answered_with_the_nearest(say: Callable[..., str]) -> None:
    near = "1 error: no post is called 'tow'; did you mean 'two'?"

    assert say("approve", "tow", "--as", "Ann") == near
    assert say("ask-change", "tow", "--comment", "x", "--as", "Ann") == near
    assert say("comments", "tow") == near
    assert say("deliveries", "--post", "tow") == near


def test_check_and_preview_and_quote(bot: RunningBot, do: Do, say: Callable[..., str]) -> None:
    assert do("check")["problems"] == []
    assert say("check").startswith("0 no problem in 2 posts")
    assert [one["id"] for one in do("preview", "--all")] == ["one", "two"]
    assert "m · " in say("preview", "one")
    assert do("quote", "they are our friends")["exact"][0]["source"] == "letter"
    assert say("quote", "they are our fiends").startswith("1 letter: ")
    assert say("preview", "none") == "1 error: no post is called 'none'; did you mean 'one'?"
    assert say("preview").startswith("2 ")


def test_check_as_annotations(bot: RunningBot, say: Callable[..., str]) -> None:
    bot.tree.put("posts/main.yaml", "posts: [{id: a%b}]\n")

    told = say("check", "--format", "github")

    assert told.startswith("1 ::error file=")
    assert ",line=1,col=" in told


def test_check_names_the_rule_of_each_problem(
    bot: RunningBot, do: Do, say: Callable[..., str]
) -> None:
    yearly = "posts: [{id: leap, text: Words of a leap day, every_year: {on: 02-29, at: 09:00}}]\n"
    bot.tree.put("posts/more.yaml", yearly)

    (told,) = do("check")["problems"]

    assert told["rule"] == "leap-day"
    assert "02-29 comes in leap years only [leap-day]\n" in say("check")


def test_doctor(bot: RunningBot, say: Callable[..., str]) -> None:
    told = say("doctor", "--no-ask")

    assert told.startswith("1 ")
    assert "WRONG m: " in told
    assert "VERBATIM_M_ACCESS_TOKEN" in told
    assert "ok    database" in told
    assert "ok    `run`: none is at work" in told
    assert "WRONG alerts: VERBATIM_ALERTS names nobody" in told


def test_doctor_tells_what_the_service_at_work_says_of_itself(
    bot: RunningBot, say: Callable[..., str]
) -> None:
    facts = {"worker": "one/1", "machine": "one", "stuck": {"m": "09:00 UTC"}}
    bot.store.workers.beat("one/1", facts, datetime.now(UTC))
    bot.desk.pause("mourning", by="Ann")

    told = say("doctor", "--no-ask")

    assert "ok    `run`: at work: one/1; one more stands by" in told
    assert "WRONG `run` says: m on one is at one step since 09:00 UTC" in told
    assert "ok    `run` says: Sending is paused: mourning (Ann)" in told


def test_doctor_says_of_no_account_of_a_rehearsal_that_its_secrets_are_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = CampaignTree(tmp_path)
    run(["doctor", "--no-ask", *tree.places(tmp_path)])
    told = capsys.readouterr().out

    assert "a rehearsal needs no secrets" in told
    assert "secrets are there" not in told


#: Apprise 1 loads all its plugins, one of which imports it.
@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
def test_doctor_fails_with_the_words_of_run(
    bot: RunningBot, say: Callable[..., str], monkeypatch: pytest.MonkeyPatch, inbox: Inbox
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("VERBATIM_MONITOR", f"127.0.0.1:{port}")
        monkeypatch.setenv("VERBATIM_WEB", "0.0.0.0:8765")
        monkeypatch.setenv("VERBATIM_ALERTS", f"{inbox.address} json://127.0.0.1:9/")

        told = say("doctor", "--no-ask", "--send")

    assert f"WRONG port 127.0.0.1:{port}: cannot be listened on: Address already in use" in told
    assert "WRONG dashboard: VERBATIM_WEB=0.0.0.0:8765: others could reach it" in told
    assert "ok    address 1 (json): took a test" in told
    assert "WRONG address 2 (json): it does not take them" in told
    assert inbox.titles == ["Verbatim: a test"]


def test_nothing_to_ask_before_the_first_start(
    new_bot: RunningBot, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new_bot.write(post("one"))
    places = new_bot.tree.places(tmp_path / "no")

    assert run(["status", *places]) == 1
    assert "start `python3 run_bot.py run` first" in capsys.readouterr().err
    assert run(["plan", *places]) == 0
    assert not (tmp_path / "no").exists()
