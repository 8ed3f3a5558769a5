"""Lives that are killed where one wants, over and over; the platform's ledger judges."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import NullPool, create_engine, text

# The adapters are imported when they are first connected, which each child would do anew.
import bot.platforms.bluesky.adapter
import bot.platforms.mastodon.adapter
import bot.platforms.x.adapter  # noqa: F401 - as above
from bot.delivery.model import HoldReason
from bot.delivery.publisher import Publisher
from tests.fakes.compiled import share_compiled
from tests.faults.boundaries import Boundaries
from tests.faults.ledgers import Taken
from tests.faults.prepared import (
    DUE_IN,
    JumpClock,
    PreparedCampaign,
    live,
    prepare_campaign,
    write_down,
)

_LONGEST = 300.0
#: A restart comes after this, in the life's own time.
AWAY = timedelta(seconds=5)
Change = Callable[[Publisher], Publisher]


class LedgeredWorld(Protocol):
    """The platforms that a life is lived on: they share its clock's lead, and keep a ledger."""

    origins: dict[str, str]

    @property
    def ahead(self) -> timedelta:
        """How far the lives' clock is ahead of the machine's."""

    def set_ahead(self, ahead: timedelta) -> None:
        """Set that; works from a forked child too."""

    def forget(self) -> None:
        """Begin anew, with nothing taken."""

    def taken(self) -> Sequence[Taken]:
        """Return what was taken since `forget`."""

    def order(self, do: str, **what: Any) -> Any:
        """Return one order, and wait until it is done."""


@dataclass(slots=True)
class CrashResult:
    """What came of all schedules on one platform."""

    platform: str
    #: Boundaries of a life without a crash.
    points: int = 0
    #: What these boundaries are: calls of files and sockets by name, statements all as one.
    kinds: list[str] = field(default_factory=list)
    schedules: int = 0
    kills: int = 0
    once: int = 0
    duplicate: int = 0
    lost: int = 0
    held: dict[str, int] = field(default_factory=dict)
    #: Seconds that the slowest restart took to bring all to rest.
    slowest: float = 0.0
    #: Other figures of this kind of enumeration.
    also: dict[str, float] = field(default_factory=dict)
    #: The schedules that went wrong, where they were killed, and how to see it again.
    bad: list[str] = field(default_factory=list)

    def worst(self, name: str, value: float) -> None:
        """Keep the highest of a figure."""
        self.also[name] = max(self.also.get(name, 0.0), round(value, 4))


