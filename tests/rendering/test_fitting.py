import pytest

from bot.platforms.spec import Limits
from bot.platforms.x import length as x_length
from bot.rendering.fitting import Fits, find_parts
from tests.conftest import require_shared

BODY = slice(52, 2456)
THEY_WROTE = "They wrote: “One two. Three four.”"


def at_most(length: int) -> Fits:
    return lambda text: len(text) <= length


def split(text: str, fits: Fits) -> tuple[str, ...]:
    return tuple(text[start:end] for start, end in find_parts(text, fits))


def test_nothing_has_no_parts() -> None:
    assert split(" \n", fits=at_most(9)) == ()
    assert find_parts("", at_most(9)) == ()


@pytest.mark.parametrize(
    ("text", "length", "parts"),
    [
        ("One two. Three four. Five.", 20, ("One two. Three four.", "Five.")),
        ("One two. Three four five six.", 20, ("One two.", "Three four five six.")),
        ("One two three; four five.", 20, ("One two three;", "four five.")),
        ("One two three – four five.", 20, ("One two three –", "four five.")),
        ("One two three—four five.", 20, ("One two three—", "four five.")),
        ("One two three, four five.", 20, ("One two three,", "four five.")),
        ("One, two three four five.", 20, ("One, two three four", "five.")),
        ("One two three four five.", 20, ("One two three four", "five.")),
        ("Title\n\nOne. Two three four.", 20, ("Title\n\nOne.", "Two three four.")),
        ("One two three.\n\nFour. Five six.", 22, ("One two three.", "Four. Five six.")),
        ("بىر، ئىككى؛ ئۈچ تۆت بەش.", 14, ("بىر، ئىككى؛", "ئۈچ تۆت بەش.")),
        ("我们的父母，我们的兄弟姐妹。", 8, ("我们的父母，", "我们的兄弟姐妹。")),
        ("我们的父母和我们的兄弟姐妹", 8, ("我们的父母和我们", "的兄弟姐妹")),
        ("2010–2020 was ten—20 more", 12, ("2010–2020", "was ten—20", "more")),
        (" One. Two. ", 9, ("One. Two.",)),
        ("aaaa \u0301bbbb cccc", 10, ("aaaa \u0301bbbb", "cccc")),  # a letter keeps its accent
        # A quotation within is torn last.
        (f"{THEY_WROTE} Then no more.", 36, (THEY_WROTE, "Then no more.")),
        (THEY_WROTE, 24, ("They wrote:", "“One two. Three four.”")),
        ("“One two. Three four.”", 16, ("“One two.", "Three four.”")),
        # An apostrophe ends no quotation.
        (
            "‘It isn’t. No more’ they said. Then one.",
            31,
            ("‘It isn’t. No more’ they said.", "Then one."),
        ),
    ],
)
def test_breaks_stand_where_a_reader_pauses(text: str, length: int, parts: tuple[str, ...]) -> None:
    assert split(text, fits=at_most(length)) == parts


@pytest.mark.parametrize(
    "whole",
    [
        "incomprehensibilities",
        "https://a.org/b,c;d—e",
        "magnet://a—b—c—d—e—f",
        "50\u00a0000\u202f000\u00a0people\u00a0now",
        "#维吾尔维吾尔维吾尔维吾尔维吾尔",
        "@name—@other.example.org",
    ],
)
def test_words_and_addresses_are_never_cut(whole: str) -> None:
    with pytest.raises(ValueError, match="alone is longer"):
        split(f"see {whole} now", fits=at_most(len(whole.partition("—@")[0]) - 1))


def test_a_part_fits_even_where_the_rule_is_odd() -> None:
    """No platform's rule is: what is cut off a text that fits, fits."""

    def fits(text: str) -> bool:
        return len(text.split()) in (1, 2, 4)

    assert split("One two three; four five.", fits=fits) == ("One two three; four", "five.")


def test_a_quotation_is_cut_into_its_own_words() -> None:
    text = " One two; three four. "

    assert [text[slice(*part)] for part in find_parts(text, at_most(12))] == [
        "One two;",
        "three four.",
    ]


def test_the_letter_becomes_a_thread_on_x() -> None:
    letter = require_shared("letter/2022-12-09-open-letter.txt").read_text("utf-8")[BODY]

    parts = split(letter, fits=lambda text: x_length(text, Limits(280)) <= 280)

    assert len(parts) == 14
    assert parts[4].startswith("including recently that of the United Nations")


def test_a_hundred_kilobytes_are_no_trouble() -> None:
    """Asks about each part a few times, and never about much more than a part."""
    asked: list[int] = []

    def fits(text: str) -> bool:
        asked.append(len(text))
        return len(text) <= 280

    parts = split("Sentence number one, and more. " * 3_300, fits=fits)

    assert len(parts) == 367
    assert len(asked) < 20 * len(parts)
    assert sum(asked) < 10_000 * len(parts)
