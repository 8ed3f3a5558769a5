"""Row 26: the power fails, and the disk has torn and reordered what it was not told to sync."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.faults.ledgers import PLATFORMS
from tests.faults.reporting import Counts
from tests.faults.running import run_program

pytestmark = pytest.mark.timeout(3100)  # the long ones, in `make storm`

MODES = ("wal", "delete")
#: What a life on a disk must be seen to cross, or something is no longer counted.
KINDS = {
    mode: {
        f"disk: before a {call} live.db{end}"
        for call in ("write to", "sync of")
        for end in ("", journal)
    }
    for mode, journal in (("wal", "-wal"), ("delete", "-journal"))
}
#: Enough that a setting which is too weak is found out: it loses every third.
CUTS = 30
#: Settings that lose what they acknowledged, or all, and how that shows.
WEAKER = {
    "wal:NORMAL": "acknowledged commits lost",
    # The journal's deletion is not synced: back again, it undoes what was committed.
    "delete:FULL": "acknowledged commits lost",
    "delete:OFF": "corrupt",
}


def judge(outcomes: Sequence[dict[str, Any]], tally: Counts, mode: str, cuts: int) -> None:
    names = ("acknowledged commits lost", "corrupt", "sent without a stored intent")
    also = {name: sum(outcome["also"].get(name, 0) for outcome in outcomes) for name in names}
    counts = ("schedules", "kills", "once", "duplicate", "lost")
    total = {name: sum(outcome[name] for outcome in outcomes) for name in counts}
    tally(
        26, f"power cut, writes torn and reordered ({mode} journal)",
        injected=total["kills"], deliveries=total["schedules"], once=total["once"],
        duplicate=total["duplicate"], lost=total["lost"],
        also={**also, "schedules": total["schedules"]},
    )  # fmt: skip
    assert [outcome["bad"] for outcome in outcomes] == [[]] * len(outcomes)
    assert total["once"] == total["schedules"]
    assert all(set(outcome["kinds"]) >= KINDS[mode] for outcome in outcomes)
    # A cut that comes later than its life lasts is none; lives differ by a few boundaries.
    assert total["kills"] >= cuts * 0.9


@pytest.mark.parametrize(
    ("mode", "cuts"),
    [("delete", 2), *(pytest.param(mode, 6, marks=pytest.mark.deep) for mode in MODES)],
)
def test_row_26_a_power_cut_at_any_boundary_leaves_it_posted_once(
    mode: str, cuts: int, tally: Counts
) -> None:
    outcomes = run_program("ondisk", *PLATFORMS, "--mode", mode, "--cuts", str(cuts), "--seed", "1")

    judge(outcomes, tally, mode, len(PLATFORMS) * cuts)


#: Platforms, words, and how many cuts that is in all.
LONG_RUNS = {
    "hundreds": (PLATFORMS, ("--cuts", "200", "--seed", "2"), 600),
    "again within the recovery": (PLATFORMS, ("--cuts", "50", "--seed", "3", "--again"), 150),
    "while the database is created": (
        ("mastodon",), ("--cuts", "100", "--seed", "4", "--first"), 100),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", LONG_RUNS)
def test_row_26_many_power_cuts(mode: str, name: str, tally: Counts) -> None:
    platforms, words, cuts = LONG_RUNS[name]

    judge(run_program("ondisk", *platforms, "--mode", mode, *words), tally, mode, cuts)


@pytest.mark.slow
def test_row_26_an_intent_that_is_stored_after_the_call_is_caught() -> None:
    words = ("--cuts", "250", "--seed", "6", "--publisher", "intent-after-send")

    (outcome,) = run_program("ondisk", "mastodon", *words)

    assert outcome["duplicate"] > 0
    assert outcome["also"]["sent without a stored intent"] > 0


def commits(*settings: str) -> dict[str, dict[str, int]]:
    """Cut the power right after commits; what came of it by the setting."""
    found: dict[str, dict[str, int]] = run_program("commits", *settings, "--cuts", str(CUTS))
    return found


@pytest.fixture(scope="module")
def weaker() -> dict[str, dict[str, int]]:
    return commits(*WEAKER)


@pytest.mark.parametrize("mode", ["delete", pytest.param("wal", marks=pytest.mark.deep)])
def test_row_26_a_commit_that_was_acknowledged_survives_a_power_cut(
    mode: str, tally: Counts
) -> None:
    found = commits(mode)[mode]

    also = {"in order": found.get("in order", 0)}
    tally(26, f"power cut right after a commit ({mode} journal)", injected=CUTS, also=also)
    assert found == {"in order": CUTS}


@pytest.mark.deep
@pytest.mark.parametrize("setting", list(WEAKER))
def test_row_26_weaker_settings_than_ours_are_found_out(
    setting: str, weaker: dict[str, dict[str, int]]
) -> None:
    assert weaker[setting][WEAKER[setting]] >= CUTS / 5
