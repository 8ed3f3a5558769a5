"""Every page of the dashboard: accessible, without a script, within its own policy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from bot.planning.corrections import Corrections
from tests.browser.chromium import axe_of, new_window, signed_in
from tests.fakes.desk_stage import DeskStage, add_people, open_engaged, open_stage, play, serving

pytestmark = pytest.mark.browser

PAGES = {
    "today": "/",
    "calendar-month": "/calendar?day=2026-12-01",
    "calendar-week": "/calendar?view=week&day=2026-12-07",
    "calendar-list": "/calendar?view=list&clock=utc",
    "post": "/posts/camps-millions-even-children",
    "sent-post": "/posts/open-air-prison",
    "source": "/sources/letter?post=open-air-prison",
    "held": "/held",
    "engagement": "/engagement",
    "log": "/log",
    "accounts": "/accounts",
    "corrections": "/corrections",
    "check": "/check",
    "lost": "/nothing-here",
}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskStage]:
    with open_stage(tmp_path_factory.mktemp("stage")) as stage:
        add_people(stage)
        play(stage)
        corrections(stage)
        with serving(stage):
            yield stage


def corrections(stage: DeskStage) -> None:
    """Leave a correction and a retraction to look at."""
    service = Corrections(
        stage.store, stage.clock, lambda: stage.bot.contents.rendered, stage.bot.publisher.platform
    )
    sent = sorted({row.post_id for row in stage.store.outbox.find() if row.sent_at})
    service.correct(sent[0], "The year is 2022.", by="anna", why="The year was wrong.")
    service.retract(sent[1], by="ben", why="It named a person.")


@pytest.fixture(scope="module")
def engaged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskStage]:
    with open_engaged(tmp_path_factory.mktemp("engaged")) as stage, serving(stage):
        yield stage


@pytest.fixture(scope="module", params=["light", "dark"])
def page(request: pytest.FixtureRequest, browser: Browser, stage: DeskStage) -> Iterator[Page]:
    page = signed_in(browser, stage, color_scheme=request.param)
    yield page
    page.context.close()


@pytest.mark.parametrize("name", list(PAGES))
def test_no_page_breaks_an_accessibility_rule_or_its_policy(
    page: Page, stage: DeskStage, name: str
) -> None:
    page.goto(stage.origin + PAGES[name])

    assert axe_of(page) == []
    assert page.evaluate("refused") == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("address", ["/engagement", "/engagement?by=account", "/posts/post-01"])
def test_no_page_with_numbers_breaks_an_accessibility_rule(
    browser: Browser, engaged: DeskStage, address: str, scheme: str
) -> None:
    page = signed_in(browser, engaged, color_scheme=scheme)
    page.goto(engaged.origin + address)

    assert axe_of(page) == []
    assert page.evaluate("refused") == []
    page.set_viewport_size({"width": 320, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.context.close()


def test_signing_in_breaks_no_accessibility_rule(browser: Browser, stage: DeskStage) -> None:
    context = new_window(browser)
    page = context.new_page()
    page.goto(f"{stage.origin}/login")

    assert axe_of(page) == []
    context.close()


def test_the_answer_of_a_desk_check_breaks_no_accessibility_rule(
    page: Page, stage: DeskStage
) -> None:
    page.goto(f"{stage.origin}/check")
    page.get_by_label("YAML of a new file").fill("posts:\n  - id: a\n    txt: x\n")
    page.get_by_role("button", name="Check it").click()

    assert axe_of(page) == []
    assert page.evaluate("refused") == []


@pytest.fixture(scope="module")
def phone(browser: Browser, stage: DeskStage) -> Iterator[Page]:
    page = signed_in(browser, stage, viewport={"width": 320, "height": 700})
    yield page
    page.context.close()


@pytest.fixture(scope="module")
def scriptless(browser: Browser, stage: DeskStage) -> Iterator[Page]:
    page = signed_in(browser, stage, java_script_enabled=False)
    yield page
    page.context.close()


@pytest.mark.parametrize("name", list(PAGES))
def test_no_page_is_wider_than_a_phone(phone: Page, stage: DeskStage, name: str) -> None:
    phone.goto(stage.origin + PAGES[name])

    assert phone.evaluate("document.documentElement.scrollWidth") <= 320


@pytest.mark.parametrize("name", list(PAGES))
def test_every_page_works_without_scripts_and_has_none(
    scriptless: Page, stage: DeskStage, name: str
) -> None:
    scriptless.goto(stage.origin + PAGES[name])
    content = scriptless.content()

    assert "<script" not in content
    assert " style=" not in content


def test_forced_colours_and_reduced_motion_keep_every_sign(
    browser: Browser, stage: DeskStage
) -> None:
    page = signed_in(browser, stage, forced_colors="active", reduced_motion="reduce")
    page.goto(f"{stage.origin}/calendar?day=2026-12-01")

    moving = page.evaluate(
        "[...document.querySelectorAll('*')].filter(one => "
        "getComputedStyle(one).transitionDuration !== '0s').length"
    )

    assert moving == 0
    assert "held" in page.locator(".legend").inner_text()
    page.context.close()
