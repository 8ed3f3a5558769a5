"""The engagement report in Chromium: accessible, script-free, on paper, phone and at night."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from bot.clock import FastClock
from bot.engagement.presenter import page as written
from bot.engagement.report import Reporter
from bot.operations.opening import open_store
from bot.platforms.registry import PLATFORMS
from bot.platforms.spec import Charge
from tests.browser.chromium import axe_of, new_window
from tests.fakes.engaged import START, Engaged, engaged_campaign, troubled

pytestmark = pytest.mark.browser

LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1200, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1200, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light"},
    "small-phone-dark": {"viewport": {"width": 320, "height": 640}, "color_scheme": "dark"},
}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    store = open_store(f"sqlite:///{folder / 'live.db'}", create=True)
    Engaged(store).fill()
    list(troubled(store))
    clock = FastClock(START + timedelta(days=62))
    store.ledger.reserve("coalition-x", Charge("post", 9), 0.015, now=clock.now())
    spec = {name: kind.spec for name, kind in PLATFORMS.items()}
    report = Reporter(store, clock, engaged_campaign(), spec).report()
    path = folder / "report.html"
    path.write_text(written(report), encoding="utf-8")
    store.close()
    return path


@pytest.fixture(
    params=["small-phone-dark",
            *(pytest.param(one, marks=pytest.mark.deep) for one in ("light", "dark", "phone"))]
)  # fmt: skip
def page(request: pytest.FixtureRequest, browser: Browser, file: Path) -> Iterator[Page]:
    context = new_window(browser, **LOOKS[request.param], bypass_csp=False)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(file.as_uri())
    yield page
    assert said == [], "the page's own policy refuses something, or it has an error"
    context.close()


def test_it_breaks_no_accessibility_rule_and_nothing_sticks_out_sideways(page: Page) -> None:
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")

    wide, room = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")

    assert axe_of(page) == []
    assert wide <= room


def test_the_numbers_are_there_in_a_table_for_who_cannot_see_the_charts(page: Page) -> None:
    rows = page.get_by_role("table", name="1× is the median").get_by_role("row")

    assert rows.filter(has_text="post-07").count() == 1
    assert "×" in rows.filter(has_text="post-07").inner_text()


def test_every_excerpt_has_its_language_and_direction(page: Page) -> None:
    bdi = page.locator("bdi[lang=ug]").first

    assert bdi.evaluate("one => getComputedStyle(one).direction") == "rtl"


def test_on_paper_nothing_is_folded_away_that_the_first_table_shows(
    browser: Browser, file: Path
) -> None:
    context = new_window(browser, color_scheme="dark")
    page = context.new_page()
    page.goto(file.as_uri())

    page.emulate_media(media="print")

    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == "rgb(255, 255, 255)"
    assert not page.locator("nav").is_visible()
    assert page.locator("#table-posts").is_visible()
    context.close()
