"""Held: one card a post, one decision for all of its accounts or for some."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from bot.delivery.model import State
from tests.fakes.browser import PASSWORD, HttpBrowser
from tests.fakes.running_bot import APPROVERS, NINE, RunningBot, post
from tests.fakes.shipped import WEAK, add_people, serving

ALL = ("m", "b", "x")


@pytest.fixture
def bot(new_bot: RunningBot) -> Iterator[RunningBot]:
    """Return a bot with one post that is held on three accounts, and its people."""
    new_bot.use(*ALL)
    new_bot.start_with(post("one", at=NINE))
    new_bot.dashboard.access.passwords.hasher = WEAK
    add_people(new_bot)
    new_bot.wait(NINE)
    with serving(new_bot):
        yield new_bot


def decide(browser: HttpBrowser, bot: RunningBot, choice: str, *accounts: str) -> int:
    ids = [row.id for row in bot.rows("one", State.HELD) if row.account in accounts]
    chosen = "&".join(f"delivery={one}" for one in ids)
    body = f"token={browser.token}&choice={choice}&why=no&{chosen}".encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": browser.origin,
               "Sec-Fetch-Site": "same-origin"}  # fmt: skip
    return browser.ask("POST", "/held", body, headers).status


def test_a_post_has_one_card_with_all_its_accounts(bot: RunningBot) -> None:
    browser = bot.browser()
    browser.sign_in("vera", PASSWORD)

    text = browser.get("/held").text

    assert len(re.findall(r'<section class="case"', text)) == 1
    assert all(row.id[:8] in text for row in bot.rows("one", State.HELD))
    assert "ben or olga may decide this." in text
    # The mark in the navigation counts deliveries.
    assert "1 waiting for ben, olga, 3 deliveries in all" in text
    assert 'action="/held"' not in text


def test_one_decision_is_for_all_that_are_ticked(bot: RunningBot) -> None:
    browser = bot.browser()
    browser.sign_in("olga", PASSWORD)

    assert decide(browser, bot, "drop", "m", "b") == 303
    assert [row.account for row in bot.rows()] == ["x"]
    assert decide(browser, bot, "drop", "x") == 303

    assert bot.rows() == []
    assert [row.verb for row in bot.store.audit.rows(limit=3)] == ["cancel"] * 3
    assert bot.store.audit_problems() == []


@pytest.mark.parametrize("choice", ["send", "queue", "address", "", "all"])
def test_what_cannot_be_done_on_one_account_is_done_on_none(bot: RunningBot, choice: str) -> None:
    browser = bot.browser()
    browser.sign_in("olga", PASSWORD)

    assert decide(browser, bot, choice, *ALL) in {400, 409}
    assert decide(browser, bot, "drop") == 400, "no account is ticked"

    assert len(bot.rows("one", State.HELD)) == 3


def test_what_stands_in_the_way_is_said_with_every_account_that_it_is_for(
    bot: RunningBot,
) -> None:
    bot.approve("one")
    prints = {row.fingerprint for row in bot.rows("one") if row.account != "x"}
    bot.store.approvals.take_back(prints, APPROVERS[0], now=bot.clock.now())
    browser = bot.browser()
    browser.sign_in("olga", PASSWORD)

    text = browser.get("/held").text

    assert re.findall(r"not now: (.*?) more approval", text) == ["b, m: 1"]
