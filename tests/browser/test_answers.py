"""The three answers on a phone, with the keyboard alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from bot.authority.tables import ObjectionKind
from tests.browser.chromium import axe_of, signed_in
from tests.fakes.running_bot import RunningBot
from tests.fakes.shipped import add_people, open_shipped, serving

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 844}


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[RunningBot]:
    with open_shipped(tmp_path) as bot:
        add_people(bot)
        with serving(bot):
            yield bot


def reach(page: Page, name: str, *, most: int = 90) -> None:
    """Press Tab until what has this name has the focus."""
    for _press in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("(document.activeElement.innerText || '').trim()") == name:
            return
    raise AssertionError(f"the keyboard does not reach {name!r}")


def post_on(page: Page) -> str:
    found = re.search(r"/posts/([^?#]+)", page.url)
    assert found, page.url
    return found[1]


def answer(page: Page, link: str, label: str, words: str, button: str) -> str:
    """Give an answer with the keyboard; return of which post."""
    post = post_on(page)
    reach(page, link)
    page.keyboard.press("Enter")
    expect(page.get_by_label(label)).to_be_visible()
    assert axe_of(page) == []
    page.keyboard.press("Tab")
    page.keyboard.type(words)
    reach(page, button, most=3)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    return post


def test_the_three_answers_one_after_the_other(browser: Browser, bot: RunningBot) -> None:
    page = signed_in(browser, bot, "ben", viewport=PHONE)
    page.goto(f"{bot.origin}/week")
    assert axe_of(page) == []
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
    reach(page, "Begin with the first")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/posts/"))
    expect(page.locator(".status").first).to_be_in_viewport()

    approved = answer(page, "Approve", "Note", "Read it.", "Approve what is shown")
    asked = answer(
        page, "Ask for a change", "What should change", "Name the year.", "Ask for this change"
    )
    refused = answer(page, "Not this one", "Why not", "Not on this day.", "Refuse it")

    assert len({approved, asked, refused, post_on(page)}) == 4
    assert [one.by for one in bot.store.approvals.standing(post_id=approved)]
    standing = {(one.post_id, one.kind, one.comment) for one in bot.store.objections.standing()}
    assert standing == {
        (asked, ObjectionKind.CHANGE, "Name the year."),
        (refused, ObjectionKind.REFUSAL, "Not on this day."),
    }
    page.goto(f"{bot.origin}/posts/{approved}")
    reach(page, "Take mine back")
    page.keyboard.press("Enter")
    reach(page, "Take it back", most=3)
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("taken back")
    assert bot.store.approvals.standing(post_id=approved) == ()
    assert page.evaluate("refused") == []
    page.context.close()


def test_networks_are_tabs_and_the_passage_is_one_tap_away(
    browser: Browser, bot: RunningBot
) -> None:
    page = signed_in(browser, bot, "ben", viewport=PHONE, java_script_enabled=False)
    page.goto(f"{bot.origin}/posts/our-mothers-and-fathers#read")
    looks = page.locator(".look")
    expect(looks.first).to_be_in_viewport()
    expect(looks.nth(1)).to_be_hidden()

    page.get_by_role("radio").first.focus()
    page.keyboard.press("ArrowRight")
    expect(looks.nth(1)).to_be_visible()
    expect(looks.first).to_be_hidden()
    page.get_by_role("link", name="Its passage").click()

    expect(page.locator("mark").first).to_be_in_viewport()
    page.context.close()
