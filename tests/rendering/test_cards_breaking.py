"""Lines end only where a reader lets them, keep every letter, and are as even as they can be."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.rendering.cards.layout import (
    Measured,
    Style,
    fit,
    length,
    line_of,
    stretches,
    trims,
)
from bot.rendering.cards.typefaces import LATIN, typeface_for
from bot.rendering.layout import direction

ENGLISH = Style(LATIN, "en", rtl=False)
CHINESE = Style(typeface_for("zh"), "zh-Hans", rtl=False)
ALPHABET = "ab ée-–—/“”‘’()[]«»…,.;!?19% \u00a0\u200bئۇ،ه،人自由，。《》：“"
TEXTS = st.text(ALPHABET, max_size=60)


def pieces(text: str) -> list[str]:
    return [text[start:end] for start, end in stretches(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one two", ["one ", "two"]),
        ("state-sponsored", ["state-", "sponsored"]),
        ("a -5 b", ["a ", "-5 ", "b"]),
        ("24/7", ["24/7"]),
        ("either/or", ["either/", "or"]),
        ("1990–2000", ["1990–", "2000"]),
        ("war—and", ["war—", "and"]),
        ("December 9", ["December ", "9"]),
        ("December\u00a09", ["December\u00a09"]),
        ("he said “no” (twice)!", ["he ", "said ", "“no” ", "(twice)!"]),
        ("wait… what", ["wait… ", "what"]),
        ("non !", ["non !"]),
        ("( a", ["( a"]),
        ("a\u200bb", ["a\u200b", "b"]),
        ("e\u0301e\u0301", ["e\u0301e\u0301"]),
        ("“人人”生", ["“人", "人”", "生"]),
        ("自由，在", ["自", "由，", "在"]),
        ("《宣言》第", ["《宣", "言》", "第"]),
        ("在Dahua 2022年", ["在", "Dahua ", "2022", "年"]),
        ("——《宣", ["——", "《宣"]),
        ("ئىززەت-ھۆرمەت ۋە", ["ئىززەت-", "ھۆرمەت ", "ۋە"]),
        ("\u2066a", ["\u2066a"]),
        ("", []),
    ],
)
def test_pieces_that_stay_together(text: str, expected: list[str]) -> None:
    assert pieces(text) == expected


@given(TEXTS)
def test_no_letter_is_lost_in_pieces(text: str) -> None:
    assert "".join(pieces(text)) == text
    assert all(pieces(text))


@settings(max_examples=200)
@given(TEXTS, st.floats(3, 30))
def test_no_letter_is_lost_in_lines_and_every_line_fits(text: str, width: float) -> None:
    lines = Measured(text, ENGLISH).lines(width)

    if lines is not None:
        kept = "".join("".join(lines).split())
        assert without_marks(kept) == without_marks("".join(text.split()))
        assert all(length(line, ENGLISH) <= width + 0.01 for line in lines)


def without_marks(text: str) -> str:
    return "".join(letter for letter in text if unicodedata.category(letter) != "Cf")


def filled(text: str, width: float) -> list[str]:
    """Lines filled one after the other, as a typewriter does."""
    lines = [""]
    for piece in pieces(text):
        if lines[-1] and length((lines[-1] + piece).strip(), ENGLISH) > width:
            lines.append("")
        lines[-1] += piece
    return [line.strip() for line in lines]


@given(st.lists(st.text("abcde", min_size=1, max_size=9), min_size=2, max_size=20))
def test_even_lines_are_no_more_than_filled_ones_and_no_more_ragged(words: list[str]) -> None:
    text, width = " ".join(words), 8.0

    even, full = Measured(text, ENGLISH).lines(width), filled(text, width)

    assert even is not None
    assert len(even) == len(full)
    assert raggedness(even, width) <= raggedness(full, width) + 0.001


def raggedness(lines: list[str] | tuple[str, ...], width: float) -> float:
    return sum((width - length(line, ENGLISH)) ** 2 for line in lines)


def test_a_word_wider_than_the_line_does_not_fit() -> None:
    assert Measured("a incomprehensibilities b", ENGLISH).lines(5) is None


def test_a_line_break_in_the_text_is_kept() -> None:
    assert Measured("one\n\n two three", ENGLISH).lines(100) == ("one", "two three")


def test_the_first_mark_hangs_and_leaves_the_line_its_room() -> None:
    hanging = Measured("“aaaa bbbb”", ENGLISH, hangs=True)
    width = length("bbbb”", ENGLISH) + 0.01

    assert hanging.hang == pytest.approx(length("“", ENGLISH))
    assert hanging.lines(width) == ("“aaaa", "bbbb”")
    assert Measured("aaaa", ENGLISH, hangs=True).hang == 0


def test_the_largest_size_that_fits_is_taken() -> None:
    def chosen(height: float) -> float | None:
        block = fit("one two three", ENGLISH, box=(300, height), sizes=(60, 40, 20))
        return block.size if block else None

    assert [chosen(height) for height in (300, 120, 40, 10)] == [60, 40, 20, None]


def test_gaps_between_chinese_marks_are_closed() -> None:
    assert trims("由。”在", CHINESE) == ["halt[1:2]"]
    assert trims("：“《由", CHINESE) == ["halt[0:1]", "halt[2:3]"]
    assert trims("自由”", CHINESE) == ["halt[2:3]"]
    assert trims("自由", CHINESE) is None
    assert trims("“a”", ENGLISH) is None
    assert length("由。”在", CHINESE) == pytest.approx(3.5, abs=0.01)


UYGHUR = "ئۇلار"


@pytest.mark.parametrize(
    ("text", "at", "rtl", "before", "after"),
    [
        # A Latin stretch goes on over the edge of a line that runs from right to left.
        (f"{UYGHUR} one, two {UYGHUR}", 11, True, "one,\u200e", "\u200etwo"),
        (f"{UYGHUR} one 1, 2 {UYGHUR}", 13, True, "one 1,\u200e", "\u200e2"),
        # A Uyghur stretch goes on over the edge of a line that runs from left to right.
        (f"one {UYGHUR}، {UYGHUR} two", 11, False, f"{UYGHUR}،\u061c", f"\u061c{UYGHUR}"),
        # Where the stretch ends at the edge, or goes with the line, nothing is needed.
        (f"{UYGHUR} one, {UYGHUR}", 11, True, "one,", UYGHUR),
        ("one, two", 5, False, "one,", "two"),
        (f"{UYGHUR} 1, 2 {UYGHUR}", 9, True, "1,", "2"),
    ],
)
def test_a_mark_stands_for_the_neighbour_across_the_edge(
    text: str, at: int, rtl: bool, before: str, after: str
) -> None:
    assert line_of(text, 0, at, rtl=rtl).endswith(before)
    assert line_of(text, at, len(text), rtl=rtl).startswith(after)


def test_an_isolate_that_is_cut_is_closed_and_opened_again() -> None:
    text = f"{UYGHUR} \u2066one, two\u2069 {UYGHUR}"

    assert line_of(text, 0, 12, rtl=True) == f"{UYGHUR} \u2066one,\u2069"
    assert line_of(text, 12, len(text), rtl=True) == f"\u2066two\u2069 {UYGHUR}"


@pytest.mark.parametrize(
    ("text", "rtl"), [("one", False), ("— 1948 ئۇلار", True), ("— Open", False), ("1948", False)]
)
def test_the_first_letter_gives_the_direction(text: str, rtl: bool) -> None:
    assert (direction(text) == "R") is rtl
