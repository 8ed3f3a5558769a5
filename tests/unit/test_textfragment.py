from __future__ import annotations

from urllib.parse import unquote

import pytest

from bot.rendering.textfragment import directive, with_text_fragment
from tests.fakes.written import LETTER_TEXT, stretch


def of(text: str, part: str) -> str:
    return directive(text, stretch(text, part))


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("We ask that you stop.", "We%20ask%20that%20you%20stop"),
        ("everything", "everything"),
        ("years-long watch", "years%2Dlong%20watch"),
        (
            "They don’t sleep, they don’t rest:",
            "They%20don%E2%80%99t%20sleep%2C%20they%20don%E2%80%99t%20rest",
        ),
        ("The people we speak of are our neighbors – our friends.", "The%20people,our%20friends"),
    ],
)
def test_a_passage_is_named_by_its_fewest_unique_words(part: str, expected: str) -> None:
    assert of(LETTER_TEXT, part) == expected


def test_words_that_come_again_are_named_with_more_of_their_neighbours() -> None:
    text = "The people left in a long line. The people came back in a long line of cars again."

    assert unquote(of(text, "The people left in a long line.")) == "The people left in a long line"


def test_a_word_that_occurs_often_is_named_by_what_stands_before_it() -> None:
    text = "A camera sees. Another camera hears."
    second = (text.rindex("camera"), text.rindex("camera") + 6)

    assert directive(text, second) == "Another-,camera"


def test_a_word_at_the_beginning_is_named_by_what_stands_after_it() -> None:
    text = "Camera one sees. Camera two hears."

    assert directive(text, (0, 6)) == "Camera,-one"


def test_context_grows_until_it_is_unique() -> None:
    text = "So one camera. Then so one camera."

    assert directive(text, (text.rindex("camera"), len(text))) == "Then%20so%20one-,camera"


def test_context_after_the_words_grows_too() -> None:
    assert directive("Camera one sees. Camera one hears.", (0, 6)) == "Camera,-one%20sees"


def test_paragraphs_that_come_again_are_left_out() -> None:
    assert directive("a b\n\na b\n\na b", (0, 8)) == ""


def test_what_nothing_can_tell_apart_is_left_out() -> None:
    assert directive("same words\n\nsame words", (0, 10)) == ""
    assert directive("a — b", (2, 3)) == ""


def test_case_does_not_make_words_unique() -> None:
    text = "We wait. And so we wait."

    assert of(text, "We wait.") != "We%20wait"


def test_a_passage_over_paragraphs_is_a_range() -> None:
    text = "First words are here.\n\nLast words are there."

    assert directive(text, (0, len(text))) == "First%20words,are%20there"


def test_line_breaks_inside_a_paragraph_count_as_spaces() -> None:
    assert of("one two\nthree four", "two\nthree") == "two%20three"


def test_the_address_keeps_its_own_fragment() -> None:
    linked = with_text_fragment("https://a.example/p#top", "Some words", [(0, 4)])

    assert linked == "https://a.example/p#top:~:text=Some"


def test_several_stretches_are_all_marked() -> None:
    linked = with_text_fragment("https://a.example/", "One two. Three four.", [(0, 3), (9, 14)])

    assert linked == "https://a.example/#:~:text=One&text=Three"


def test_an_address_without_anything_to_name_stays_as_it_is() -> None:
    assert with_text_fragment("https://a.example/", "x y\n\nx y", [(0, 3)]) == "https://a.example/"


def test_characters_with_a_meaning_are_encoded() -> None:
    assert of("so R&D, co-op it is", "R&D, co-op") == "R%26D%2C%20co%2Dop"
