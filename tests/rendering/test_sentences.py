import pytest

from bot.rendering.fitting import find_sentences
from tests.conftest import require_shared

BODY = slice(52, 2456)


def sentences(text: str, lang: str = "en") -> list[str]:
    return [text[start:end] for start, end in find_sentences(text, lang)]


@pytest.mark.parametrize(
    ("lang", "parts"),
    [
        ("en", ["Dahua held the pen.", "We encourage you to read."]),
        ("en", ["Dr. Smith met Mr. Jones in D.C. at 3 p.m. on Friday.", "Nobody else came."]),
        ("en", ["They waited…", "Nobody came."]),
        ("en", ["“They waited…”", "Nobody came."]),
        ("en", ["She said “No.”", "Then she left."]),
        ("en", ["Why?", "Because!", "So it is."]),
        ("ug", ["بۇ نېمە؟", "مەن بىلمەيمەن.", "ياخشى!"]),
        ("zh-Hant", ["這是真的嗎？", "是的。", "請看！"]),
        ("zh", ["他们等了很久……", "没有人来。"]),
        ("en", ["they waited… and waited."]),
        ("xx", ["One.", "Two."]),  # an unknown language is taken for English
    ],
)
def test_sentences_end_where_readers_end_them(lang: str, parts: list[str]) -> None:
    separator = "" if lang.startswith("zh") else " "

    assert sentences(separator.join(parts), lang) == parts


def test_white_space_is_outside() -> None:
    assert find_sentences("  One.\n\n Two. ") == ((2, 6), (9, 13))
    assert find_sentences(" \n ") == find_sentences("") == ()


def test_the_letter_has_its_fifteen_sentences() -> None:
    letter = require_shared("letter/2022-12-09-open-letter.txt").read_text("utf-8")

    body = sentences(letter[BODY])

    assert len(body) == 15
    assert [len(one) for one in body if len(one) > 280] == [295, 285, 318]
