"""Compares our counting with the platforms' own JavaScript on ten thousand texts and more."""

from collections.abc import Callable
from typing import Any

import pytest
import regex

from bot.platforms.measuring import find_addresses, graphemes
from bot.platforms.x import SPEC, length
from bot.rendering.facets import detect
from tests.conformance.corpora import hostile, realistic
from tests.conformance.vectors import report
from tests.oracles.running import ask, require_packages

pytestmark = pytest.mark.server
COUNT = 10_000
#: Of so many texts of each kind.
PARTS = [slice(2_000), pytest.param(slice(2_000, COUNT), marks=pytest.mark.deep)]

Answer = dict[str, Any]


@pytest.fixture(scope="module")
def packages() -> None:
    require_packages()


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def ours(text: str, theirs: Answer) -> Answer:
    """Count as the oracle does, in its terms; whom it marks is our coalition."""
    addresses = [
        [units(text[: one.start]), units(text[: one.end]), one.text] for one in find_addresses(text)
    ]
    marked = theirs["bluesky"]["facets"]
    coalition = {value for kind, _, _, value in marked if kind == "mention"}
    facets = detect(text, coalition=coalition)
    return {
        "x": {"weight": length(text, SPEC.limits), "urls": addresses},
        "bluesky": {
            "graphemes": graphemes(text),
            "bytes": len(text.encode()),
            "facets": [[str(one.kind), one.start, one.end, one.value] for one in facets],
        },
    }


def without_cashtags(text: str, answer: Answer) -> Answer:
    """Leave out what we do not mark on purpose: ``$ABC``."""
    data = text.encode()
    facets = [one for one in answer["bluesky"]["facets"] if data[one[1] : one[1] + 1] != b"$"]
    return {**answer, "bluesky": {**answer["bluesky"], "facets": facets}}


def differing(texts: list[str]) -> list[tuple[str, Answer, Answer]]:
    answers = [without_cashtags(*pair) for pair in zip(texts, ask(texts), strict=True)]
    pairs = (
        (text, ours(text, theirs), theirs) for text, theirs in zip(texts, answers, strict=True)
    )
    return [(text, mine, theirs) for text, mine, theirs in pairs if mine != theirs]


@pytest.mark.parametrize("part", PARTS, ids=str)
def test_texts_as_editors_write_them_count_the_same(
    packages: None, capsys: pytest.CaptureFixture[str], part: slice
) -> None:
    texts = realistic(COUNT)[part]

    wrong = differing(texts)

    report(capsys, "realistic texts equal to both oracles", len(texts) - len(wrong), len(texts))
    assert wrong == []


def is_halved(text: str, mine: Answer, theirs: Answer) -> bool:
    """JavaScript cuts signs beyond the BMP in halves, and may start a host with the second half.

    Proof: with a sign of the BMP in their place there is no difference.
    """
    same = regex.sub(r"[\U00010000-\U0010ffff]", "☃", text)
    return mine["x"] != theirs["x"] and same != text and not differing([same])


def is_newer_unicode(text: str, mine: Answer, theirs: Answer) -> bool:
    """Unicode 18, which we have, joins a virama with what follows; the oracle has 17."""
    counts = [answer["bluesky"]["graphemes"] for answer in (mine, theirs)]
    return counts[0] != counts[1] and "\u094d" in text


def is_no_name(text: str, mine: Answer, theirs: Answer) -> bool:
    """A label that begins as if it were encoded (xn--) and is not: no such host can exist."""
    return mine["x"] != theirs["x"] and bool(regex.search(r"(?i)xn--[^\s.]*[^\x00-\x7f]", text))


REASONS: tuple[Callable[[str, Answer, Answer], bool], ...] = (
    is_halved,
    is_newer_unicode,
    is_no_name,
)


@pytest.mark.parametrize("part", PARTS, ids=str)
def test_every_difference_on_hostile_texts_has_a_known_reason(
    packages: None, capsys: pytest.CaptureFixture[str], part: slice
) -> None:
    texts = hostile(COUNT)[part]

    wrong = differing(texts)

    report(capsys, "hostile texts equal to both oracles", len(texts) - len(wrong), len(texts))
    unexplained = [one for one in wrong if not any(reason(*one) for reason in REASONS)]
    assert (unexplained, len(wrong) <= len(texts) // 500) == ([], True)


def test_emoji_weigh_as_the_oracle_says(packages: None, capsys: pytest.CaptureFixture[str]) -> None:
    tones = [chr(point) for point in range(0x1F3FB, 0x1F400)]
    bases = [*map(chr, range(0x2100, 0x2C00)), *map(chr, range(0x1F000, 0x1FB00)), *"©®0#"]
    texts = [base + end for base in bases for end in ("", "\ufe0f", "\u20e3", tones[0])]

    wrong = [
        text
        for text, answer in zip(texts, ask(texts), strict=True)
        if length(text, SPEC.limits) != answer["x"]["weight"]
    ]

    report(capsys, "emoji equal to twitter-text", len(texts) - len(wrong), len(texts))
    assert wrong == []


def test_a_host_that_begins_with_http_gets_its_scheme(packages: None) -> None:
    """The one address that we mark differently: theirs is no address, and would be refused."""
    text = "see httpbin.org/get"

    theirs = ask([text])[0]["bluesky"]["facets"]

    assert theirs == [["link", 4, 19, "httpbin.org/get"]]
    assert [facet.value for facet in detect(text)] == ["https://httpbin.org/get"]
