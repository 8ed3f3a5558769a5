"""Each person hears, at an address of their own, what waits for them: once, and once before."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import EmailMessage

import pytest
from click.testing import CliRunner

from bot.authority.access import Access
from bot.authority.notices import Absence, in_place_of
from bot.authority.users import Role
from bot.cli.main import root
from bot.delivery.answers import Answers
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
    Answers(bot.store, bot.clock).ask_change("one", "Name the year.", by="Ann")

    give(bot, mail, "Ann", "Ben", AUTHOR).run()

    ((to, text),) = heard(mail)
    assert "Ed@a.example" in to
    assert "is asked to be changed: Ann: Name the year." in text


def test_a_substitute_hears_it_while_somebody_is_away(bot: RunningBot, mail: MailServer) -> None:
    enlist(bot.store, "Cleo", role=Role.EDITOR)
    personal = give(bot, mail, "Ann", "Cleo")
    access = Access(bot.store, bot.clock)
    access.set_absence("Ann", "Cleo", START + DAY, by="Ann")

    personal.run()
    assert [to for to, _text in heard(mail)] == ["Cleo@a.example"]
    bot.clock.advance(DAY + HOUR)
    personal.run()

    assert [to for to, _text in heard(mail)] == ["Cleo@a.example", "Ann@a.example"]
    assert bot.store.audit_problems() == []


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
    files = ["--config", str(bot.tree.schedule), "--posts", str(bot.tree.posts)]
    told = CliRunner().invoke(
        root, ["contact", "back", "Ann", "--as", "Ann", *files, "--data", str(bot.data)]
    )

    assert "by the password, no token" in str(told.exception)


@pytest.mark.parametrize(
    ("away", "told"),
    [
        ({}, ("ann",)),
        ({"ann": "ben"}, ("ben",)),
        ({"ann": "ben", "ben": "cy"}, ("cy",)),
        ({"ann": "gone"}, ("ann",)),
        ({"ann": "ben", "ben": "ann"}, ("ann",)),
        ({"ann": "ben", "ben": "cy", "cy": "ben"}, ("ben",)),
    ],
)
def test_a_substitute_who_is_away_has_one_too(away: dict[str, str], told: tuple[str, ...]) -> None:
    absences = {name: Absence(name, other, NINE) for name, other in away.items()}

    assert in_place_of(["ann"], absences, iter(["ann", "ben", "cy"]), START) == told
    assert in_place_of(["ann"], absences, ["ann", "ben", "cy"], NINE) == ("ann",)
