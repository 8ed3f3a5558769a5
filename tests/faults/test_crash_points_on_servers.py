"""Row 1 where the platform, or the database, is a real server that outlives its client."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.running import run_program
from tests.faults.test_crash_points import KINDS, figures
from tests.servers.pds import Pds

pytestmark = pytest.mark.server


EVERY_BOUNDARY = pytest.param(1, marks=pytest.mark.slow)


def judge(outcome: dict[str, Any], where: str, tally: Any, *, every: int) -> None:
    which = "every boundary" if every == 1 else f"each {every}th boundary"
    points = {"points": outcome["points"]} if every == 1 else {}
    tally(1, f"SIGKILL at {which}, {where}", outcome, also={**points, **figures(outcome)})
    assert outcome["bad"] == []
    assert set(outcome["kinds"]) >= KINDS
    assert outcome["kills"] > outcome["points"] // every * 0.9
    assert outcome["once"] == outcome["schedules"]


@pytest.mark.parametrize("every", [150, pytest.param(10, marks=pytest.mark.deep), EVERY_BOUNDARY])
def test_a_kill_leaves_it_posted_once_by_postgresql(
    postgres_url: str, tally: Any, every: int
) -> None:
    outcome = run_program("onpostgres", postgres_url, "--every", str(every))

    judge(outcome, "PostgreSQL (mastodon)", tally, every=every)
    assert outcome["also"]["let go within"] > 0


@pytest.mark.parametrize("every", [150, pytest.param(12, marks=pytest.mark.deep), EVERY_BOUNDARY])
def test_a_kill_leaves_it_once_in_the_repository(pds: Pds, tally: Any, every: int) -> None:
    outcome = run_program("onpds", pds.origin, "--every", str(every))

    judge(outcome, "a real PDS", tally, every=every)
    assert outcome["also"]["ahead of the server"] < 60
