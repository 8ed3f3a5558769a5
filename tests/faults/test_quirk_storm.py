"""Row 33: servers with Mastodon's API that are unlike it, under deaths, lost answers and boosts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import mutations
from tests.faults.quirk_storm import REASONS, storm, weather_of
from tests.faults.reporting import Counts, total

#: Two that each show a fault of `tests.faults.mutations` when it is put back.
SHORT = (4, 8)


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERBATIM_M_ACCESS_TOKEN", "token-of-the-mastodon-account")


def weathers(
    tmp_path: Path, seeds: range | tuple[int, ...], tally: Counts, *, is_killed: bool = False
) -> None:
    found, kills = [], 0
    for seed in seeds:
        counted = storm(tmp_path / str(seed), seed, is_killed=is_killed)
        kills += counted["kills"]
        told = f"{weather_of(seed)}\n{counted['evidence']}"
        bad = {name: counted[name] for name in ("duplicate", "lost", "wrong", "unsaid")}
        assert not any(bad.values()), f"{bad}: {told}"
        assert set(counted["held"]) <= set(map(str, REASONS)), told
        found.append({**counted, "lateness": None})
    killed = f", {kills} kills" if is_killed else ""
    tally(33, f"quirk storm, {len(found)} servers{killed}", total(*found))


def test_row_33_a_short_quirk_storm(tmp_path: Path, tally: Counts) -> None:
    weathers(tmp_path, SHORT, tally)


@pytest.mark.deep
def test_row_33_a_short_quirk_storm_of_killed_processes(tmp_path: Path, tally: Counts) -> None:
    weathers(tmp_path, (5,), tally, is_killed=True)


@pytest.mark.deep
def test_row_33_a_longer_quirk_storm(tmp_path: Path, tally: Counts) -> None:
    weathers(tmp_path, range(40), tally)


@pytest.mark.deep
def test_row_33_a_longer_quirk_storm_of_killed_processes(tmp_path: Path, tally: Counts) -> None:
    weathers(tmp_path, range(200, 206), tally, is_killed=True)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(1000, 2000, 100))
def test_row_33_a_long_quirk_storm(tmp_path: Path, tally: Counts, start: int) -> None:
    weathers(tmp_path, range(start, start + 100), tally)


@pytest.mark.slow
def test_row_33_a_long_quirk_storm_of_killed_processes(tmp_path: Path, tally: Counts) -> None:
    weathers(tmp_path, range(2000, 2016), tally, is_killed=True)


@pytest.mark.slow
@pytest.mark.parametrize("fault", mutations.FAULTS)
def test_the_storm_finds_each_fault_that_is_put_back(fault: str) -> None:
    assert mutations.found_in_a_process(fault), mutations.FAULTS[fault].__doc__
