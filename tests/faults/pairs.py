"""All pairs of kills: every boundary of a life, and every boundary of the recovery that follows.

First kills that leave the same state behind have the same recovery, so one of them stands for all.
Within a recovery, boundaries between which nothing changed outside leave the same (see `Halts`).
A state that two kills leave is brought to rest once, after kills that were really done; where a
look at a living recovery shows a state that is known by then, it is not killed there once more.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.faults.boundaries import Boundaries
from tests.faults.enumeration import AWAY, Change, Enumeration
from tests.faults.halts import Halts
from tests.faults.ledgers import Memory, Networks
from tests.faults.life import JumpClock, Stage, TickingClock
from tests.faults.states import Canon

_LOG = "live.sent.log"
#: Pairs that are run as a whole at the end, to hold the others against.
_PROOFS = 60


@dataclass(frozen=True, slots=True)
class Left:
    """All that a first kill left behind, to go on from as often as one likes."""

    kill: int
    stage: Stage
    files: Mapping[str, bytes]
    #: Another name of its sent log, which is known by its inode; None where there is none yet.
    log: Path | None
    memory: Memory
    #: By the life's own clock, when it is started again.
    now: datetime


class AllPairs(Enumeration):
    """One platform and one post, and every pair of kills."""

    def __init__(
        self, platform: str, folder: Path, world: Networks, *, long: bool, change: Change | None,
        words: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self._networks = world
        self._halts: Halts | None = None
        #: Where the last life that was looked at halted, and what was told there.
        self._halted: list[tuple[int, str]] = []
        #: The lives' own time: equal schedules are equal to the second, under any load.
        self._time = datetime.now(UTC)
        #: What the machine's was behind it when the last life began.
        self._ahead = timedelta(0)
        super().__init__(platform, folder, world, long=long, change=change, words=words)
        self._states: dict[str, Left] = {}
        self._stand_for: Counter[str] = Counter()
        self._rested: set[str] = set()
        names = ("states", "pairs", "pairs killed", "states after two", "told apart")
        self.outcome.also = dict.fromkeys(names, 0.0)

    def _begin(self) -> Stage:
        stage = super()._begin()
        self._time = _due(stage) - self.due_in
        return stage

    def _clock(self) -> JumpClock:
        return TickingClock(self._time, self._world.ahead, self._world.set_ahead)

    def _child(self, stage: Stage, die_at: int = 0) -> int:
        # The servers' clocks run on, as the machine's does; so they are set for every life.
        self._ahead = self._time - datetime.now(UTC)
        self._world.set_ahead(self._ahead)
        code = super()._child(stage, die_at)
        self._time += self._world.ahead - self._ahead
        return code

    def _die(self, stage: Stage, number: int, kills: tuple[int, ...]) -> None:
        super()._die(stage, number, kills)
        self._time += AWAY

    def run_all(self, every: int = 1) -> None:
        """Kill first at every boundary, then within the recovery from each state that was left."""
        left: dict[int, str] = {}
        for (number,) in self.singles(every):
            stage = self._begin()
            self._die(stage, number, (number,))
            left[number] = self._keep(stage, number)
        self.outcome.also["states"] = len(self._states)
        self._prove_halts(left)
        for told, kept in self._states.items():
            self._kill_again(kept, self._stand_for[told])
        if every == 1:
            self._prove_pairs()

    def _prove_halts(self, left: Mapping[int, str]) -> None:
        """Count first kills that left something else than a look at the living would say."""
        stage = self._begin()
        with self._halting(stage):
            self._child(stage)
        told = dict(self._halted)
        for number, one in left.items():
            looked = told[max(halt for halt in told if halt <= number)]
            if looked not in {"", one}:
                self._tell_apart((number,), {looked}, one)

    def _prove_pairs(self) -> None:
        """Count real pairs that left something which none that stands for others has left."""
        dice = random.Random(self.outcome.points)  # noqa: S311 - pairs that can be run again
        for _ in range(_PROOFS):
            first, second = dice.choices(range(1, self.outcome.points + 1), k=2)
            stage = self._begin()
            self._die(stage, first, (first, second))
            self._networks.remember()  # as it was when the first kills were compared: quiet
            before = self.outcome.kills
            self._die(stage, second, (first, second))
            told = self._told(stage, self._networks.remember(), self._time)
            if self.outcome.kills > before and told not in self._rested:
                self._tell_apart((first, second), self._rested, told)
            self._end(stage, (first, second))

    def _tell_apart(self, kills: tuple[int, ...], known: Collection[str], told: str) -> None:
        """Complain that kills left what they should not have; say what is nearest to it."""
        self.outcome.also["told apart"] += 1
        lines = told.splitlines()
        nearest = min(known, key=lambda one: len(set(lines) ^ set(one.splitlines())))
        differs = [one for one in lines if one not in nearest.splitlines()]
        self.outcome.bad.append(f"{self._described(kills)}: left something else: {differs}")

    def _keep(self, stage: Stage, number: int) -> str:
        memory, now = self._networks.remember(), self._time
        told = self._told(stage, memory, now)
        self._stand_for[told] += 1
        if told in self._states:
            return told
        log, kept = stage.data / _LOG, None
        if log.exists():
            kept = self._folder / f"log-{number}"
            kept.hardlink_to(log)
        files = {one.name: one.read_bytes() for one in stage.data.iterdir()}
        self._states[told] = Left(number, stage, files, kept, memory, now)
        return told

    def _kill_again(self, left: Left, stands_for: int) -> None:
        """Live through the recovery once, then kill it wherever that leaves something new."""
        stage = self._go_on(left)
        with self._halting(stage):
            self._end(stage, (left.kill,))
        self.outcome.also["pairs"] += stands_for * len(self._recorded())
        for number, told in self._halted:
            if told not in self._rested:
                self._kill_at(left, number, told)

    def _kill_at(self, left: Left, number: int, looked: str) -> None:
        also, kills = self.outcome.also, (left.kill, number)
        stage = self._go_on(left)
        self._die(stage, number, kills)
        also["pairs killed"] += 1
        told = self._told(stage, self._networks.remember(), self._time)
        if looked not in {"", told}:
            self._tell_apart(kills, {looked}, told)
        if told not in self._rested:
            self._rested.add(told)
            also["states after two"] += 1
            self._end(stage, kills)

    def _go_on(self, left: Left) -> Stage:
        """Bring all back as it was left, with the life's own time."""
        for one in left.stage.data.iterdir():
            one.unlink()
        if left.log:
            (left.stage.data / _LOG).hardlink_to(left.log)
        for name, content in left.files.items():
            (left.stage.data / name).write_bytes(content)
        self._networks.recall(left.memory)
        self._time = left.now
        return left.stage

    def _told(self, stage: Stage, memory: Memory, now: datetime) -> str:
        return Canon(_due(stage) - self.due_in, memory).told(stage.data, now)

    @contextmanager
    def _halting(self, stage: Stage) -> Iterator[None]:
        """Let the next life halt, and look at it wherever it does."""
        self._halts, self._halted = Halts(stage.data, lambda: self._world.ahead), []
        self._looking_at = stage
        yield
        self._halts = None

    def _meanwhile(self) -> None:
        if self._halts:
            self._halted = self._halts.attend(self._looked)

    def _looked(self) -> str:
        """Return what a kill at this moment would leave to a restart."""
        now = self._time + (self._world.ahead - self._ahead) + AWAY
        return self._told(self._looking_at, self._networks.peek(), now)

    def _live(self, stage: Stage, die_at: int) -> list[str]:
        return self._watched(stage, Boundaries(die_at, self._halts.look if self._halts else None))

    def _recorded(self) -> list[str]:
        passed: list[str] = json.loads((self._folder / "passed").read_text(encoding="utf-8"))
        return passed


def _due(stage: Stage) -> datetime:
    campaign = stage.loaded.campaign
    assert campaign is not None
    (due,) = (one.at for one in campaign.posts)
    assert due is not None
    return due
