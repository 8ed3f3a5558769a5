"""A delivery's life with its database on a disk whose power fails; ledger and disk judge.

``python -m tests.faults.ondisk x mastodon --mode wal --cuts 20 --seed 3`` cuts at that many
boundaries of each, and prints what came of it as JSON; ``--again`` cuts once more, in recovery.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sqlite3
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import TypeVar

from tests.faults.crashes import WRONG
from tests.faults.disk import Disk
from tests.faults.enumeration import AWAY, Change, Enumeration, numbers
from tests.faults.ledgers import PLATFORMS, Networks, networks
from tests.faults.powercut import VERSIONS, Acknowledged, PowerCut, put_on
from tests.faults.prepared import PreparedCampaign

#: What is on our disk is what it says; it may well be in memory.
FAST = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it


class OnDisk(Enumeration):
    """One platform and one journal mode; as many power cuts as are asked for."""

    def __init__(
        self, platform: str, folder: Path, world: Networks, *, mode: str,
        change: Change | None = None,
    ) -> None:  # fmt: skip
        self.mode = mode
        #: Makes one cut another than the next.
        self._seed = ""
        self._acknowledged = Acknowledged(folder / "acknowledged")
        self._is_on_disk = True
        super().__init__(platform, folder, world, long=False, change=change)

    def cut(self, *numbers: int, seed: str) -> None:
        """Cut at the first boundary, at the next one of the recovery, …; then live to the end."""
        campaign = self._begin()
        self._acknowledged.number = 0
        what = self._named(numbers, seed)
        for number in numbers:
            self._seed = f"{seed}/{number}"
            self.outcome.kills += self._child(campaign, die_at=number) == -signal.SIGKILL
            self.inspect(what)
            self._world.set_ahead(self._world.ahead + AWAY)
        self.finish(campaign, what)

    def finish(self, campaign: PreparedCampaign, what: str) -> None:
        """Start again with Python's own SQLite, live to the end, and judge."""
        self._is_on_disk = False
        code = self._child(campaign)
        self._is_on_disk = True
        if not code:
            self._judge(what)
            return
        self.outcome.bad.append(f"{what}: the restart ended with {code}")
        self.outcome.schedules += 1
        self.outcome.lost += 1

    def _named(self, numbers: tuple[int, ...], seed: str) -> str:
        """Say what the first cut was before, and how to see this schedule again."""
        first = "".join(self.golden[numbers[0] - 1 : numbers[0]])
        first_start = " --first" * isinstance(self, FirstStart)
        told = f"{self.outcome.platform} --mode {self.mode}{first_start} --seed {seed}"
        at = ",".join(map(str, numbers))
        return f".venv/bin/python -m tests.faults.ondisk {told} --at {at} ({first})"

    def _live(self, campaign: PreparedCampaign, die_at: int) -> list[str]:
        if not self._is_on_disk:
            return super()._live(campaign, die_at)
        disk = Disk(campaign.data)
        boundaries = PowerCut(die_at, disk, Random(self._seed))  # noqa: S311 - cuts that can be made again
        put_on(disk, boundaries.step, mode=self.mode, acknowledged=self._acknowledged)
        return self._watched(campaign, boundaries)

    def inspect(self, what: str) -> None:
        """Look at what is left, in a copy: looking at it repairs it."""
        with tempfile.TemporaryDirectory(dir=self._folder) as copied:
            copy = Path(shutil.copytree(self._campaign.data, copied, dirs_exist_ok=True))
            for wrong in wrong_in(copy, self._acknowledged.number, self._texts()):
                self.outcome.also[wrong] = self.outcome.also.get(wrong, 0) + 1
                self.outcome.bad.append(f"{what}: {wrong}")

    def _texts(self) -> set[str]:
        return {status.text for status in self._world.taken()}


class FirstStart(OnDisk):
    """A life without a database to begin with: it is made, filled, and then given its name."""

    def _begin(self) -> PreparedCampaign:
        campaign = super()._begin()
        (campaign.data / "live.db").unlink()
        return campaign


_Kind = TypeVar("_Kind", bound=OnDisk)


