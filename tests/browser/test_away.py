"""Somebody says on the desk where they are told and that they are away; the substitute answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from bot.authority.users import Role
from bot.operations.waiting import PersonalNotifier
from bot.settings.environment import Settings
from bot.settings.secrets import Secret
from tests.browser.chromium import axe_of, signed_in
from tests.browser.test_answers import PHONE, reach
from tests.fakes.browser import PASSWORD
from tests.fakes.running_bot import RunningBot
from tests.fakes.shipped import add_people, open_shipped, serving
from tests.fakes.smtp import MailServer

pytestmark = pytest.mark.browser

DESKTOP = {"width": 1280, "height": 900}


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
def bot(tmp_path: Path, mail: MailServer) -> Iterator[RunningBot]:
    with open_shipped(tmp_path, settings=Settings(alerts=(Secret(mail.address),))) as bot:
        add_people(bot)
        bot.dashboard.access.add("cleo", frozenset({Role.APPROVER}), PASSWORD, by="test")
        with serving(bot):
            yield bot


def press(page: Page, name: str) -> None:
    """Press a button with the keyboard, and wait for the page after it."""
    reach(page, name)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert axe_of(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def type_into(page: Page, label: str, words: str) -> None:
    field = page.get_by_label(label)
    for _press in range(90):
        page.keyboard.press("Tab")
        if field.evaluate("each => each === document.activeElement"):
            page.keyboard.type(words)
            return
    raise AssertionError(f"the keyboard does not reach {label!r}")


def keep_address(page: Page, bot: RunningBot, mail: MailServer, name: str) -> None:
    page.goto(f"{bot.origin}/me")
    type_into(page, "Your address", mail.address.replace("to=us", f"to={name}"))
    press(page, "Keep it")
    section = page.locator("section", has=page.locator("#address"))
    expect(section).to_contain_text("It took a test message")
    assert mail.address.partition("?")[0] not in page.content()
    assert mail.messages[-1]["To"] == f"{name}@a.example"


@pytest.mark.deep
@pytest.mark.parametrize(
    ("size", "scheme"), [(PHONE, "light"), (DESKTOP, "dark")], ids=["phone", "desktop"]
)
def test_a_substitute_hears_and_answers_in_the_place_of_who_is_away(
    browser: Browser, bot: RunningBot, mail: MailServer, size: dict[str, int], scheme: str
) -> None:
    looks = {"viewport": size, "color_scheme": scheme}
    page = signed_in(browser, bot, "anna", **looks)
    keep_address(page, bot, mail, "anna")
    type_into(page, "Back on", "12202026")
    type_into(page, "Who is told in your place", "ben")
    press(page, "I am away then")
    expect(page.locator("section", has=page.locator("#away"))).to_contain_text("ben is told")

    ben = signed_in(browser, bot, "ben", **looks)
    keep_address(ben, bot, mail, "ben")
    mail.raw.clear()
    PersonalNotifier(bot.store, bot.clock, bot.services.contents.campaign, bot.origin).run()
    (message,) = mail.messages
    assert message["To"] == "ben@a.example"
    assert "in place of anna (away)" in " ".join(str(message.get_body(("plain",))).split())

    ben.goto(f"{bot.origin}/")
    mine = ben.locator("section", has=ben.get_by_role("heading", name="Waiting for you"))
    expect(mine.locator(".need").first).to_contain_text("in place of anna")
    assert axe_of(ben) == []
    press(ben, "One after the other")
    press(ben, "Begin with the first")
    expect(ben.get_by_text("your answer stands under your own name")).to_be_visible()
    post = re.search(r"/posts/([^?#]+)", ben.url)
    reach(ben, "Approve")
    ben.keyboard.press("Enter")
    press(ben, "Approve what is shown")
    assert post
    assert [one.by for one in bot.store.approvals.standing(post_id=post[1])][:1] == ["ben"]

    press(page, "I am back")
    assert bot.store.absences.all() == {}
    press(page, "Remove the address")
    assert bot.store.addresses.get("anna") == ""
    assert bot.store.audit_problems() == []
    for each in (page, ben):
        assert each.evaluate("refused") == []
        each.context.close()
