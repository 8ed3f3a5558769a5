"""Row 0: calm weather, in which each status is to be there within a second of its moment."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.ledgers import Networks
from tests.faults.reporting import Tally
from tests.faults.storm import Plan
from tests.faults.test_storm import weather

pytestmark = [
    pytest.mark.slow, pytest.mark.server, pytest.mark.timeout(900),
    pytest.mark.usefixtures("may_sleep"),
]  # fmt: skip


def test_calm_weather_on_an_embedded_database(
    tmp_path: Path, world: Networks, tally: Tally
) -> None:
    counted = weather(tmp_path, world, Plan(posts=40, over=80, replicas=1, share=0, lives=None))

    tally(0, "no fault, SQLite, one process", counted)
    assert counted["once"] == counted["deliveries"]


def test_calm_weather_with_replicas(
    tmp_path: Path, world: Networks, postgres_url: str, tally: Tally
) -> None:
    plan = Plan(posts=40, over=80, replicas=2, share=0, lives=None)

    counted = weather(tmp_path, world, plan, url=postgres_url)

    tally(0, "no fault, PostgreSQL, 2 replicas", counted)
    assert counted["once"] == counted["deliveries"]