def wrong_in(folder: Path, acknowledged: int, taken: set[str]) -> Iterator[str]:
    """Return what a power cut may not do, and did: to the file, to commits, to what was sent."""
    log = folder / "live.sent.log"
    known = log.read_bytes() if log.exists() else b""
    if not (folder / "live.db").exists():
        # A first start that did not come to its end may begin anew, if nothing came of it.
        yield from ["acknowledged commits lost"] if acknowledged or known or taken else []
        return
    try:
        with closing(sqlite3.connect(folder / "live.db")) as connection:
            yield from _wrong_with(connection, acknowledged, taken, known)
    except sqlite3.DatabaseError:
        yield "corrupt"


def _wrong_with(
    connection: sqlite3.Connection, acknowledged: int, taken: set[str], log: bytes
) -> Iterator[str]:
    if connection.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
        yield "corrupt"
        return
    if connection.execute("PRAGMA user_version").fetchone()[0] < acknowledged:
        yield "acknowledged commits lost"
    rows = connection.execute("SELECT id, status_json, draft_json FROM delivery").fetchall()
    for key, status, draft in rows:
        if json.loads(status)["text"] in taken and (draft is None or key.encode() not in log):
            yield "sent without a stored intent"


def spread(golden: list[str], count: int, dice: Random) -> list[int]:
    """Choose boundaries of all kinds, each as often as the next; none twice before all were."""
    kinds: dict[str, list[int]] = defaultdict(list)
    for number, what in enumerate(golden, start=1):
        kinds[what if what.startswith("disk:") else what.partition(" ")[0]].append(number)
    for places in kinds.values():
        dice.shuffle(places)
    queues, chosen = list(kinds.values()), list[int]()
    dice.shuffle(queues)
    for turn in range(max(map(len, queues))):
        chosen += [places[turn] for places in queues if turn < len(places)]
    return [chosen[number % len(chosen)] for number in range(count)]


@contextmanager
def stages(
    platforms: list[str], mode: str, change: Change | None, *, kind: type[_Kind]
) -> Iterator[Iterator[_Kind]]:
    """Furnish one life after the other, all on the same networks."""
    base = str(FAST) if FAST.is_dir() else None
    with tempfile.TemporaryDirectory(dir=base) as made, networks(Path(made)) as world:

        def build_context() -> Iterator[_Kind]:
            for platform in platforms:
                folder = Path(made) / platform
                folder.mkdir()
                yield kind(platform, folder, world, mode=mode, change=change)

        yield build_context()


def cut_all(
    one: OnDisk, *, cuts: int, seed: str, again: bool = False, at: tuple[int, ...] = ()
) -> None:
    """Cut at so many boundaries of a life, or (``at``) run one schedule again."""
    if at:
        one.cut(*at, seed=seed)
        return
    dice = Random(seed)  # noqa: S311 - as above
    for turn, number in enumerate(spread(one.golden, cuts, dice)):
        second = [dice.randrange(1, len(one.golden))] if again else []
        one.cut(number, *second, seed=f"{seed}/{turn}")


def main() -> int:
    """Print one list of outcomes as JSON; 1 where anything went wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("platforms", nargs="+", choices=PLATFORMS)
    parser.add_argument("--mode", choices=list(VERSIONS), default="wal")
    parser.add_argument("--cuts", type=int, default=10)
    parser.add_argument("--seed", default="0")
    parser.add_argument("--again", action="store_true", help="cut once more, in the recovery")
    parser.add_argument("--at", type=numbers, default=(), help="one schedule: 17,42")
    parser.add_argument("--first", action="store_true", help="without a database to begin with")
    parser.add_argument("--publisher", choices=list(WRONG), help="one that is wrong")
    given = vars(parser.parse_args())
    wrong = given.pop("publisher")
    told = []
    platforms, mode = given.pop("platforms"), given.pop("mode")
    kind = FirstStart if given.pop("first") else OnDisk
    with stages(platforms, mode, WRONG.get(wrong), kind=kind) as lives:
        for life in lives:
            cut_all(life, **given)
            told.append(asdict(life.outcome))
    sys.stdout.write(json.dumps(told) + "\n")
    return 1 if any(outcome["bad"] for outcome in told) else 0


if __name__ == "__main__":
    sys.exit(main())
