"""Every page of the dashboard: accessible, without a script, within its own policy."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from bot.content.report_words import to_translate
from bot.planning.corrections import Corrections
from tests.browser.chromium import axe_of, new_window, signed_in
from tests.fakes.engaged import START, sent
from tests.fakes.running_bot import RunningBot
from tests.fakes.shipped import open_engaged, open_played, serving
from tests.integration.store_rows import new_publication
from tests.integration.test_monthly import pseudo

pytestmark = pytest.mark.browser

PAGES = {
    "today": "/",
    "calendar-month": "/calendar?day=2026-12-01",
    "calendar-week": "/calendar?view=week&day=2026-12-07",
    "calendar-list": "/calendar?view=list&clock=utc",
    "post": "/posts/camps-millions-even-children",
    "sent-post": "/posts/open-air-prison",
    "source": "/sources/letter?post=open-air-prison",
    "picked": "/sources/letter?first=10&last=11#picked",
    "held": "/held",
    "engagement": "/engagement",
    "log": "/log",
    "sign-ins": "/sign-ins",
    "accounts": "/accounts",
    "corrections": "/corrections",
    "check": "/check",
    "lost": "/nothing-here",
}
#: Returns where the words of each caption end.
ENDS_OF_CAPTIONS = """() => [...document.querySelectorAll("caption")].map(caption => {
  const words = document.createRange();
  words.selectNodeContents(caption);
  return words.getBoundingClientRect().right;
})"""
WIDE: ViewportSize = {"width": 1280, "height": 720}


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBot]:
    with open_played(tmp_path_factory.mktemp("campaign")) as bot:
        corrections(bot)
        yield bot


def corrections(bot: RunningBot) -> None:
    """Leave a correction and a retraction to look at."""
    service = Corrections(
        bot.store,
        bot.clock,
        lambda: bot.services.contents.rendered,
        bot.services.publisher.platform,
    )
    sent = sorted({row.post_id for row in bot.store.outbox.find() if row.sent_at})
    service.correct(sent[0], "The year is 2022.", by="anna", why="The year was wrong.")
    service.retract(sent[1], by="ben", why="It named a person.")


@pytest.fixture(scope="module")
def engaged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBot]:
    with open_engaged(tmp_path_factory.mktemp("engaged")) as bot, serving(bot):
        bot.tree.put("posts/reports/ug.yaml", to_translate("ug", {"ug": pseudo()}))
        for _look in range(2):
            bot.services.contents.refresh()
        yield bot


@pytest.mark.deep
def test_the_report_is_chosen_in_another_language_and_stays_so_in_its_file(
    browser: Browser, engaged: RunningBot
) -> None:
    page = signed_in(browser, engaged, viewport={"width": 390, "height": 844})
    page.goto(f"{engaged.origin}/report?month=2026-12")
    page.get_by_label("Language").first.select_option(label="ئۇيغۇرچە")
    page.get_by_role("button", name="Show").first.click()

    body = page.locator(".monthly")
    expect(body).to_have_attribute("dir", "rtl")
    expect(body).to_have_attribute("lang", "ug")
    expect(body).to_contain_text(pseudo().words["missing"])
    assert axe_of(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    with page.expect_download() as loading:
        page.get_by_role("link", name="web page").click()
    assert loading.value.suggested_filename == "report-2026-12.ug.html"
    page.get_by_role("button", name="Sign off").click()
    expect(page.locator(".monthly")).to_have_attribute("lang", "ug")
    expect(page.locator(".signed")).to_contain_text("ben")
    page.context.close()


@pytest.fixture(scope="module", params=["light", pytest.param("dark", marks=pytest.mark.deep)])
def page(request: pytest.FixtureRequest, browser: Browser, bot: RunningBot) -> Iterator[Page]:
    """Return a window that may run scripts, so that what the policy refuses is told."""
    page = signed_in(browser, bot, color_scheme=request.param)
    yield page
    page.context.close()


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_for_all_keeps_to_its_policy_has_no_script_and_fits_a_phone(
    page: Page, bot: RunningBot, name: str
) -> None:
    page.set_viewport_size(WIDE)
    answer = page.goto(bot.origin + PAGES[name])

    assert answer
    assert not {part for part in ("<script", " style=") if part in answer.text()}
    assert axe_of(page) == []
    assert page.evaluate("refused") == []
    page.set_viewport_size({"width": 320, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_a_spokesperson_reads_what_worked_and_how_sure_that_is(
    browser: Browser, engaged: RunningBot
) -> None:
    page = signed_in(browser, engaged, "vera")
    page.get_by_role("link", name="Engagement", exact=True).click()
    page.get_by_role("link", name="theme", exact=True).click()
    page.get_by_label("Numbers of").select_option("coalition-mastodon")
    page.get_by_role("button", name="Filter").click()

    expect(page.locator(".ranked tbody tr").first).to_contain_text("families")
    expect(page.get_by_role("img", name="Engagements of a post by its age")).to_be_visible()
    page.get_by_text("posts, as each platform told").click()
    rows = page.get_by_role("region", name="Numbers").locator("tbody tr")
    expect(rows.first).to_contain_text("coalition-mastodon")
    assert not any("coalition-x" in row for row in rows.all_inner_texts())
    page.get_by_role("link", name="post-01").first.click()
    expect(page.get_by_role("heading", name="Engagement")).to_be_visible()
    page.context.close()


def test_a_phone_shows_every_entry_of_the_navigation(browser: Browser, bot: RunningBot) -> None:
    page = signed_in(browser, bot, viewport={"width": 320, "height": 700})
    entries = page.locator("nav[aria-label=Pages] a").all()

    boxes = [entry.bounding_box() for entry in entries]

    assert len(boxes) >= 12
    for box in boxes:
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 320
        assert box["height"] >= 24
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.deep)])
@pytest.mark.parametrize(
    "address",
    ["/engagement?by=account", "/report",
     *(pytest.param(each, marks=pytest.mark.deep) for each in ("/engagement", "/posts/post-01"))],
)  # fmt: skip
def test_no_page_with_numbers_breaks_an_accessibility_rule(
    browser: Browser, engaged: RunningBot, address: str, scheme: str
) -> None:
    page = signed_in(browser, engaged, color_scheme=scheme)
    page.goto(engaged.origin + address)

    assert axe_of(page) == []
    assert page.evaluate("refused") == []
    page.set_viewport_size({"width": 320, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.context.close()


def test_an_approver_signs_the_month_off_and_takes_it_along(
    browser: Browser, engaged: RunningBot
) -> None:
    page = signed_in(browser, engaged, "anna")
    page.goto(f"{engaged.origin}/report?month=2027-01")
    assert "Nobody has signed" in page.locator(".signed").inner_text()

    page.get_by_role("button", name="Sign off January 2027").click()

    expect(page.locator(".signed")).to_contain_text("Signed off by anna")
    (row,) = engaged.store.audit.about("2027-01", "sign report")
    assert row.who == "anna"
    answer = page.request.get(f"{engaged.origin}/report/file?month=2027-01&kind=xlsx")
    assert answer.headers["content-disposition"] == 'attachment; filename="report-2027-01.en.xlsx"'
    for wrong in ("month=2027-13", "month=9999-12", "from=2027-01-05", "from=0001-01-01&to=x"):
        assert page.request.get(f"{engaged.origin}/report?{wrong}").status == 400
    page.context.close()


def test_a_phone_shows_all_of_what_is_said_above_the_tables_of_a_report(
    browser: Browser, engaged: RunningBot
) -> None:
    page = signed_in(browser, engaged, viewport={"width": 390, "height": 844})
    page.goto(f"{engaged.origin}/report?month=2026-12")
    ends = page.evaluate(ENDS_OF_CAPTIONS)
    file = page.request.get(f"{engaged.origin}/report/file?month=2026-12&kind=html")
    page.goto("about:blank")
    page.set_content(file.text())

    ends += page.evaluate(ENDS_OF_CAPTIONS)

    assert len(ends) >= 2
    assert max(ends) <= 390
    page.context.close()


def test_a_month_that_is_not_offered_is_the_one_chosen_where_it_is_shown(
    browser: Browser, engaged: RunningBot
) -> None:
    page = signed_in(browser, engaged)
    for month in ("2024-05", "2027-02", "2027-05"):
        page.goto(f"{engaged.origin}/report?month={month}")
        expect(page.get_by_label("Month")).to_have_value(month)
    page.context.close()


def test_a_post_has_a_row_of_numbers_for_each_account_and_for_each_time_that_it_went_out(
    browser: Browser, engaged: RunningBot
) -> None:
    page = signed_in(browser, engaged)
    page.goto(f"{engaged.origin}/posts/post-24")
    table = page.get_by_role("region", name="Table of numbers")
    expect(table.get_by_role("rowheader", name="coalition-x")).to_have_count(1)
    expect(table.get_by_role("columnheader", name="Sent")).to_have_count(0)
    at = START + timedelta(days=50)
    again = new_publication(
        id="again", account="coalition-x", platform="x", post_id="post-24", due_at=at
    )
    sent(engaged.store, again, at)

    page.reload()

    expect(table.get_by_role("rowheader", name="coalition-x")).to_have_count(2)
    expect(table.get_by_role("row").last).to_contain_text("28 Jan 2027 09:00")
    page.context.close()


def test_signing_in_breaks_no_accessibility_rule(browser: Browser, bot: RunningBot) -> None:
    context = new_window(browser)
    page = context.new_page()
    page.goto(f"{bot.origin}/login")

    assert axe_of(page) == []
    context.close()


def test_the_answer_of_a_desk_check_breaks_no_accessibility_rule(
    page: Page, bot: RunningBot
) -> None:
    page.goto(f"{bot.origin}/check")
    page.get_by_label("YAML of a new file").fill("posts:\n  - id: a\n    txt: x\n")
    page.get_by_role("button", name="Check it").click()

    expect(page.locator(".problems")).to_contain_text("txt")
    assert axe_of(page) == []
    assert page.evaluate("refused") == []


def test_forced_colours_and_reduced_motion_keep_every_sign(
    browser: Browser, bot: RunningBot
) -> None:
    page = signed_in(browser, bot, forced_colors="active", reduced_motion="reduce")
    page.goto(f"{bot.origin}/calendar?day=2026-12-01")

    moving = page.evaluate(
        "[...document.querySelectorAll('*')].filter(one => "
        "getComputedStyle(one).transitionDuration !== '0s').length"
    )

    assert moving == 0
    assert "held" in page.locator(".legend").inner_text()
    page.context.close()