class Enumeration:
    """One platform, one post, and as many schedules as are asked for."""

    #: From the beginning of a schedule.
    due_in = DUE_IN

    def __init__(
        self,
        platform: str,
        folder: Path,
        world: LedgeredWorld,
        *,
        long: bool,
        change: Change | None,
        words: Sequence[str] = (),
    ) -> None:
        self.outcome = CrashResult(platform)
        self._account, self._folder, self._world = platform[0], folder, world
        self._change = change
        #: What is run as a module to enumerate this, and its words but for the schedules.
        self._words = words or ("tests.faults.crashes", platform)
        self._lives = 0
        share_compiled()
        self._campaign = self._prepare(long=long)
        self._engine = create_engine(self._campaign.url, poolclass=NullPool)
        # What SQLAlchemy works out once for all is not worked out anew by each child.
        live(self._begin(), clock=JumpClock(tell=world.set_ahead))
        self.golden = self._golden()
        self.outcome.points = len(self.golden)
        self.outcome.kinds = sorted({_kind_of(what) for what in self.golden})

    def _prepare(self, *, long: bool) -> PreparedCampaign:
        origins = {self._account: self._world.origins[self._account]}
        return prepare_campaign(self._folder, origins, long=long)

    def _golden(self) -> list[str]:
        campaign = self._begin()
        assert self._child(campaign) == 0, "a life without a crash must end by itself"
        self._judge("no crash")
        passed: list[str] = json.loads((self._folder / "passed").read_text(encoding="utf-8"))
        return passed

    def _begin(self) -> PreparedCampaign:
        self._world.set_ahead(timedelta(0))
        self._world.forget()
        # A key that the server honours would hide a second call.
        self._world.order("quirk", account="m", ignores_key=True)
        self._campaign.empty()
        return self._campaign.due_at(datetime.now(UTC).replace(microsecond=0) + self.due_in)

    def singles(self, every: int) -> list[tuple[int]]:
        """List the schedules of one kill: at each boundary, or at each ``every``-th."""
        return [(number,) for number in range(1, self.outcome.points + 1, every)]

    def run_singles(self, every: int, kills: tuple[int, ...] = ()) -> None:
        """Run every schedule of one kill, or each ``every``-th, or just one of these kills."""
        for schedule in [kills] if kills else self.singles(every) if every else []:
            self.run(*schedule)

    def run(self, *kills: int) -> None:
        """Die at the first boundary, at the next one of the restart, …; then live to the end."""
        campaign = self._begin()
        for number in kills:
            self._die(campaign, number, kills)
        self._end(campaign, kills)

    def _die(self, campaign: PreparedCampaign, number: int, kills: tuple[int, ...]) -> None:
        """Live up to a boundary of this life, to its end where it has not that many; go away."""
        code = self._child(campaign, die_at=number)
        killed = code == -signal.SIGKILL
        self.outcome.kills += killed
        if code and not killed:
            self.outcome.bad.append(f"{self._described(kills)}: exit {code}")
        self._world.set_ahead(self._world.ahead + AWAY)

    def _end(self, campaign: PreparedCampaign, kills: tuple[int, ...]) -> None:
        """Live to the end, and judge."""
        started = time.monotonic()
        if code := self._child(campaign):
            self.outcome.bad.append(f"{self._described(kills)}: exit {code}")
        took = time.monotonic() - started
        self.outcome.slowest = max(self.outcome.slowest, round(took, 3))
        self._judge(self._described(kills))

    def _described(self, kills: tuple[int, ...]) -> str:
        """Say what the first kill was before, and how to see this schedule again."""
        first = "".join(self.golden[kills[0] - 1 : kills[0]])
        words = [*self._words, "--kills", ",".join(map(str, kills))]
        return f".venv/bin/python -m {' '.join(words)} ({first})"

    def run_killed_by_server(self, when: str) -> None:
        """Let the platform kill its client: ``before`` it takes the status, or ``after``."""
        campaign = self._begin()
        ready, go = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.read(ready, 1)
            self._live_and_exit(campaign, 0)
        self._world.order("kill", account=self._account, pid=pid, when=when)
        os.write(go, b"!")
        killed = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
        self.outcome.kills += killed
        os.close(ready)
        os.close(go)
        self._world.set_ahead(self._world.ahead + AWAY)
        if self._child(campaign):
            self.outcome.bad.append(f"killed {when}: the restart failed")
        self._judge(f"killed by the platform {when} it took the status")

    def _child(self, campaign: PreparedCampaign, die_at: int = 0) -> int:
        """Fork a child that lives; its exit code, negative for a signal."""
        (self._folder / "passed").unlink(missing_ok=True)
        self._lives += 1
        pid = os.fork()
        if pid == 0:
            self._live_and_exit(campaign, die_at)
        self._meanwhile()
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def _meanwhile(self) -> None:
        """Do something while a child lives."""

    def _live_and_exit(self, campaign: PreparedCampaign, die_at: int) -> None:
        code = 1
        try:
            signal.alarm(int(_LONGEST))
            write_down(self._folder / "passed", self._live(campaign, die_at))
            code = 0
        except Exception:  # noqa: BLE001 - told, and the exit code says so
            sys.excepthook(*sys.exc_info())
        finally:
            sys.stderr.flush()
            os._exit(code)

    def _live(self, campaign: PreparedCampaign, die_at: int) -> list[str]:
        """Live, in a child; tell the boundaries that were passed."""
        return self._watched(campaign, Boundaries(die_at))

    def _watched(self, campaign: PreparedCampaign, boundaries: Boundaries) -> list[str]:
        boundaries.watch()
        live(campaign, clock=self._clock(), publisher=self._change)
        boundaries.stop()
        return boundaries.passed

    def _clock(self) -> JumpClock:
        return JumpClock(self._world.ahead, self._world.set_ahead)

    def _judge(self, schedule: str) -> None:
        """Hold what the outbox says against what the platform took."""
        self.outcome.schedules += 1
        taken = self._world.taken()
        counts, ids = Counter(status.text for status in taken), {status.id for status in taken}
        rows = list(self._rows())
        wrong = [] if rows else ["nothing was planned"]
        for row in rows:
            wrong += self._judge_row(row, counts.pop(row["text"], 0), ids)
        wrong += [f"nobody planned {one!r}" for one in counts]
        if wrong:
            self.outcome.bad.append(f"{schedule}: {', '.join(wrong)}")

    def _judge_row(self, row: Mapping[str, str], count: int, ids: set[str]) -> list[str]:
        state = row["state"]
        if count > 1:
            self.outcome.duplicate += 1
            return [f"{count} times"]
        if state == "HELD":
            reason = str(HoldReason[row["reason"]])
            self.outcome.held[reason] = self.outcome.held.get(reason, 0) + 1
            return [f"held: {reason}"]
        if count == 1 and state == "SENT" and row["remote_id"] in ids:
            self.outcome.once += 1
            return []
        self.outcome.lost += 1
        return [f"{state}, seen {count} times"]

    def _rows(self) -> Iterator[dict[str, str]]:
        query = "SELECT status_json, state, reason, remote_id FROM delivery ORDER BY part"
        with self._engine.connect() as connection:
            for row in connection.execute(text(query)).mappings():
                yield {**row, "text": json.loads(row["status_json"])["text"]}


def _kind_of(boundary: str) -> str:
    if boundary.startswith("sql:") and boundary != "sql: before the commit":
        return "sql: a statement"
    return boundary.replace("sendall", "send").replace("recv_into", "recv")


def numbers(told: str) -> tuple[int, ...]:
    """Read the kills of one schedule: ``17,42``."""
    return tuple(int(one) for one in told.split(","))


def schedules_parser() -> argparse.ArgumentParser:
    """Return a parser of words that choose schedules."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--kills", type=numbers, default=(), help="of one schedule: 17,42")
    return parser


def print_outcome(outcome: CrashResult) -> int:
    """Print one line of JSON; the exit code, 1 where anything went wrong."""
    sys.stdout.write(json.dumps(asdict(outcome)) + "\n")
    return 1 if outcome.bad else 0
