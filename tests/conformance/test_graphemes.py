"""Holds grapheme counting to Unicode's own cases."""

from __future__ import annotations

import pytest

from bot.platforms.measuring import graphemes
from tests.conformance.vectors import report
from tests.conftest import require_shared

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
