"""A passage by its first and last words, and YAML that gives its text back to the byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.content.characters import fault
from bot.content.excerpts import QuotingPost, chosen, file_of, find_passage, propose_id
from bot.content.identifiers import is_id, skeleton
from bot.content.yamlfile import parse
from tests.fakes.written import source

OWN = source(
    "We write today. We write to you (…), and to our friends.\n\nOur fathers are gone. Gone!"
)


@given(st.text(min_size=1).filter(lambda text: fault(text) is None))
def test_yaml_gives_each_text_back_as_it_was(text: str) -> None:
    post = QuotingPost("one", "letter", text, ("queue", "main"), "a: b", text, warning=text)

    root, problems = parse(file_of([post]).encode(), file="new.yaml")

    assert problems == []
    assert root is not None
    read = root.entries("posts")[0]
    quote = read.child("quote")
    assert quote is not None
    assert [quote.text("text"), quote.text("original"), read.text("warning")] == [text] * 3


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("We write today.", "We write today."),
        ("We write to you … friends.", "We write to you (…), and to our friends."),
        ("friends. ... are gone.", "friends.\n\nOur fathers are gone."),
        ("to you (…), and", "to you (…), and"),
    ],
)
def test_first_and_last_words_mean_all_that_is_between(words: str, text: str) -> None:
    found = chosen(find_passage(words, [OWN]))

    assert found is not None
    assert OWN.text[found.start : found.end] == text


@pytest.mark.parametrize("words", ["We write", "We … you", "Our … one", "x … friends.", "… gone"])
def test_words_of_no_place_or_of_several_mean_none(words: str) -> None:
    assert chosen(find_passage(words, [OWN])) is None


@given(st.text(max_size=200), st.sets(st.sampled_from(["letter", "a-b", "letter-2"])))
def test_a_proposed_id_is_one_and_is_free(text: str, taken: set[str]) -> None:
    proposed = propose_id(text, "letter", taken)

    assert is_id(proposed)
    assert skeleton(proposed) not in map(skeleton, taken)


def test_an_id_is_made_of_first_words_or_of_the_source() -> None:
    assert propose_id("Où sont-ils? Don’t ask us", "letter", ()) == "ou-sont-ils-dont-ask"
    assert propose_id("ئۇلار 2017 يىلى", "letter", {"letter"}) == "ئۇلار-2017-يىلى"
    assert propose_id("Dahua и его камеры", "letter", ()) == "dahua"
    assert propose_id("2017?", "letter", {"letter"}) == "letter-2"
    assert propose_id("我们说的人是我们的父母。", "letter", ()) == "我们说的人是我们的父母"
