"""The page of a source: its shape, and its sentences made into posts."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from bot.content.yamlfile import parse
from bot.rendering.blocks import sentences_of
from tests.fakes.browser import PASSWORD, HttpBrowser
from tests.fakes.campaign_tree import TRANSLATED
from tests.fakes.running_bot import RunningBot
from tests.fakes.shipped import add_people, open_shipped, serving

UYGHUR = (
    "# ئوچۇق خەت\n\nبىز سىزگە يازىمىز. ئۇلار بىزنىڭ ئاتا-ئانىلىرىمىز.\n\n- بىرىنچى\n- ئىككىنچى\n"
)


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBot]:
    with open_shipped(tmp_path_factory.mktemp("campaign"), plans=False) as bot:
        bot.tree.put_source("ug", UYGHUR, lang="ug", **TRANSLATED)
        for _look in range(2):
            bot.services.contents.refresh()
        add_people(bot)
        with serving(bot):
            yield bot


@pytest.fixture
def edna(bot: RunningBot) -> HttpBrowser:
    browser = bot.browser()
    browser.sign_in("edna", PASSWORD)
    return browser


def shown_yaml(page: str) -> str:
    found = re.search(r"<textarea id=\"yaml\"[^>]*>\n(.*?)</textarea>", page, re.DOTALL)
    assert found is not None
    return html.unescape(found[1])


def test_two_sentences_become_a_post_that_can_be_copied_and_downloaded(
    bot: RunningBot, edna: HttpBrowser
) -> None:
    letter = bot.services.contents.campaign().sources["letter"]
    sentences = sentences_of(letter)

    page = edna.get("/sources/letter?first=11&last=10").text
    file = edna.get("/sources/letter/post.yaml?first=10&last=11")

    text = shown_yaml(page)
    root, problems = parse(text.encode(), file="new.yaml")
    assert (problems, root is None) == ([], False)
    assert root is not None
    quoted = root.entries("posts")[0].child("quote")
    assert quoted is not None
    assert quoted.text("text") == letter.text[sentences[9][0] : sentences[10][1]]
    assert root.entries("posts")[0].text("author") == "edna"
    assert file.text.endswith(f"\n{text}")
    assert "# coalition-x is left out" in file.text
    assert "filename=" in file.headers["content-disposition"]
    assert "coalition-x is left out" in page
    assert page.count('aria-current="true">') == 2


def test_pasted_words_with_an_omission_stay_as_they_were_pasted(edna: HttpBrowser) -> None:
    words = "The people we speak of are our mothers and fathers, […] our neighbors and our friends."

    text = shown_yaml(edna.get(f"/sources/letter?words={quote(words)}").text)

    root, _problems = parse(text.encode(), file="new.yaml")
    assert root is not None
    quoted = root.entries("posts")[0].child("quote")
    assert quoted is not None
    assert quoted.text("text") == words


def test_after_one_sentence_the_next_one_ends_the_passage(edna: HttpBrowser) -> None:
    page = edna.get("/sources/letter?first=3&last=3").text

    assert 'id="s-5" href="?first=3&amp;last=5#picked"' in page
    assert 'id="s-5" href="?first=5&amp;last=5#picked"' in edna.get("/sources/letter").text


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("words=we wrote to urge that you decouple", "nearest"),
        ("words=We write … Dahua", "places have these words"),
        ("words=Uyghur Human Rights Project", "is no text of"),
        ("first=14&last=15", "A post of this passage"),
        ("words=held the pen. We", "ends within a sentence"),
    ],
)
def test_pasted_words_are_found_or_answered_as_quote_does(
    edna: HttpBrowser, asked: str, answer: str
) -> None:
    answered = edna.get(f"/sources/letter?{quote(asked, safe='=&')}")

    assert (answered.status, answer in html.unescape(answered.text)) == (200, True)


@pytest.mark.parametrize(
    ("asked", "status"),
    [("first=99", 400), ("first=x", 400), ("words=" + "x" * 4001, 413), ("words=a%00b", 400)],
)
def test_nonsense_is_refused(edna: HttpBrowser, asked: str, status: int) -> None:
    assert edna.get(f"/sources/letter?{asked}").status == status


def test_a_viewer_reads_and_makes_no_posts(bot: RunningBot) -> None:
    vera = bot.browser()
    vera.sign_in("vera", PASSWORD)

    assert 'class="sentence"' not in vera.get("/sources/letter").text
    assert vera.get("/sources/letter?first=1").status == 403
    assert vera.get("/sources/letter/post.yaml?first=1").status == 403


def test_a_source_keeps_its_shape_and_direction(edna: HttpBrowser) -> None:
    page = edna.get("/sources/ug").text

    assert '<h2 class="letter-heading" dir="rtl" lang="ug">' in page
    assert '<p class="passage letter-paragraph" dir="rtl" lang="ug">' in page
    assert page.count("<li>") >= 2
    assert '<ul class="passage letter-list" dir="rtl" lang="ug">' in page
    letter = edna.get("/sources/letter").text
    assert letter.count('class="passage letter-signature" dir="ltr" lang="en"') == 4
    assert '<h2 class="letter-heading" dir="ltr" lang="en">Related reading:</h2>' in letter


def test_a_translation_asks_for_the_words_that_it_translates(edna: HttpBrowser) -> None:
    asked = "/sources/ug?first=2&last=2"

    assert "give the words that it translates too" in edna.get(asked).text
    original = quote("We write to urge that you decouple from Dahua.")
    page = edna.get(f"{asked}&original={original}").text
    assert 'original: "We write to urge' in shown_yaml(page)
