"""Commits of the real store, and the power that fails right after one: are they all there?

``python -m tests.faults.commits wal wal:NORMAL --cuts 100`` prints as JSON, for the journal as
the store sets it up and for a weaker one, how many cuts lost an acknowledged commit, broke the
database, or left all in order.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from bot.operations.opening import open_store
from tests.faults.disk import Disk
from tests.faults.ondisk import FAST, wrong_in
from tests.faults.powercut import Acknowledged, put_on
from tests.integration.store_rows import NO_ROOM

_NOW = datetime(2026, 12, 9, 9, tzinfo=UTC)
_MOST = 8


class AfterCommit:
    """Cuts the power right after so many commits."""

    def __init__(self, count: int, disk: Disk, dice: Random) -> None:
        self._left, self._disk, self._dice = count, disk, dice

    def step(self, what: str) -> None:
        self._left -= what == "sql: after a commit"
        if not self._left:
            self._disk.cut(self._dice)
            os.kill(os.getpid(), signal.SIGKILL)


def commit_and_fail(
    folder: Path, acknowledged: Acknowledged, *, mode: str, synchronous: str, dice: Random
) -> None:
    """Open a store, write, and let the power fail; the caller is a forked child."""
    disk = Disk(folder)
    step = AfterCommit(dice.randint(3, _MOST), disk, dice).step

    def worse(sql: str) -> str:
        asked = synchronous and sql.startswith("PRAGMA synchronous=")
        return f"PRAGMA synchronous={synchronous}" if asked else sql

    put_on(disk, step, mode=mode, acknowledged=acknowledged, instead=worse)
    store = open_store(f"sqlite:///{folder / 'live.db'}", create=True, room=NO_ROOM)
    for number in range(_MOST):
        store.audit.write("Ann", "note", str(number), why="x" * 3000, detail={}, now=_NOW)


def cut_often(folder: Path, setting: str, *, cuts: int, seed: int) -> Counter[str]:
    """Cut as often as that, each time from the same empty database; tell what was found."""
    mode, _, synchronous = setting.partition(":")
    data = folder / "data"
    acknowledged = Acknowledged(folder / "acknowledged")
    found: Counter[str] = Counter()
    for number in range(cuts):
        shutil.rmtree(data, ignore_errors=True)
        shutil.copytree(folder / "template", data)
        acknowledged.number = 0
        dice = Random(f"{seed}/{number}")  # noqa: S311 - cuts that can be made again
        if (pid := os.fork()) == 0:
            try:
                commit_and_fail(data, acknowledged, mode=mode, synchronous=synchronous, dice=dice)
            finally:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
        found.update(set(wrong_in(data, acknowledged.number, set())) or {"in order"})
    return found


def main() -> None:
    """Print one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("settings", nargs="+", help="a journal, or journal:synchronous")
    parser.add_argument("--cuts", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    given = vars(parser.parse_args())
    settings = given.pop("settings")
    with tempfile.TemporaryDirectory(dir=FAST if FAST.is_dir() else None) as made:
        folder = Path(made)
        template = folder / "template" / "live.db"
        open_store(f"sqlite:///{template}", create=True, room=NO_ROOM).close()
        found = {setting: cut_often(folder, setting, **given) for setting in settings}
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
