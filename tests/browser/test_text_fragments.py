"""A link to the quoted source lands a reader on the very passage, in a real browser."""

from __future__ import annotations

import html
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from bot.app.content import prove_files
from bot.content.model import Campaign
from bot.rendering.layout import with_text_fragment
from tests.browser.chromium import chromium, new_window
from tests.conftest import ROOT
from tests.fakes.loopback import Loopback, Told

pytestmark = pytest.mark.browser

#: Which paragraphs a reader sees, by their numbers, after the page has scrolled.
SEEN = """\
() => [...document.querySelectorAll('p')].flatMap((one, at) => {
  const box = one.getBoundingClientRect();
  return box.bottom > 0 && box.top < innerHeight ? [at] : [];
})"""


@pytest.fixture(scope="module")
def campaign() -> Campaign:
    found = prove_files(ROOT / "schedule.yaml", ROOT / "posts").campaign
    assert found is not None
    return found


def paragraphs(text: str) -> list[str]:
    return [one for one in text.split("\n\n") if one.strip()]


@pytest.fixture(scope="module")
def address(campaign: Campaign) -> Iterator[str]:
    """Serve the letter with its paragraphs so far apart that only one is seen at a time."""
    shown = "".join(
        f"<p style='margin: 0 0 3000px'>{html.escape(one)}</p>"
        for one in paragraphs(campaign.sources["letter"].text)
    )
    page = f"<!doctype html><meta charset=utf-8><title>letter</title>{shown}".encode()

    html_page = Told(200, page, {"Content-Type": "text/html; charset=utf-8"})
    with Loopback(lambda _asked: html_page) as server:
        yield f"{server.origin}/letter"


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with chromium() as browser:
        yield new_window(browser, viewport={"width": 900, "height": 700}).new_page()


@pytest.mark.deep
def test_every_quotation_of_the_campaign_is_where_its_link_lands(
    campaign: Campaign, address: str, page: Page
) -> None:
    text = campaign.sources["letter"].text
    starts = [text.index(one) for one in paragraphs(text)]
    quotes = [post.quote for post in campaign.posts if post.quote]
    assert quotes

    for quote in quotes:
        link = with_text_fragment(address, text, quote.fragments)
        assert "#:~:text=" in link
        wanted = sum(start <= quote.fragments[0][0] for start in starts) - 1
        page.goto("about:blank")
        page.goto(link)
        page.wait_for_function(f"wanted => ({SEEN})().includes(wanted)", arg=wanted)


def test_without_a_fragment_the_page_opens_at_its_top(address: str, page: Page) -> None:
    page.goto(address)

    assert page.evaluate(SEEN) == [0]
