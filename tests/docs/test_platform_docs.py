"""The page of Mastodon lists what is tried, and nothing else."""

from __future__ import annotations

import re

from tests.conftest import ROOT
from tests.faults.quirk_storm import BEHAVIOURS


def test_each_behaviour_of_the_quirk_storm_has_a_line() -> None:
    page = (ROOT / "docs" / "platforms" / "mastodon.md").read_text(encoding="utf-8")
    _, _, table = page.partition("| the server | the bot |")
    table, _, _ = table.partition("\n\n")

    listed = [line for line in re.findall(r"^\| (.+?) \|", table, re.M) if line != "---"]

    assert listed == [*BEHAVIOURS]
