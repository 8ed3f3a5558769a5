"""The campaign in this repository: the real letter, every proved excerpt, nothing invented."""

import json
import re
from functools import cache
from typing import Any

import pytest

from bot.app.content import prove_files
from bot.canonical import sha256_hex
from bot.checks.checking import CheckedContent
from bot.content.model import Campaign, Post
from bot.errors import Severity
from tests.conftest import ROOT, require_shared

Excerpts = list[tuple[dict[str, Any], Post]]
LETTER = "2022-12-09-open-letter.txt"
POSTABLE = {
    "https://www.bbc.com/news/technology-57101248",
    "https://www.technologyreview.com/2022/10/10/1060982/china-pandemic-cameras-surveillance-state-book/",
    "https://techcrunch.com/2022/04/13/xinjiang-prisoner-hikvision-china/",
    "https://foreign.senate.gov/press/dem/release/menendez-rubio-seek-answers-about-amazon-dealings-with-chinese-company-reportedly-complicit-in-uyghur-genocide",
    "https://ipvm.com/reports/dahua-xinjiang",
}


@cache
def proved() -> CheckedContent:
    return prove_files(ROOT / "schedule.yaml", ROOT / "posts")


@pytest.fixture
def campaign() -> Campaign:
    found = proved().campaign
    assert found is not None, "\n".join(map(str, proved().problems))
    return found


@pytest.fixture
def excerpts(campaign: Campaign) -> Excerpts:
    """Return each excerpt as it was written down for us, with our post of it."""
    path = require_shared("letter/excerpts.json")
    known = json.loads(path.read_text(encoding="utf-8"))["excerpts"]
    assert known
    pairs = [(one, campaign.post(one["id"])) for one in known]
    assert [one["id"] for one, post in pairs if post is None] == []
    return [(one, post) for one, post in pairs if post]


def test_check_finds_no_error_and_no_warning() -> None:
    worst = [one for one in proved().problems if one.severity is not Severity.NOTICE]

    assert worst == []


def test_the_letter_is_kept_byte_for_byte(campaign: Campaign) -> None:
    ours = (ROOT / "posts" / "sources" / LETTER).read_bytes()

    assert ours == require_shared(f"letter/{LETTER}").read_bytes()
    assert campaign.sources["letter"].sha256 == sha256_hex(ours)
    assert len(campaign.sources["letter"].signatories) == 4


def test_every_excerpt_is_a_post_with_its_very_words(excerpts: Excerpts) -> None:
    for excerpt, post in excerpts:
        assert post.quote is not None
        assert post.quote.text == excerpt["text"]
        assert post.quote.fragments == ((excerpt["start"], excerpt["end"]),)


def test_what_needs_a_decision_ships_as_a_draft(excerpts: Excerpts) -> None:
    for excerpt, post in excerpts:
        assert post.ready is (excerpt["status"] not in {"draft", "hold"}), post.id


def test_every_draft_has_its_question_in_a_comment_above_it(campaign: Campaign) -> None:
    drafts = [post for post in campaign.posts if not post.ready]

    assert drafts
    for post in drafts:
        lines = (ROOT / post.place.file).read_text(encoding="utf-8").splitlines()
        above = lines[: post.place.line - 1]
        comment = []
        while above and above[-1].strip().startswith("#"):
            comment.append(above.pop())
        assert re.search(r"# Question for the coalition:", "\n".join(comment)), post.id


def test_graphic_excerpts_carry_their_warning(excerpts: Excerpts) -> None:
    for excerpt, post in excerpts:
        assert post.warning == excerpt["content_warning"]
        assert post.graphic is (excerpt["sensitivity"] == "graphic")


def test_all_nine_investigations_are_there_and_five_can_be_posted(campaign: Campaign) -> None:
    known = campaign.investigations.values()

    assert len(known) == 9
    assert {one.address for one in known if one.address} == POSTABLE
    assert all(one.about and one.outlet and one.date for one in known)


def test_titles_are_the_letters_where_the_publishers_own_is_not_known(campaign: Campaign) -> None:
    letter = campaign.sources["letter"].text.replace("’s Involvement", "'s Involvement")

    for one in campaign.investigations.values():
        assert one.title in letter, one.id


def test_no_handle_of_anybody_is_written_down(campaign: Campaign) -> None:
    assert campaign.schedule.coalition == ()
    assert {one.handle for one in campaign.schedule.accounts.values()} <= {"", "coalition.example"}


def test_the_letters_own_day_is_in_the_calendar(campaign: Campaign) -> None:
    days = {post.every_year.on for post in campaign.posts if post.ready and post.every_year}

    assert (12, 9) in days
