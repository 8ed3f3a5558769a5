"""Row 31: more due at once than can go out at once."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.authority.notices import Notice
from bot.operations.opening import open_store
from tests.faults.ledgers import ROOT
from tests.faults.reporting import Counts
from tests.integration.store_rows import NO_ROOM


def loaded(
    accounts: int, deliveries: int, over: int, call: float
) -> tuple[int, dict[str, float], str]:
    words = ("--accounts", str(accounts), "--deliveries", str(deliveries), "--over", str(over),
             "--call", str(call))  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load", *words],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    names = ("taken in", "sent", "kept for later", "twice", "out of order", "over their cap",
             "p50", "p99", "max")  # fmt: skip
    found = {
        name: float(match[1])
        for name in names
        if (match := re.search(rf"{name} ([\d.]+)", done.stdout))
    }
    return done.returncode, found, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("accounts", "deliveries", "over", "call"),
    [
        (10, 60, 3, 0.02),
        pytest.param(500, 5000, 60, 0.2, marks=[pytest.mark.slow, pytest.mark.timeout(2000)]),
    ],
)
def test_row_31_all_due_at_almost_the_same_time(
    tally: Counts, accounts: int, deliveries: int, over: int, call: float
) -> None:
    code, found, told = loaded(accounts, deliveries, over, call)

    assert code == 0, told
    kept = int(found["kept for later"])
    tally(31, f"{deliveries} due in {over} s on {accounts} accounts, {kept} beyond their caps",
          injected=1, deliveries=deliveries - kept, once=int(found["sent"]),
          duplicate=int(found["twice"]), lateness=found["max"],
          also={"p50": found["p50"], "p99": found["p99"]})  # fmt: skip
    assert kept > 0
    assert (found["out of order"], found["over their cap"]) == (0, 0)


def test_forty_threads_at_one_file_take_turns(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'data' / 'live.db'}", create=True, room=NO_ROOM)
    failed: list[Exception] = []

    def write(name: str) -> None:
        try:
            for number in range(5):
                now = datetime.now(UTC)
                store.notices.put(Notice(f"{name}/{number}", now, "so"), before=None)
        except Exception as error:  # noqa: BLE001 - any of them is the failure
            failed.append(error)

    threads = [threading.Thread(target=write, args=(f"t{one}",)) for one in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    assert len(store.notices.all()) == 200
    store.close()
