"""Rows 0 and 5: calm weather, and `kill -9` at random while a third of all requests fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.faults.ledgers import Networks
from tests.faults.reporting import Counts
from tests.faults.storm import Storm, StormPlan

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("may_sleep")]


def weather(tmp_path: Path, world: Networks, plan: StormPlan, *, url: str = "") -> dict[str, Any]:
    storm = Storm(tmp_path, world, plan, url=url)
    counted = storm.run()
    print(*storm.evidence, sep="\n")  # noqa: T201 - shown where the test fails
    assert (counted["duplicate"], counted["lost"]) == (0, 0), f"{counted}\n{storm.log()}"
    assert set(counted["held"]) <= {"attempts used up", "cannot tell whether it is out"}, counted
    return counted


def long(seed: int, *, replicas: int = 2) -> StormPlan:
    return StormPlan(posts=170, over=240, replicas=replicas, lives=(10, 25), seed=seed)


def test_row_05_a_short_storm_with_a_standby(
    tmp_path: Path, world: Networks, tally: Counts
) -> None:
    plan = StormPlan(posts=5, over=10, seed=11)

    counted = weather(tmp_path, world, plan)

    tally(5, "kill -9 storm, SQLite with a standby, seed 11", counted)
    assert counted["also"]["kills"] > 0


@pytest.mark.deep
def test_row_05_a_short_storm_of_three_replicas(
    tmp_path: Path, world: Networks, postgres_url: str, tally: Counts
) -> None:
    plan = StormPlan(posts=12, over=20, replicas=3, seed=12)

    counted = weather(tmp_path, world, plan, url=postgres_url)

    tally(5, "kill -9 storm, PostgreSQL with 3 replicas, seed 12", counted)
    assert counted["also"]["kills"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1])
def test_row_05_a_long_storm_with_a_standby(
    tmp_path: Path, world: Networks, tally: Counts, seed: int
) -> None:
    counted = weather(tmp_path, world, long(seed))

    tally(5, f"kill -9 storm, SQLite with a standby, seed {seed}", counted)
    assert counted["deliveries"] >= 500


@pytest.mark.slow
@pytest.mark.parametrize("seed", [3])
def test_row_05_a_long_storm_of_three_replicas(
    tmp_path: Path, world: Networks, postgres_url: str, tally: Counts, seed: int
) -> None:
    plan = long(seed, replicas=3)

    counted = weather(tmp_path, world, plan, url=postgres_url)

    tally(5, f"kill -9 storm, PostgreSQL with 3 replicas, seed {seed}", counted)
    assert counted["deliveries"] >= 500


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_row_00_calm_weather_on_an_embedded_database(
    tmp_path: Path, world: Networks, tally: Counts
) -> None:
    counted = weather(
        tmp_path, world, StormPlan(posts=40, over=80, replicas=1, share=0, lives=None)
    )

    tally(0, "no fault, SQLite, one process", counted)
    assert counted["once"] == counted["deliveries"]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_row_00_calm_weather_with_replicas(
    tmp_path: Path, world: Networks, postgres_url: str, tally: Counts
) -> None:
    plan = StormPlan(posts=40, over=80, replicas=2, share=0, lives=None)

    counted = weather(tmp_path, world, plan, url=postgres_url)

    tally(0, "no fault, PostgreSQL, 2 replicas", counted)
    assert counted["once"] == counted["deliveries"]
