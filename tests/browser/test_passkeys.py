"""Passkeys in a real browser, with Chromium's own virtual authenticator: add, sign in, sign."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from bot.authority.signing_in import FRESH
from bot.authority.users import Role
from bot.delivery.model import State
from tests.browser.chromium import LISTEN, axe_of, new_window
from tests.fakes.browser import PASSWORD
from tests.fakes.running_bot import MINUTE, NINE, RunningBot, post
from tests.fakes.shipped import WEAK, serving

pytestmark = pytest.mark.browser


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[RunningBot]:
    """Return a live bot with one post, whose approvals are signed, on its desk."""
    bot = RunningBot(tmp_path)
    bot.set("approvals_required: 2", "approvals_required: 2\napprovals: {signed: required}")
    bot.start_with(post("one", at=NINE))
    bot.dashboard.access.passwords.hasher = WEAK
    for name, roles in {"anna": {Role.APPROVER}, "ben": {Role.APPROVER, Role.OPERATOR}}.items():
        bot.dashboard.access.add(name, frozenset(roles), PASSWORD, by="test")
    with serving(bot):
        bot.origin = bot.origin.replace("127.0.0.1", "localhost")
        yield bot
    bot.stop()


def window(browser: Browser, bot: RunningBot, name: str = "", **options: object) -> Page:
    """Open a window with an authenticator that answers for its user; let somebody sign in."""
    context = new_window(browser, **options)
    context.add_init_script(LISTEN)
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    kind = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
            "hasUserVerification": True, "isUserVerified": True}  # fmt: skip
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": kind})
    page.goto(f"{bot.origin}/login")
    if name:
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url(f"{bot.origin}/")
    return page


def add_passkey(page: Page, bot: RunningBot, label: str = "grey key") -> str:
    """Add a passkey on one's own page; return its code."""
    page.goto(f"{bot.origin}/me")
    page.get_by_label("What you call it").fill(label)
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_text("Changed. It is in the log.")).to_be_visible()
    return page.locator("code", has_text=re.compile("^[0-9a-f]{4}-")).inner_text()


def test_a_passkey_signs_in_and_proves_and_is_taken_away(browser: Browser, bot: RunningBot) -> None:
    page = window(browser, bot, "anna")
    add_passkey(page, bot)
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(f"{bot.origin}/")
    bot.clock.advance(FRESH)

    page.goto(f"{bot.origin}/me")
    expect(page.get_by_role("button", name="Remove grey key")).to_have_count(0)
    page.get_by_role("link", name="give your password or a passkey").click()
    page.get_by_role("button", name="Use a passkey").click()
    page.get_by_role("button", name="Remove grey key").click()

    expect(page.get_by_text("Changed. It is in the log.")).to_be_visible()
    assert bot.store.passkeys.of("anna") == ()
    assert page.evaluate("refused") == []
    page.context.close()


def test_two_approvers_sign_and_only_then_it_goes_out(browser: Browser, bot: RunningBot) -> None:
    for name, before in (("anna", "0 of 2"), ("ben", "1 of 2")):
        page = window(browser, bot, name)
        code = add_passkey(page, bot)
        page.goto(f"{bot.origin}/posts/one")
        expect(page.locator(".big")).to_have_text(before)
        expect(page.get_by_text("no passkey of yours is pinned")).to_be_visible()

        bot.store.keys.pin(bot.store.passkeys.of(name), code)
        page.reload()
        page.get_by_label("Note").fill("Read against the letter.")
        page.get_by_role("button", name="Sign what is shown").click()

        expect(page.get_by_role("status")).to_contain_text("Approved")
        assert page.evaluate("refused") == []
        page.context.close()
    bot.wait(NINE + MINUTE)
    assert bot.row().state is State.SENT


@pytest.mark.deep
def test_one_time_codes_are_set_up_and_asked_for(browser: Browser, bot: RunningBot) -> None:
    page = window(browser, bot, "anna")
    page.goto(f"{bot.origin}/me")
    page.get_by_role("button", name="Set them up").click()
    totp = pyotp.TOTP(page.get_by_label("Secret").input_value())
    page.get_by_label("Code").fill(totp.at(bot.clock.now()))
    page.get_by_role("button", name="Use it from now on").click()
    recovery = page.locator("pre").inner_text().split()
    page.get_by_role("link", name="Back").click()
    page.get_by_role("button", name="Sign out", exact=True).click()
    bot.clock.advance(timedelta(minutes=1))

    page.get_by_label("Name").fill("anna")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("One-time code").fill(recovery[0])
    page.get_by_role("button", name="Sign in", exact=True).click()

    page.wait_for_url(f"{bot.origin}/")
    page.goto(f"{bot.origin}/me")
    expect(page.get_by_text("7 recovery codes left")).to_be_visible()
    page.context.close()


@pytest.mark.deep
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_about_oneself_breaks_an_accessibility_rule(
    browser: Browser, bot: RunningBot, scheme: str
) -> None:
    page = window(browser, bot, "ben", color_scheme=scheme)
    code = add_passkey(page, bot)
    bot.dashboard.access.new_token(bot.dashboard.access.person("ben"), "nightly")  # type: ignore[arg-type]  # there
    bot.store.keys.pin(bot.store.passkeys.of("ben"), code)
    for path in ("/me", "/posts/one", "/me again", "/proof"):
        if path == "/me again":
            bot.clock.advance(FRESH)
        page.goto(bot.origin + path.partition(" ")[0])
        assert axe_of(page) == [], path
        page.set_viewport_size({"width": 320, "height": 700})
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
        page.set_viewport_size({"width": 1280, "height": 900})
    page.context.close()
