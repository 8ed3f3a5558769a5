"""All pairs of kills: every boundary of a life, and every boundary of the recovery that follows.

First kills that leave the same state behind have the same recovery, so one of them stands for all.
Within a recovery, boundaries between which nothing changed outside the process leave the same
state too; the first of them is really killed at. And what second kills leave is brought to rest
once for all that left the same.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.faults.boundaries import Boundaries
from tests.faults.enumeration import Change, Enumeration
from tests.faults.ledgers import Memory, Networks
from tests.faults.life import Stage, write_down
from tests.faults.states import Canon, alike, looker

_LOG = "live.sent.log"


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
        self._looks = False
        super().__init__(platform, folder, world, long=long, change=change, words=words)
        self._states: dict[str, Left] = {}
        self._stand_for: Counter[str] = Counter()
        self._rested: set[str] = set()
        names = ("states", "pairs", "pairs killed", "states after two", "alike but told apart")
        self.outcome.also = dict.fromkeys(names, 0.0)

    def run_all(self) -> None:
        """Kill first at every boundary, then within the recovery from each state that was left."""
        left: list[str] = []
        for number in range(1, self.outcome.points + 1):
            stage = self._begin()
            self._die(stage, number, (number,))
            left.append(self._keep(stage, number))
        self.outcome.also["states"] = len(self._states)
        self._prove_alike(left)
        for told, kept in self._states.items():
            self._kill_again(kept, self._stand_for[told])

    def _prove_alike(self, told: Sequence[str]) -> None:
        """Count first kills that left something else than the one that would stand for them."""
        stage = self._begin()
        self._looks = True
        self._child(stage)
        self._looks = False
        passed, seen = self._recorded()
        first, known = 0, set(alike(passed, seen))
        for number, one in enumerate(told):
            first = number if number + 1 in known else first
            self.outcome.also["alike but told apart"] += one != told[first]

    def _keep(self, stage: Stage, number: int) -> str:
        memory, now = self._networks.remember(), self._now()
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
        also = self.outcome.also
        self._looks = True
        self._end(self._go_on(left), (left.kill,))
        self._looks = False
        passed, seen = self._recorded()
        also["pairs"] += stands_for * len(passed)
        for number in alike(passed, seen):
            kills = (left.kill, number)
            stage = self._go_on(left)
            self._die(stage, number, kills)
            also["pairs killed"] += 1
            told = self._told(stage, self._networks.remember(), self._now())
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
        self._world.set_ahead(left.now - datetime.now(UTC))
        return left.stage

    def _now(self) -> datetime:
        return datetime.now(UTC) + self._world.ahead

    def _told(self, stage: Stage, memory: Memory, now: datetime) -> str:
        campaign = stage.loaded.campaign
        assert campaign is not None
        (due,) = (one.at for one in campaign.posts)
        assert due is not None
        return Canon(due - self.due_in, memory).told(stage.data, now)

    def _recorded(self) -> tuple[list[str], list[str]]:
        told = json.loads((self._folder / "seen").read_text(encoding="utf-8"))
        return told["passed"], told["seen"]

    def _live(self, stage: Stage, die_at: int) -> list[str]:
        if not self._looks:
            return super()._live(stage, die_at)
        boundaries = Boundaries(die_at, looker(stage.data))
        passed = self._watched(stage, boundaries)
        write_down(self._folder / "seen", {"passed": passed, "seen": boundaries.seen})
        return passed
