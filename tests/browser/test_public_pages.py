"""The site, a kit and their pages of the desk in a browser: accessible, and no script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from bot.public.folder import write_folder
from bot.public.kit import deal, kit_files, passages_of
from bot.public.record import PublicRecord, signed_record
from bot.public.site import site_files
from tests.browser.chromium import axe_of, new_window, signed_in
from tests.fakes.campaign_tree import NOW, spec
from tests.fakes.shipped import APPROVERS, add_people, open_shipped, plan, serving
from tests.public.conftest import release
from tests.public.records import SigningKey, published, shipped, with_state
from tests.public.test_kit import all_released
from tools.screens import keep_evidence

pytestmark = pytest.mark.browser

SITE = ("index.html", "source-letter.html", "post-letter-day.html", "reading.html",
        "corrections.html", "check.html")  # fmt: skip
WIDTHS = {"desktop": 1280, "phone": 390}


def record() -> PublicRecord:
    return with_state(published(), "letter-day", "deleted elsewhere")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write both below one folder, from which pages are opened as files."""
    folder, key = tmp_path_factory.mktemp("public"), SigningKey()
    passages = passages_of(*all_released(), NOW)
    with pytest.MonkeyPatch.context() as patched:
        for module in ("site", "kit"):
            patched.setattr(f"bot.public.{module}.draw", lambda _card: b"a picture")
        signed = signed_record(record(), key)
        site = site_files(record(), signed, key.public, shipped(), spec())
        kits = kit_files(deal(passages, ["Acme", "ئۇيغۇر"], 0.6), shipped())
    write_folder(folder / "site", site)
    write_folder(folder / "kit", kits)
    return folder


@pytest.fixture(
    params=[
        ("phone", "dark"),
        pytest.param(("desktop", "light"), marks=pytest.mark.deep),
        pytest.param(("desktop", "dark"), marks=pytest.mark.deep),
        pytest.param(("phone", "light"), marks=pytest.mark.deep),
    ],
    ids="-".join,
)
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    size, scheme = request.param
    viewport = {"width": WIDTHS[size], "height": 900}
    window = new_window(browser, color_scheme=scheme, viewport=viewport)
    yield window.new_page()
    window.close()


def test_no_page_breaks_an_accessibility_rule(page: Page, folder: Path) -> None:
    names = [*(f"site/{name}" for name in SITE), "kit/index.html", "kit/acme/index.html"]

    for name in names:
        page.goto((folder / name).as_uri())
        assert axe_of(page) == [], name
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        assert page.evaluate("document.scripts.length") == 0


def test_a_passage_of_the_letter_has_its_address(browser: Browser, folder: Path) -> None:
    page = browser.new_page()
    page.goto((folder / "site" / "post-open-air-prison.html").as_uri())

    page.get_by_role("link", name="in the whole text").click()

    expect(page.locator(":target")).to_have_text(re.compile("^Even avoiding the camps offers no"))
    page.close()


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.deep)])
def test_the_desk_verifies_and_deals(browser: Browser, tmp_path: Path, scheme: str) -> None:
    with open_shipped(tmp_path, plans=False) as bot, serving(bot):
        release(bot, "2026-12-09 09:00")
        plan(bot)
        add_people(bot)
        bot.approve("open-air-prison", by=APPROVERS)
        page = signed_in(browser, bot, color_scheme=scheme)
        page.goto(f"{bot.origin}/verify")
        page.get_by_label("A text that somebody attributes").fill("We urge that you marry Dahua.")
        page.get_by_role("button", name="Verify").click()
        expect(page.get_by_role("status").get_by_role("heading", name="Altered")).to_be_visible()
        assert axe_of(page) == []
        page.goto(f"{bot.origin}/kit")
        page.get_by_label("Partners, one on each line").fill("Acme Rights")
        page.get_by_role("button", name="Deal").click()
        expect(page.get_by_role("button", name="Zip for Acme Rights")).to_be_visible()
        page.get_by_text("Bluesky, ").click()
        assert axe_of(page) == []
        keep_evidence(bot)
        for path in ("/evidence", "/evidence/accounts/coalition-bluesky"):
            page.goto(f"{bot.origin}{path}")
            assert axe_of(page) == [], path
        page.context.close()
