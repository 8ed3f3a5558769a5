"""From a passage of a translation to a proposal, and to an approval, on a phone and a desktop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import axe_of, signed_in
from tests.fakes.campaign_tree import TRANSLATED, CampaignTree
from tests.fakes.repositories import Repositories, open_proposing
from tests.fakes.running_bot import NINE, SCHEDULE, RunningBot, post
from tests.integration.store_rows import copied_database

pytestmark = pytest.mark.browser

SIZES = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1280, "height": 900}}
UYGHUR = "بىز سىزگە يازىمىز. ئۇلار بىزنىڭ ئانىلىرىمىز ۋە دادىلىرىمىز، ۋە دوستلىرىمىز."
WROTE, MOTHERS = "بىز سىزگە يازىمىز.", UYGHUR.partition(". ")[2]
SOURCE, POST, PROPOSED = "ئوچۇق-خەت", "ئانىلىرىمىز", "بىز-سىزگە-يازىمىز"


@pytest.fixture(scope="module")
def bot(
    tmp_path_factory: pytest.TempPathFactory, review: Repositories, migrated_file: Path
) -> Iterator[RunningBot]:
    folder = tmp_path_factory.mktemp("desk")
    url = copied_database(migrated_file, folder / "data")
    with open_translated(folder, review, url) as bot:
        yield bot


@contextmanager
def open_translated(folder: Path, review: Repositories, url: str = "") -> Iterator[RunningBot]:
    """Return a desk with a post that quotes a translation, where posts can be proposed."""
    tree = CampaignTree(folder)
    tree.put("schedule.yaml", SCHEDULE)
    tree.put_source(SOURCE, UYGHUR, lang="ug", **TRANSLATED)
    original = "They are our mothers and fathers, and they are our friends."
    quoted = f'quote: {{source: {SOURCE}, text: "{MOTHERS}", original: "{original}"}}'
    tree.put("posts/main.yaml", f"posts:\n{post(POST, quoted, at=NINE)}")
    with open_proposing(folder, review, url, tree) as bot:
        yield bot


def assert_well(page: Page) -> None:
    """Nothing breaks a rule of accessibility by day or night, nor is wider than the screen."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert axe_of(page) == []
    assert page.evaluate("refused") == []
    assert page.viewport_size
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]


@pytest.mark.parametrize("size", ["phone", pytest.param("desktop", marks=pytest.mark.deep)])
def test_an_editor_proposes_a_passage_of_a_translation(
    browser: Browser, bot: RunningBot, review: Repositories, size: str
) -> None:
    page = signed_in(browser, bot, "edna", viewport=SIZES[size])
    page.goto(f"{bot.origin}/sources/{SOURCE}")
    assert_well(page)

    page.get_by_role("link", name=WROTE).click()
    expect(page.get_by_text("give the words that it translates too")).to_be_visible()
    page.get_by_label("What they translate").fill("We write to urge you.")
    page.get_by_role("button", name="Make a post").click()
    expect(page.locator(".picked .pair blockquote")).to_have_text(
        ["“We write to urge you.”", f"«{WROTE}»"]
    )
    assert_well(page)
    page.get_by_role("button", name="Propose this").click()

    expect(page.get_by_role("heading", name="Proposed")).to_be_visible()
    expect(page.locator(".pair figure")).to_have_count(2)
    assert_well(page)
    branch = f"proposal/{PROPOSED}"
    expect(page.get_by_text(branch, exact=True)).to_be_visible()
    assert "- id: " + PROPOSED in review.git("show", f"{branch}:posts/proposed/{PROPOSED}.yaml")
    review.git("branch", "-D", branch)
    page.context.close()


@pytest.mark.parametrize("size", ["phone", pytest.param("desktop", marks=pytest.mark.deep)])
def test_an_approver_has_the_original_in_the_first_view(
    browser: Browser, bot: RunningBot, size: str
) -> None:
    page = signed_in(browser, bot, "anna", viewport=SIZES[size])
    page.goto(bot.origin)
    page.get_by_role("link", name=MOTHERS[:20]).first.click()

    expect(page.get_by_role("heading", level=1)).to_contain_text(f"«{MOTHERS}»")
    sides = page.locator(".pair blockquote")
    expect(sides).to_have_count(2)
    boxes = [side.bounding_box() for side in sides.all()]
    assert [side.get_attribute("dir") for side in sides.all()] == ["ltr", "rtl"]
    assert [side.get_attribute("lang") for side in sides.all()] == ["en", "ug"]
    last = boxes[-1]
    assert last
    assert boxes[0]
    assert last["y"] + last["height"] <= SIZES[size]["height"]
    assert (last["x"] > boxes[0]["x"]) is (size == "desktop")
    expect(page.locator(".pair")).to_contain_text("answered for, by Tursun")
    assert_well(page)
    page.context.close()
