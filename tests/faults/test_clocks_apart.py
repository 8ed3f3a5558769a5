"""Row 21 with replicas: machines that disagree about the time, and one database that decides."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import require_tool
from tests.faults.ledgers import Networks
from tests.faults.reporting import Tally
from tests.faults.storm import PATIENT, Calm, Plan, Replica

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("may_sleep")]


class Apart(Calm):
    """Three processes: one machine is an hour ahead, one an hour behind, one has the time."""

    def surroundings(self, one: Replica) -> dict[str, str]:
        shift = dict(zip(("data-0", "data-1"), ("+1h", "-1h"), strict=True)).get(one.data.name)
        if shift is None:
            return {}
        library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
        return {"LD_PRELOAD": str(library), "FAKETIME": shift, "DONT_FAKE_MONOTONIC": "1"}


def test_row_21_replicas_whose_clocks_disagree(
    tmp_path: Path, world: Networks, postgres_url: str, tally: Tally
) -> None:
    require_tool("faketime")
    plan = Plan(posts=6, over=12, replicas=3, share=0.0, lives=None, settings=PATIENT)
    apart = Apart(tmp_path, world, plan, url=postgres_url)
    try:
        apart.begin()
        counted = apart.end()
    finally:
        apart.close()

    tally(21, "three replicas: one an hour ahead, one an hour behind", counted, injected=2)
    assert (counted["duplicate"], counted["lost"]) == (0, 0)
    assert counted["once"] == counted["deliveries"] == 18
    assert min(status.at for status in world.taken()) >= apart.first
