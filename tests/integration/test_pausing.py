"""A pause of a part, and its end, as people see and say them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.authority.pauses import PauseState, PauseTarget, covering, until_of
from bot.authority.tables import PauseScope
from bot.authority.users import Role
from bot.cli.main import run
from bot.clock import SystemClock
from bot.delivery.decisions import Desk
from bot.delivery.model import State
from bot.errors import DecisionError
from bot.operations.status import status_of
from bot.planning.outlook import outlook_of
from bot.planning.store import Store
from bot.web.pages.calendar import CalendarQuery
from tests.fakes.engaged import engaged_campaign
from tests.fakes.people import token_of
from tests.fakes.running_bot import DAY, MINUTE, NINE, START, RunningBot, post

FAMILIES = PauseTarget(PauseScope.THEME, "families")
Do = Callable[..., Any]


@pytest.fixture
def bot(new_bot: RunningBot) -> RunningBot:
    new_bot.use("m", "b")
    new_bot.start_approved(
        post("one", "theme: families", at=NINE), post("two", "lang: zh-Hant", at=NINE + DAY)
    )
    return new_bot


@pytest.fixture
def call(
    bot: RunningBot, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Do:
    """Run a verb as an operator; its exit code and all that people see."""
    monkeypatch.setattr("bot.app.storage.clock_of", lambda _store: bot.clock)
    monkeypatch.setattr("bot.app.storage.SystemClock", lambda: bot.clock)
    token = token_of(bot.store, bot.clock, "olga", frozenset({Role.OPERATOR}))
    monkeypatch.setenv("VERBATIM_TOKEN", token)

    def run_verb(*words: str) -> str:
        capsys.readouterr()
        code = run([*words, *bot.places])
        out, err = capsys.readouterr()
        return f"{code} {out}{err}".strip()

    return run_verb


def test_a_part_is_paused_and_resumed_at_the_command_line(bot: RunningBot, call: Do) -> None:
    paused = call(
        "pause", "--reason", "news", "--theme", "families", "--lang", "zh", "--as", "olga",
        "--until", "2026-12-08 10:00",
    )  # fmt: skip

    assert " ".join(paused.split()) == (
        "0 paused: nothing is sent or deleted of theme families, language zh until"
        " Tue 8 Dec 2026 10:00 UTC, or `resume`; what lapses waits under `held`"
    )
    assert "PAUSED, theme families: news (olga), until Tue 8 Dec 2026 10:00" in call("status")
    assert json.loads(call("status", "--json")[2:])["pauses"][0]["target"] == {
        "scope": "theme", "value": "families",
    }  # fmt: skip
    assert "the theme families is paused already" in call(
        "pause",
        "--reason",
        "x",
        "--theme",
        "families",
        "--until",
        "2026-12-08 09:00",
        "--as",
        "ann",
    )
    assert call("resume", "--as", "olga").startswith(
        "1 error: sending is not paused; only theme families, language zh"
    )
    resumed = call("resume", "--lang", "zh", "--as", "olga")
    assert "language zh goes on" in resumed
    assert "still paused: theme families" in resumed
    assert "resume --theme families --as NAME" in resumed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--theme", "famlies"), "did you mean 'families'?"),
        (("--account", "m", "--lang", "nn"), "no post has the language 'nn'"),
        (("--theme", "families", "--all-calls"), "--all-calls goes with everything or an account"),
        (("--until", "2026-12-01 09:00"), "is past; say when the pause ends"),
        (("--until", "tomorrow"), "the end: 'tomorrow' is no date and time"),
    ],
)
def test_what_cannot_be_paused_so_is_refused_whole(
    bot: RunningBot, call: Do, words: tuple[str, ...], said: str
) -> None:
    assert said in call("pause", "--reason", "x", "--as", "olga", *words)
    assert bot.store.pauses.lasting() == ()


def test_an_account_of_which_nothing_is_read_either(bot: RunningBot, call: Do) -> None:
    call("pause", "--reason", "raid", "--account", "m", "--all-calls", "--as", "olga")

    bot.wait(NINE + MINUTE)

    assert (bot.servers["m"].texts, len(bot.servers["b"].texts)) == ([], 1)
    before = list(bot.servers["m"].calls)
    bot.clock.wait(bot.stopping, NINE + DAY)
    bot.services.collect()
    bot.work()
    assert bot.servers["m"].calls == before


def test_a_pause_ends_by_itself_before_what_is_due_then(bot: RunningBot) -> None:
    bot.desk.pause("news", by="Ann", target=FAMILIES, until=NINE)

    bot.wait(NINE + MINUTE)

    assert {row.state for row in bot.rows("one")} == {State.SENT}
    row = bot.store.audit.rows()[0]
    assert (row.who, row.verb, row.subject) == ("service", "resume", "theme families")
    assert row.why == "the time that Ann gave is over"
    assert bot.store.audit_problems() == []


def test_the_calendar_says_what_is_paused_until_it_ends(bot: RunningBot) -> None:
    bot.write(
        post("one", "theme: families", at=NINE), post("late", "theme: families", at=NINE + DAY)
    )
    bot.watch()
    bot.desk.pause("news", by="Ann", target=FAMILIES, until=NINE + DAY)

    entries = outlook_of(bot.store, bot.clock, bot.services.contents.rendered, days=3).entries
    shown = CalendarQuery(bot.dashboard).between(START, START + 3 * DAY)

    assert {(each.post_id, each.note) for each in entries} == {
        ("one", "paused: theme families; approved"), ("late", "unapproved: 0 of 2"),
    }  # fmt: skip
    assert [(each.post_id, each.kind) for each in shown] == [
        ("one", "paused"), ("late", "unapproved"),
    ]  # fmt: skip


def test_people_are_told_what_ends_it(bot: RunningBot) -> None:
    bot.desk.pause("news", by="Ann", target=PauseTarget(PauseScope.ACCOUNT, "m"))

    found = status_of(bot.store, bot.services.contents.campaign().schedule, bot.clock)

    told = {matter.key: matter.command for matter in found.matters}
    assert told["paused/account m"] == "resume --account m --as NAME"
    assert found.paused == ""


def test_sql_and_python_mean_the_same_pause(store: Store) -> None:
    """What a claim asks in SQL, the gate and the calendar ask in Python."""
    values = ("", "m", "M", "zh", "zh-hant", "zh-Hans", "z", "%", "families", "familie_")
    targets = [PauseTarget(scope, value) for scope, value in product(PauseScope, values)]
    places = [("m", "families", "zh-Hant"), ("b", "", "zh"), ("zh", "m", "en"), ("", "", "")]
    for target in targets:
        store.pauses.add(PauseState("x", "ann", START, target=target))
        with store._db.read() as connection:
            found = [connection.execute(covering(*each)).first() is not None for each in places]

        assert found == [target.covers(*each) for each in places], target
        store.pauses.resume("ann", START, target)


def test_a_pause_and_the_log_have_one_moment(store: Store) -> None:
    """By a clock that goes on between two looks; who compares them finds no difference."""
    desk = Desk(store, SystemClock(), engaged_campaign)

    desk.pause("a clash of dates", by="Ann", target=PauseTarget(PauseScope.THEME, "families"))

    assert store.audit_problems() == []


def test_every_part_has_the_language_of_its_publication(bot: RunningBot) -> None:
    assert {row.status.lang == row.publication.lang for row in bot.rows()} == {True}


@pytest.mark.parametrize(
    ("typed", "ends"),
    [
        ("", None),
        ("2027-01-02 09:00", "2027-01-02T14:00:00+00:00"),
        ("2027-01-02 09:00 Z", "2027-01-02T09:00:00+00:00"),
        ("2027-03-14 02:30", "not one moment"),
        ("2027-11-07 01:30", "not one moment"),
        ("2027-11-07 01:30 -05:00", "2027-11-07T06:30:00+00:00"),
    ],
)
def test_an_end_is_one_moment(typed: str, ends: str | None) -> None:
    zone = ZoneInfo("America/New_York")

    if ends == "not one moment":
        with pytest.raises(DecisionError, match=ends):
            until_of(typed, zone=zone, now=START)
    else:
        expected = datetime.fromisoformat(ends) if ends else None
        assert until_of(typed, zone=zone, now=START) == expected
