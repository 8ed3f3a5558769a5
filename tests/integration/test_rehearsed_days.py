"""`rehearse --serve`: from the first day on, each with the state of that day."""

from __future__ import annotations

import re
from collections.abc import Iterator
from threading import Event, Thread

import pytest

from bot.app import rehearsal
from bot.app.content import Paths
from tests.fakes.browser import HttpBrowser
from tests.fakes.campaign_tree import CampaignTree
from tests.fakes.running_bot import post
from tests.servers import free_port
from tests.waiting import wait_until

DAYS = 3
SCHEDULE = """\
campaign: test
timezone: UTC
mode: rehearsal
accounts:
  m: {platform: mastodon, server: "https://m.example"}
slots:
  hourly: {weekdays: [mon, tue, wed, thu, fri, sat, sun], times: ["00:30", "12:30"]}
queues:
  main: {slots: [hourly]}
"""


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    """Rehearse three days: six slots or seven, and two posts for them."""
    folder = tmp_path_factory.mktemp("rehearsed")
    tree = CampaignTree(folder)
    tree.put("schedule.yaml", SCHEDULE)
    tree.put("posts/main.yaml", "posts:\n" + post("one") + post("two"))
    paths = Paths(tree.schedule, tree.posts, folder / "data")
    rehearsal.rehearse(paths, days=DAYS, progress=lambda _now: None, keeps_days=True)
    return paths


@pytest.fixture(scope="module")
def browser(paths: Paths) -> Iterator[HttpBrowser]:
    port, stop = free_port(), Event()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VERBATIM_WEB", f"127.0.0.1:{port}")
        serving = Thread(
            target=rehearsal.serve_rehearsal, args=(paths,), kwargs={"stop": stop}, daemon=True
        )
        serving.start()
        browser = HttpBrowser(f"http://127.0.0.1:{port}")
        try:
            wait_until(lambda: _answers(browser), "the desk answers")
            yield browser
        finally:
            stop.set()
            serving.join(20)


def _answers(browser: HttpBrowser) -> bool:
    try:
        return browser.get("/").status == 200
    except OSError:
        return False


@pytest.fixture(autouse=True)
def first_day(browser: HttpBrowser) -> None:
    browser.get("/")
    browser.post("/rehearsal/day", {"day": "0"})


def sent(browser: HttpBrowser) -> int:
    """Return how many deliveries the page of accounts has as sent."""
    found = re.search(r"(\d+) sent", browser.get("/accounts").text)
    return int(found[1]) if found else 0


def test_it_opens_on_the_first_day_with_nothing_sent(browser: HttpBrowser) -> None:
    page = browser.get("/").text

    assert f"Day 1 of {DAYS}" in page
    assert "Day before" not in page
    assert "Settling first" not in page
    assert sent(browser) == 0


def test_each_day_has_its_own_state(browser: HttpBrowser) -> None:
    counts = []
    for day in range(DAYS + 1):
        answer = browser.post("/rehearsal/day", {"day": str(day), "to": "/accounts"})
        assert (answer.status, answer.headers["location"]) == (303, "/accounts")
        counts.append(sent(browser))

    assert counts == [0, 2, 2, 2]
    assert "The end" in browser.get("/").text
    browser.post("/rehearsal/day", {"day": "0"})
    assert sent(browser) == 0


def test_empty_slots_stand_in_the_calendar(browser: HttpBrowser) -> None:
    page = browser.get("/calendar?view=list").text

    assert page.count("</time> empty: m") >= 2 * (DAYS - 1)
    assert "queue main has nothing to give" in page
    assert "empty: m" in browser.get("/calendar?view=list&account=m").text
    assert "empty: m" not in browser.get("/calendar?view=list&kind=sent").text


@pytest.mark.parametrize("page", ["/accounts", "/", "/log"])
def test_no_page_says_that_a_server_told_anything(browser: HttpBrowser, page: str) -> None:
    assert "server told" not in browser.get(page).text


@pytest.mark.parametrize("day", ["4", "-1", "x", "٣"])
def test_there_is_no_other_day(browser: HttpBrowser, day: str) -> None:
    assert browser.post("/rehearsal/day", {"day": day}).status == 400
    assert "Day 1 of" in browser.get("/").text


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example", "/posts/x"])
def test_moving_leads_to_a_page_of_ours(browser: HttpBrowser, to: str) -> None:
    answer = browser.post("/rehearsal/day", {"day": "1", "to": to})

    assert answer.headers["location"] == "/"
