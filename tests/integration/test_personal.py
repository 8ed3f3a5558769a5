"""Each person hears, at an address of their own, what waits for them: once, and once before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner

from bot.authority.access import Access
from bot.authority.notices import Absence, absence_of, hearers
from bot.authority.users import Role
from bot.cli.main import root
from bot.delivery.answers import ASK, Answers
from bot.errors import DecisionError
from bot.masking import masked
from bot.operations.waiting import PersonalNotifier
from tests.fakes.running_bot import AUTHOR, DAY, NINE, START, RunningBot, enlist, post
from tests.fakes.smtp import MailServer

HOUR = NINE - START
DESK = "https://desk.example"


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
def bot(new_bot: RunningBot) -> RunningBot:
    new_bot.start_with(post("one", at=NINE + 3 * DAY), post("two", at=NINE + 30 * DAY))
    return new_bot


def give(bot: RunningBot, mail: MailServer, *names: str) -> PersonalNotifier:
    """Give people an address on the mail server; return what tells them."""
    access = Access(bot.store, bot.clock)
    for name in names:
        access.set_address(name, mail.address.replace("to=us", f"to={name}"), by="Op")
    return PersonalNotifier(bot.store, bot.clock, bot.services.contents.campaign, DESK)


def heard(mail: MailServer) -> list[tuple[str, str]]:
    return [(str(each["To"]), words(each)) for each in mail.messages]


def words(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    return "" if body is None else " ".join(str(body.get_content()).split())


def test_who_must_answer_hears_it_once_and_is_reminded(bot: RunningBot, mail: MailServer) -> None:
    personal = give(bot, mail, "Ann")

    for _look in range(3):
        personal.run()
        bot.clock.advance(HOUR)

    ((to, text),) = heard(mail)
    assert "Ann@a.example" in to
    assert "onea oneb" in text
    assert "needs your answer; due Thu 10 Dec 2026 09:00 UTC; m" in text
    assert f"{DESK}/posts/one#read" in text
    assert "twoa" not in text
    bot.clock.advance(2 * DAY)
    personal.run()
    personal.run()
    assert len(heard(mail)) == 2


def test_who_has_answered_hears_no_more(bot: RunningBot, mail: MailServer) -> None:
    bot.approve("one", by=["Ann"])

    give(bot, mail, "Ann", AUTHOR).run()

    assert heard(mail) == []


def test_the_author_hears_what_is_asked(bot: RunningBot, mail: MailServer) -> None:
    Answers(bot.store, bot.clock).object_to(ASK, "one", "Name the year.", by="Ann")

    give(bot, mail, "Ann", "Ben", AUTHOR).run()

    ((to, text),) = heard(mail)
    assert "Ed@a.example" in to
    assert "is asked to be changed: Ann: Name the year." in text


def test_a_substitute_hears_it_while_somebody_is_away(bot: RunningBot, mail: MailServer) -> None:
    enlist(bot.store, "Cleo")
    personal = give(bot, mail, "Ann", "Cleo")
    access = Access(bot.store, bot.clock)
    access.set_absence(Absence("Ann", "Cleo", START, START + DAY), by="Ann")

    personal.run()
    ((to, text),) = heard(mail)
    assert to == "Cleo@a.example"
    assert "; in place of Ann (away)" in text
    bot.clock.advance(DAY + HOUR)
    personal.run()

    assert [to for to, _text in heard(mail)] == ["Cleo@a.example", "Ann@a.example"]
    assert bot.store.audit_problems() == []


def test_a_substitute_must_be_able_to_answer(bot: RunningBot) -> None:
    enlist(bot.store, "Cleo", role=Role.EDITOR)
    access = Access(bot.store, bot.clock)

    for name in ("Cleo", "Ann", "nobody"):
        with pytest.raises(DecisionError, match=f"{name} cannot answer .* who can: Ben"):
            access.set_absence(Absence("Ann", name, START, START + DAY), by="Ann")

    assert bot.store.absences.all() == {}


def test_who_is_away_hears_what_nobody_else_can_answer(bot: RunningBot, mail: MailServer) -> None:
    access = Access(bot.store, bot.clock)
    access.set_absence(Absence("Ann", "Ben", START, START + DAY), by="Ann")
    bot.approve("one", by=["Ben"])

    give(bot, mail, "Ann", "Ben").run()

    assert [to for to, _text in heard(mail)] == ["Ann@a.example"]


def test_what_could_not_be_told_is_told_later(bot: RunningBot, mail: MailServer) -> None:
    personal = give(bot, mail, "Ann")
    bot.store.addresses.put("Ann", "mailto://127.0.0.1:9?from=a@b.c&to=d@e.f&mode=insecure")
    personal.run()
    give(bot, mail, "Ann")
    bot.clock.advance(HOUR)

    personal.run()

    assert len(heard(mail)) == 1


def test_the_service_s_alerts_are_not_ended_by_it(bot: RunningBot, mail: MailServer) -> None:
    give(bot, mail, "Ann").run()
    before = bot.store.notices.all().keys()

    bot.services.notifier.run()

    assert before <= bot.store.notices.all().keys()


def test_an_address_is_private_masked_and_in_no_row(bot: RunningBot) -> None:
    secret = "mailto://us:correct-horse@mail.example"
    Access(bot.store, bot.clock).set_address("Ann", secret, by="Ann")

    assert bot.store.addresses.get("Ann") == secret
    file = bot.store.addresses.folder / "Ann"
    assert file.stat().st_mode & 0o077 == 0
    assert "correct-horse" not in masked(f"failed: {secret}")
    assert "correct-horse" not in str(bot.store.audit.rows())
    bot.store.users.add("zoe", frozenset({"viewer"}), "none", START)
    assert bot.store.addresses.get("zoe") == ""


def test_the_verbs_ask_for_the_password(bot: RunningBot) -> None:
    told = CliRunner().invoke(root, ["contact", "back", "Ann", "--as", "Ann", *bot.places])

    assert "by the password, no token" in str(told.exception)


@pytest.mark.parametrize(
    ("away", "told"),
    [
        ({}, {"ann": ()}),
        ({"ann": "ben"}, {"ben": ("ann",)}),
        ({"ann": "ben", "ben": "cy"}, {"cy": ("ann",)}),
        ({"ann": "gone"}, {"ann": ()}),
        ({"ann": "ben", "ben": "ann"}, {"ann": ()}),
        ({"ann": "ben", "ben": "cy", "cy": "ben"}, {"ben": ("ann",)}),
    ],
)
def test_a_substitute_who_is_away_has_one_too(
    away: dict[str, str], told: dict[str, tuple[str, ...]]
) -> None:
    absences = {name: Absence(name, other, START, NINE) for name, other in away.items()}
    able = ["ann", "ben", "cy"]

    assert hearers(["ann"], absences, able, START) == told
    assert hearers(["ann"], absences, able, NINE) == {"ann": ()}
    assert hearers(["ann"], absences, able, START - HOUR) == {"ann": ()}


def test_a_substitute_hears_for_somebody_and_for_themselves_once() -> None:
    absences = {"ann": Absence("ann", "ben", START, NINE)}

    assert hearers(["ann", "ben"], absences, ["ann", "ben"], START) == {"ben": ("ann",)}
    assert hearers(["ann", "cy"], absences, ["ann", "cy"], START) == {"cy": ()}
    assert hearers(["ann", "cy"], absences, ["ann", "cy"], START, needed=2) == {
        "cy": (), "ann": ()
    }  # fmt: skip


def test_days_away_are_local_and_in_order() -> None:
    zone = ZoneInfo("America/New_York")
    made = partial(absence_of, "ann", "ben", zone=zone, now=START)

    away = made("2026-12-10", "2026-12-12")
    assert away.since == datetime(2026, 12, 10, 5, tzinfo=UTC)
    assert away.until == datetime(2026, 12, 12, 5, tzinfo=UTC)
    assert made("", "2026-12-12").since == START
    for first, back in [("2026-12-12", "2026-12-12"), ("", "2026-12-01"), ("x", "2026-12-12"),
                        ("2026-12-10", ""), ("0001-01-01", "0001-01-02")]:  # fmt: skip
        with pytest.raises(DecisionError, match="day"):
            made(first, back)
