"""Chromium for the tests of the dashboard, and signing in with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.conftest import ROOT, lacks, require_tool
from tests.fakes.running_bot import RunningBot
from tests.waiting import PATIENCE

AXE = ROOT / "tests" / "browser" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
#: Runs before any page's own content: notes what the browser refused because of the policy.
LISTEN = """
window.refused = [];
document.addEventListener(
  'securitypolicyviolation', e => refused.push(e.violatedDirective + ' ' + e.blockedURI)
);
"""


#: Milliseconds; a machine with much else to do needs some.
PATIENT = PATIENCE * 1000
expect.set_options(timeout=PATIENT)


@contextmanager
def chromium(*flags: str) -> Iterator[Browser]:
    """Start a browser that asks nobody on the network for anything."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=require_tool("chromium"), args=[*FLAGS, *flags], timeout=PATIENT
        )
        yield browser
        browser.close()


def new_window(browser: Browser, **options: Any) -> BrowserContext:
    """Open a window that knows nothing of others, and has patience."""
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENT)
    return context


def signed_in(browser: Browser, bot: RunningBot, name: str = "ben", **options: Any) -> Page:
    """Open a window of its own in which somebody is signed in, past the form."""
    context = new_window(browser, **options)
    context.add_init_script(LISTEN)
    other = bot.browser()
    other.sign_in(name)
    for cookie in filter(None, (other.cookie, other.device)):
        key, _, value = cookie.partition("=")
        context.add_cookies([{"name": key, "value": value, "url": bot.origin}])
    page = context.new_page()
    page.goto(f"{bot.origin}/")
    return page


def axe_of(page: Page) -> list[str]:
    """Return the rules of accessibility that a page breaks, each with the first place."""
    if not AXE.exists():
        lacks("axe-core is not installed; run `make setup`")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("async () => (await axe.run()).violations")
    return [f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in found]
