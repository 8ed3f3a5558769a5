"""Row 7: a sender that stands still in the middle of a request, or of its answer."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.conftest import require_shared
from tests.faults.ledgers import ROOT
from tests.faults.reporting import Tally
from tests.servers.postgres import PostgresServer

pytestmark = pytest.mark.server


def stopped(server: PostgresServer, template: str, account: str, cuts: int) -> dict[str, Any]:
    require_shared("conformance/x-api-openapi.json")
    words = (account, "--port", str(server.port), "--template", template, "--cuts", str(cuts))
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.stops", *words],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout, done.stderr
    counted: dict[str, Any] = json.loads(done.stdout)
    return counted


@pytest.mark.parametrize(
    ("account", "cuts"),
    [("m", 2), *(pytest.param(name, 12, marks=pytest.mark.slow) for name in ("x", "m", "b"))],
)
def test_row_07_a_sender_that_stands_still_in_the_middle_of_a_body(
    postgres_server: PostgresServer, migrated_database: str, tally: Tally, account: str, cuts: int
) -> None:
    counted = stopped(postgres_server, migrated_database, account, cuts)

    tally(7, f"SIGSTOP within request and answer for 10 min, another replica at work ({account})",
          counted)  # fmt: skip
    assert counted["injected"] == 2 * cuts
    assert (counted["duplicate"], counted["lost"]) == (0, 0)
    assert counted["once"] + sum(counted["held"].values()) == counted["deliveries"]
