"""Row 1 where the platform, or the database, is a real server that outlives its client."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.test_crash_points import KINDS, crashes, figures
from tests.servers.pds import Pds

pytestmark = pytest.mark.server


def on_postgres(url: str, tally: Any, *, every: int) -> None:
    outcome = crashes(url, "--every", str(every), module="onpostgres")

    which = "every boundary" if every == 1 else f"each {every}th boundary"
    points = {"points": outcome["points"]} if every == 1 else {}
    tally(1, f"SIGKILL at {which}, PostgreSQL (mastodon)", outcome,
          also={**points, **figures(outcome)})  # fmt: skip
    assert outcome["bad"] == []
    assert set(outcome["kinds"]) >= KINDS
    assert outcome["kills"] > outcome["points"] // every * 0.9
    assert outcome["once"] == outcome["schedules"]
    assert outcome["also"]["let go within"] > 0


def on_a_real_pds(pds: Pds, tally: Any, *, every: int) -> None:
    outcome = crashes(pds.origin, "--every", str(every), module="onpds")

    which = "every boundary" if every == 1 else f"each {every}th boundary"
    points = {"points": outcome["points"]} if every == 1 else {}
    tally(1, f"SIGKILL at {which}, a real PDS", outcome, also={**points, **figures(outcome)})
    assert outcome["bad"] == []
    assert set(outcome["kinds"]) >= KINDS
    assert outcome["kills"] > outcome["points"] // every * 0.9
    assert outcome["once"] == outcome["schedules"]
    assert outcome["also"]["ahead of the server"] < 60


@pytest.mark.parametrize("every", [60, pytest.param(10, marks=pytest.mark.deep)])
def test_a_kill_leaves_it_posted_once_by_postgresql(
    postgres_url: str, tally: Any, every: int
) -> None:
    on_postgres(postgres_url, tally, every=every)


@pytest.mark.slow
def test_a_kill_at_any_boundary_leaves_it_posted_once_by_postgresql(
    postgres_url: str, tally: Any
) -> None:
    on_postgres(postgres_url, tally, every=1)


@pytest.mark.parametrize("every", [60, pytest.param(12, marks=pytest.mark.deep)])
def test_a_kill_leaves_it_once_in_the_repository(pds: Pds, tally: Any, every: int) -> None:
    on_a_real_pds(pds, tally, every=every)


@pytest.mark.slow
def test_a_kill_at_any_boundary_leaves_it_once_in_the_repository(pds: Pds, tally: Any) -> None:
    on_a_real_pds(pds, tally, every=1)
