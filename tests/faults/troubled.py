"""A delivery's life with its database on a disk that refuses calls for a while; then it is well.

``python -m tests.faults.troubled mastodon --kinds sync --mode wal --count 20`` lets calls fail
from that many places on (0: from each there is), and prints what came of it as JSON. At the end
the power fails too: what a failed sync has lost must not be missed.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from random import Random

import apsw

from bot.log import configure
from tests.faults.crashes import WRONG
from tests.faults.disk import Disk
from tests.faults.enumeration import CrashResult
from tests.faults.ledgers import PLATFORMS
from tests.faults.ondisk import OnDisk, stages
from tests.faults.powercut import VERSIONS, put_on
from tests.faults.prepared import JumpClock, PreparedBot, PreparedCampaign

_SOON = timedelta(seconds=1)
#: Which calls fail, and with what.
KINDS = {
    "full": ("disk: before a write", apsw.FullError, apsw.SQLITE_FULL),
    "write": ("disk: before a write", apsw.IOError, apsw.SQLITE_IOERR_WRITE),
    "sync": ("disk: before a sync", apsw.IOError, apsw.SQLITE_IOERR_FSYNC),
}
#: So many calls in a row.
_LONG = (1, 2, 10, 40)


class Trouble:
    """Lets calls of one kind fail that are among so many, counted from 1."""

    def __init__(self, kind: str, failing: range) -> None:
        self._words, self._error, self._number = KINDS[kind]
        self._failing = failing
        self.passed: list[str] = []

    def step(self, what: str) -> None:
        """Pass a call, or raise what SQLite's own file system would."""
        self.passed.append(what)
        if len(self.passed) in self._failing and what.startswith(self._words):
            error = self._error(what)
            error.extendedresult = self._number  # type: ignore[attr-defined] # its stub lacks it
            raise error


class Troubled(OnDisk):
    """One platform and one journal, and one kind of trouble after the other."""

    _kind = "full"
    _failing = range(0)

    def endure(self, kind: str, *, count: int, seed: str, at: int | None) -> CrashResult:
        """Let calls fail from so many places on; tell what came of it."""
        self._kind, self.outcome = kind, CrashResult(self.outcome.platform)
        words = KINDS[kind][0]
        places = [n for n, what in enumerate(self.golden, 1) if what.startswith(words)]
        self.outcome.points = len(places)
        Random(seed).shuffle(places)  # noqa: S311 - trouble that can be had again
        for first in places[: count or None] if at is None else [at]:
            self._suffer(first, seed)
        return self.outcome

    def _suffer(self, first: int, seed: str) -> None:
        """Live with trouble from a call on; lose power at the end; live on, and judge."""
        self._seed = f"{seed}/{first}"
        self._failing = range(first, first + Random(self._seed).choice(_LONG))  # noqa: S311 - seeded, to be run again
        campaign = self._begin()
        self._acknowledged.number = 0
        what = (
            f".venv/bin/python -m tests.faults.troubled {self.outcome.platform} --mode {self.mode}"
            f" --kinds {self._kind} --seed {seed} --at {first} ({self.golden[first - 1]})"
        )
        if (ended := self._child(campaign)) != -signal.SIGKILL:
            self.outcome.bad.append(f"{what}: it ended with {ended}")
        self.outcome.kills += 1
        self.inspect(what)
        self.finish(campaign, what)

    def _live(self, campaign: PreparedCampaign, die_at: int) -> list[str]:
        if not self._is_on_disk:
            return super()._live(campaign, die_at)
        disk, trouble = Disk(campaign.data), Trouble(self._kind, self._failing)
        put_on(disk, trouble.step, mode=self.mode, acknowledged=self._acknowledged)
        self._live_on(campaign)
        if self._failing:
            disk.cut(Random(self._seed))  # noqa: S311 - as above
            os.kill(os.getpid(), signal.SIGKILL)
        return trouble.passed

    def _live_on(self, campaign: PreparedCampaign) -> None:
        configure(form="json", level="CRITICAL")
        clock = JumpClock(self._world.ahead, self._world.set_ahead)
        bot = PreparedBot(campaign, clock)
        _persist(lambda: self._start(bot), clock)
        _persist(bot.approve_all, clock)
        _persist(bot.finish, clock)
        bot.stop()

    def _start(self, bot: PreparedBot) -> None:
        if self._change is not None:
            bot.services.publisher = self._change(bot.services.publisher)
        try:
            bot.services.start()
        except BaseException:
            bot.stop()
            raise


def _persist(work: Callable[[], object], clock: JumpClock) -> None:
    """Do it again until it works, as the scheduler does, and who starts the container."""
    while True:
        try:
            work()
        except Exception:  # noqa: BLE001 - the scheduler logs it and goes on, so this goes on
            clock.jump(clock.now() + _SOON)
        else:
            return


def main() -> int:
    """Print one list of outcomes as JSON; 1 where anything went wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("platforms", nargs="+", choices=PLATFORMS)
    parser.add_argument("--mode", choices=list(VERSIONS), default="wal")
    parser.add_argument("--kinds", type=lambda told: told.split(","), default=list(KINDS))
    parser.add_argument("--count", type=int, default=10, help="0: at each call there is")
    parser.add_argument("--seed", default="0")
    parser.add_argument("--at", type=int, help="one schedule")
    parser.add_argument("--publisher", choices=list(WRONG), help="one that is wrong")
    given = vars(parser.parse_args())
    platforms, mode, kinds = given.pop("platforms"), given.pop("mode"), given.pop("kinds")
    told = []
    with stages(platforms, mode, WRONG.get(given.pop("publisher")), kind=Troubled) as lives:
        for life in lives:
            told += [{"kind": kind, **asdict(life.endure(kind, **given))} for kind in kinds]
    sys.stdout.write(json.dumps(told) + "\n")
    return 1 if any(outcome["bad"] for outcome in told) else 0


if __name__ == "__main__":
    sys.exit(main())
