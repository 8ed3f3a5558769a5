"""Kills a delivery's life at every boundary there is, and lets the platforms' ledger judge.

``python -m tests.faults.crashes x`` enumerates one platform and prints what came of it as JSON;
``--pairs N --seed S`` kills a second time, within the recovery from the first.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

# The adapters are imported when they are first connected, which each child would do anew.
import bot.platforms.bluesky.adapter
import bot.platforms.mastodon.adapter
import bot.platforms.x.adapter  # noqa: F401 - as above
from bot.services.publisher import Publisher
from tests.faults.boundaries import Boundaries
from tests.faults.broken import IntentAfterSend, RetryOnTimeout, remade
from tests.faults.ledgers import Networks, networks
from tests.faults.life import DUE_IN, JumpClock, Stage, live, prepare_stage, write_down

#: Crashes do not care for the disk, only power cuts do; so a disk in memory will do.
_FAST = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
_LONGEST = 60.0
#: A restart comes after this, in the life's own time.
_AWAY = timedelta(seconds=5)
Change = Callable[[Publisher], Publisher]
WRONG: dict[str, Change] = {
    "intent-after-send": partial(remade, IntentAfterSend),
    "retry-on-timeout": partial(remade, RetryOnTimeout),
}


@dataclass(slots=True)
class Outcome:
    """What came of all schedules on one platform."""

    platform: str
    #: Boundaries of a life without a crash.
    points: int = 0
    schedules: int = 0
    kills: int = 0
    once: int = 0
    duplicate: int = 0
    lost: int = 0
    held: dict[str, int] = field(default_factory=dict)
    #: Seconds that the slowest restart took to bring all to rest.
    slowest: float = 0.0
    #: The schedules that went wrong, with where they were killed.
    bad: list[str] = field(default_factory=list)


class Enumeration:
    """One platform, one post, and as many schedules as are asked for."""

    def __init__(
        self, platform: str, folder: Path, world: Networks, *, long: bool, change: Change | None
    ) -> None:
        self.outcome = Outcome(platform)
        self._account, self._folder, self._world = platform[0], folder, world
        self._change = change
        origins = {self._account: world.origins[self._account]}
        self._stage = prepare_stage(folder, origins, long=long)
        # What SQLAlchemy works out once for all is not worked out anew by each child.
        live(self._begin(), clock=JumpClock(tell=world.set_ahead))
        self.golden = self._golden()
        self.outcome.points = len(self.golden)

    def _golden(self) -> list[str]:
        stage = self._begin()
        assert self._child(stage) == 0, "a life without a crash must end by itself"
        self._judge("no crash")
        passed: list[str] = json.loads((self._folder / "passed").read_text(encoding="utf-8"))
        return passed

    def _begin(self) -> Stage:
        self._world.set_ahead(timedelta(0))
        self._world.forget()
        # A key that the server honours would hide a second call.
        self._world.order("quirk", account="m", ignores_key=True)
        self._stage.empty()
        return self._stage.due_at(datetime.now(UTC).replace(microsecond=0) + DUE_IN)

    def run(self, *kills: int) -> None:
        """Die at the first boundary, at the next one of the restart, …; then live to the end."""
        stage = self._begin()
        for number in (*kills, 0):
            started = time.monotonic()
            code = self._child(stage, die_at=number)
            killed = code == -signal.SIGKILL
            self.outcome.kills += killed
            if not killed and code:
                self.outcome.bad.append(f"{kills}: exit {code}")
            if not number:
                took = time.monotonic() - started
                self.outcome.slowest = max(self.outcome.slowest, round(took, 3))
            self._world.set_ahead(self._world.ahead + _AWAY)
        at = "; ".join(
            f"{k} ({self.golden[k - 1]})" if k <= len(self.golden) else str(k) for k in kills
        )
        self._judge(at)

    def run_killed_by_server(self, when: str) -> None:
        """Let the platform kill its client: ``before`` it takes the status, or ``after``."""
        stage = self._begin()
        ready, go = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.read(ready, 1)
            self._live_and_exit(stage, 0)
        self._world.order("kill", account=self._account, pid=pid, when=when)
        os.write(go, b"!")
        killed = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
        self.outcome.kills += killed
        os.close(ready)
        os.close(go)
        self._world.set_ahead(self._world.ahead + _AWAY)
        if self._child(stage):
            self.outcome.bad.append(f"killed {when}: the restart failed")
        self._judge(f"killed by the platform {when} it took the status")

    def _child(self, stage: Stage, die_at: int = 0) -> int:
        """Fork a child that lives; its exit code, negative for a signal."""
        (self._folder / "passed").unlink(missing_ok=True)
        pid = os.fork()
        if pid == 0:
            self._live_and_exit(stage, die_at)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def _live_and_exit(self, stage: Stage, die_at: int) -> None:
        code = 1
        try:
            signal.alarm(int(_LONGEST))
            boundaries = Boundaries(die_at)
            boundaries.watch()
            clock = JumpClock(self._world.ahead, self._world.set_ahead)
            live(stage, clock=clock, publisher=self._change)
            boundaries.stop()
            write_down(self._folder / "passed", boundaries.passed)
            code = 0
        except Exception:  # noqa: BLE001 - told, and the exit code says so
            sys.excepthook(*sys.exc_info())
        finally:
            sys.stderr.flush()
            os._exit(code)

    def _judge(self, schedule: str) -> None:
        outcome = self.outcome
        outcome.schedules += 1
        taken = Counter(one.text for one in self._world.taken())
        ids = {one.id for one in self._world.taken()}
        rows = list(_rows(self._stage.data / "live.db"))
        wrong = [] if rows else ["nothing was planned"]
        for text, state, reason, remote_id in rows:
            count = taken.pop(text, 0)
            if count > 1:
                outcome.duplicate += 1
                wrong.append(f"{count} times")
            elif state == "HELD":
                outcome.held[reason] = outcome.held.get(reason, 0) + 1
                wrong.append(f"held: {reason}")
            elif count == 1 and state == "SENT" and remote_id in ids:
                outcome.once += 1
            else:
                outcome.lost += 1
                wrong.append(f"{state}, seen {count} times")
        wrong += [f"nobody planned {text!r}" for text in taken]
        if wrong:
            outcome.bad.append(f"{schedule}: {', '.join(wrong)}")


def _rows(path: Path) -> Iterator[tuple[str, str, str, str]]:
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT status_json, state, reason, remote_id FROM delivery ORDER BY part"
        for status, state, reason, remote_id in connection.execute(query):
            yield json.loads(status)["text"], state, reason, remote_id


def enumerate_all(
    platform: str,
    *,
    pairs: int = 0,
    seed: int = 0,
    long: bool = False,
    every: int = 1,
    by_server: int = 0,
    change: Change | None = None,
) -> Outcome:
    """Run every single crash (or each ``every``-th), then seeded pairs."""
    base = str(_FAST) if _FAST.is_dir() else None
    with tempfile.TemporaryDirectory(dir=base) as made, networks(Path(made)) as world:
        run = Enumeration(platform, Path(made), world, long=long, change=change)
        if every:
            for k in range(1, run.outcome.points + 1, every):
                run.run(k)
        for number in range(by_server):
            run.run_killed_by_server(("before", "after")[number % 2])
        dice = random.Random(seed)  # noqa: S311 - schedules that can be run again
        for _ in range(pairs):
            run.run(*dice.choices(range(1, run.outcome.points + 1), k=2))
        return run.outcome


def main() -> int:
    """Print one line of JSON; 1 where anything went wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("platform", choices=["x", "mastodon", "bluesky"])
    parser.add_argument("--pairs", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--by-server", type=int, default=0, help="kills by the platform")
    parser.add_argument("--publisher", choices=list(WRONG), help="one that is wrong")
    parser.add_argument("--long", action="store_true", help="a thread instead of one status")
    given = vars(parser.parse_args())
    wrong = given.pop("publisher")
    outcome = enumerate_all(change=WRONG[wrong] if wrong else None, **given)
    sys.stdout.write(json.dumps(asdict(outcome)) + "\n")
    return 1 if outcome.bad else 0


if __name__ == "__main__":
    sys.exit(main())
