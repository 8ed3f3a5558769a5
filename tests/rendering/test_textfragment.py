from urllib.parse import unquote

import pytest

from bot.rendering.layout import directive, with_text_fragment
from tests.fakes.written import LETTER_TEXT, stretch


def of(text: str, part: str) -> str:
    return unquote(directive(text, stretch(text, part)))


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("We ask that you stop.", "We ask that you stop"),
        ("everything", "everything"),
        ("years-long watch", "years-long watch"),
        ("They don’t sleep, they don’t rest:", "They don’t sleep, they don’t rest"),
        ("The people we speak of are our neighbors – our friends.", "The people,our friends"),
    ],
)
def test_a_passage_is_named_by_its_fewest_unique_words(part: str, expected: str) -> None:
    assert of(LETTER_TEXT, part) == expected


@pytest.mark.parametrize(
    ("text", "span", "expected"),
    [
        ("A camera sees. Another camera hears.", (23, 29), "Another-,camera"),
        ("Camera one sees. Camera two hears.", (0, 6), "Camera,-one"),
        ("So one camera. Then so one camera.", (27, 33), "Then so one-,camera"),
        ("Camera one sees. Camera one hears.", (0, 6), "Camera,-one sees"),
        ("First words are here.\n\nLast words are there.", (0, 44), "First words,are there"),
        ("a b\n\na b\n\na b", (0, 8), ""),
        ("same words\n\nsame words", (0, 10), ""),
        ("a — b", (2, 3), ""),
    ],
    ids=[
        *("what stands before it", "what stands after it", "more before it", "more after it"),
        *("over paragraphs", "paragraphs that come again", "words that come again", "no words"),
    ],
)
def test_words_that_come_again_are_named_with_their_neighbours_or_left_out(
    text: str, span: tuple[int, int], expected: str
) -> None:
    assert unquote(directive(text, span)) == expected


def test_a_passage_that_begins_like_another_is_named_whole() -> None:
    text = "The people left in a long line. The people came back in a long line of cars again."

    assert of(text, "The people left in a long line.") == "The people left in a long line"


def test_case_does_not_make_words_unique() -> None:
    assert of("We wait. And so we wait.", "We wait.") != "We wait"


def test_line_breaks_inside_a_paragraph_count_as_spaces() -> None:
    assert of("one two\nthree four", "two\nthree") == "two three"


@pytest.mark.parametrize(
    ("address", "text", "spans", "linked"),
    [
        ("https://a.example/p#top", "Some words", [(0, 4)], "p#top:~:text=Some"),
        (
            "https://a.example/",
            "One two. Three four.",
            [(0, 3), (9, 14)],
            "#:~:text=One&text=Three",
        ),
        ("https://a.example/", "x y\n\nx y", [(0, 3)], ""),
    ],
    ids=["keeps its own fragment", "several stretches", "nothing to name"],
)
def test_an_address_leads_to_all_that_can_be_named(
    address: str, text: str, spans: list[tuple[int, int]], linked: str
) -> None:
    assert with_text_fragment(address, text, spans) == f"https://a.example/{linked}"


def test_characters_with_a_meaning_are_encoded() -> None:
    text = "so R&D, co-op don’t"

    assert (
        directive(text, stretch(text, "R&D, co-op don’t")) == "R%26D%2C%20co%2Dop%20don%E2%80%99t"
    )
