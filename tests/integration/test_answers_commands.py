"""The answers of approvers at the command line, and what the planner makes of them."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from bot.authority.approvals import answers_in
from bot.cli.main import run
from bot.delivery.answers import REFUSE, Answers
from bot.delivery.model import State
from tests.fakes.people import token_of
from tests.fakes.running_bot import DAY, MINUTE, NINE, RunningBot, post

Say = Callable[..., str]


@pytest.fixture
def say(
    bot: RunningBot, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Say:
    """Run a verb as Ann; return its exit code and what it prints."""
    monkeypatch.setenv("VERBATIM_TOKEN", token_of(bot.store, bot.clock, "Ann"))

    def say(*words: str) -> str:
        decides = [] if words[0] == "comments" else ["--as", "Ann"]
        code = run([*words, *bot.places, *decides])
        return f"{code} {capsys.readouterr().out}"

    return say


def test_the_thread_of_a_post_is_kept(bot: RunningBot, say: Say) -> None:
    assert say("ask-change", "one", "--comment", "Name  the\nyear.") == (
        "0 m: waits for a change: onea oneb onec oned onee onef oneg oneh\n"
    )
    assert say("comment", "one", "--comment", "2017, as in the letter").startswith("0 one")

    thread = json.loads(say("comments", "one", "--json")[2:])

    assert [(each["by"], each["answer"], each["comment"], each["stands"]) for each in thread] == [
        ("Ann", "approve", "", False),
        ("Ben", "approve", "", False),
        ("Ann", "ask change", "Name the year.", True),
        ("Ann", "comment", "2017, as in the letter", False),
    ]
    assert bot.desk.consents.of(bot.row().publication).count == 1


def test_an_approval_settles_what_its_approver_asked_for(bot: RunningBot, say: Say) -> None:
    say("ask-change", "one", "--comment", "Name the year.")

    assert say("approve", "one").startswith("0 ")

    bot.wait(NINE + MINUTE)
    assert bot.row().state is State.SENT


def test_an_edit_settles_what_was_asked_for(bot: RunningBot, say: Say) -> None:
    say("ask-change", "one", "--comment", "Name the year.")
    bot.write(post("one", at=NINE, words="what happened in the year 2017 to us"))
    bot.watch()
    bot.approve_all()

    bot.wait(NINE + MINUTE)

    assert bot.row().state is State.SENT


def test_what_is_taken_back_too_late_is_named(bot: RunningBot, say: Say) -> None:
    bot.wait(NINE + MINUTE)

    assert say("withdraw", "one").startswith("1 ")
    assert bot.row().state is State.SENT


def test_a_withdrawn_approval_is_missing_at_the_time(bot: RunningBot, say: Say) -> None:
    assert say("withdraw", "one", "--why", "The date is wrong.").startswith("0 m: ")
    assert say("withdraw", "one").startswith("1 ")

    bot.wait(NINE + MINUTE)

    assert bot.row().reason_text == "unapproved: 1 of 2"


def test_another_post_gets_the_slot_of_a_refused_one(new_bot: RunningBot) -> None:
    new_bot.start_with(post("one"), post("two"))
    assert new_bot.when() == ["07 09:00 m one", "08 09:00 m two"]

    Answers(new_bot.store, new_bot.clock).object_to(REFUSE, "one", "Not this one.", by="Ann")
    new_bot.services.plan()

    assert new_bot.when() == ["07 09:00 m two"]
    new_bot.write(post("one", words="another text for this one day"), post("two"))
    new_bot.watch()
    assert sorted(row.post_id for row in new_bot.rows()) == ["one", "two"]


def test_a_yearly_post_is_refused_for_one_year(new_bot: RunningBot) -> None:
    new_bot.start_with(post("one", 'every_year: {on: 12-09, at: "09:00"}'))
    Answers(new_bot.store, new_bot.clock).object_to(REFUSE, "one", "Not this one.", by="Ann")

    new_bot.services.plan()

    assert new_bot.rows() == []
    new_bot.clock.advance(355 * DAY)
    new_bot.services.plan()
    assert [row.due_at.year for row in new_bot.rows() if row.due_at] == [2027]


def test_the_log_and_the_database_tell_the_same_objections(bot: RunningBot, say: Say) -> None:
    for words in (
        ("ask-change", "one", "--comment", "a"), ("withdraw", "one"),
        ("ask-change", "one", "--comment", "b"), ("approve", "one"),
        ("ask-change", "one", "--comment", "c"), ("refuse", "one", "--comment", "d"),
    ):  # fmt: skip
        assert say(*words).startswith("0 ")
        logged = answers_in(bot.store.audit.rows()[::-1]).objections
        assert {each.key for each in bot.store.objections.standing()} == logged.keys()
        assert bot.store.audit_problems() == []
