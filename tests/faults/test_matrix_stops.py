"""Row 7: a sender that stands still in the middle of a request, or of its answer."""

from __future__ import annotations

import pytest

from tests.faults.reporting import Tally
from tests.faults.running import run_program
from tests.servers.postgres import PostgresServer

pytestmark = pytest.mark.server


@pytest.mark.parametrize(
    ("account", "cuts"),
    [("m", 2), *(pytest.param(name, 12, marks=pytest.mark.slow) for name in ("x", "m", "b"))],
)
def test_row_07_a_sender_that_stands_still_in_the_middle_of_a_body(
    postgres_server: PostgresServer, migrated_database: str, tally: Tally, account: str, cuts: int
) -> None:
    where = ("--port", str(postgres_server.port), "--template", migrated_database)
    counted = run_program("stops", account, *where, "--cuts", str(cuts))

    tally(7, f"SIGSTOP within request and answer for 10 min, another replica at work ({account})",
          counted)  # fmt: skip
    assert counted["injected"] == 2 * cuts
    assert (counted["duplicate"], counted["lost"]) == (0, 0)
    assert counted["once"] + sum(counted["held"].values()) == counted["deliveries"]
