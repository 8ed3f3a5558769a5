"""Rows 24 and 25 in the database itself: no room, and input or output errors, at any call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.faults.ledgers import PLATFORMS
from tests.faults.reporting import Counts
from tests.faults.running import run_program

pytestmark = pytest.mark.timeout(3100)

MODES = ("wal", "delete")
#: Row and name of each kind.
FAULTS = {
    "full": (24, "no room for a write of the database"),
    "write": (25, "a write of the database fails"),
    "sync": (25, "a sync of the database fails, and loses what it should have kept"),
}


def judge(outcomes: Sequence[dict[str, Any]], tally: Counts, mode: str) -> None:
    for outcome in outcomes:
        row, fault = FAULTS[outcome["kind"]]
        # Its places are no crash points, and shall not be counted as such.
        also = {"schedules": outcome["schedules"]}
        tally(row, f"{fault} ({mode} journal)", outcome, also=also)
    assert [outcome["bad"] for outcome in outcomes] == [[]] * len(outcomes)
    for outcome in outcomes:
        assert 0 < outcome["once"] == outcome["schedules"] == outcome["kills"]


@pytest.mark.parametrize(
    ("mode", "platform", "count"),
    [
        ("delete", "x", 2),
        pytest.param("delete", "x", 4, marks=pytest.mark.deep),
        pytest.param("wal", "mastodon", 4, marks=pytest.mark.deep),
    ],
)
def test_a_database_that_cannot_be_written_for_a_while(
    mode: str, platform: str, count: int, tally: Counts
) -> None:
    outcomes = run_program(
        "troubled", platform, "--mode", mode, "--count", str(count), "--seed", "1"
    )

    assert {outcome["kind"] for outcome in outcomes} == set(FAULTS)
    judge(outcomes, tally, mode)


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("platforms", "words"),
    [(("mastodon",), ("--count", "0")), (PLATFORMS, ("--count", "40", "--seed", "2"))],
    ids=["from any call on", "hundreds on every platform"],
)
def test_a_database_that_cannot_be_written_often(
    mode: str, platforms: tuple[str, ...], words: tuple[str, ...], tally: Counts
) -> None:
    judge(run_program("troubled", *platforms, "--mode", mode, *words), tally, mode)


@pytest.mark.slow
def test_an_intent_that_cannot_be_stored_after_the_call_is_caught() -> None:
    words = ("--kinds", "sync", "--count", "0", "--publisher", "intent-after-send")

    (outcome,) = run_program("troubled", "mastodon", *words)

    assert outcome["duplicate"] > 0
