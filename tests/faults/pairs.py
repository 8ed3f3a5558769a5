"""All pairs of kills: every boundary of a life, and every boundary of the recovery that follows.

First kills that leave the same state behind have the same recovery, so one of them stands for all.
Within a recovery, boundaries between which nothing changed outside leave the same (see `Halts`).
A state that two kills leave is brought to rest once, after kills that were really done; where a
look at a living recovery shows a state that is known by then, it is not killed there once more.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.faults.boundaries import Boundaries
from tests.faults.enumeration import AWAY, Change, Enumeration
from tests.faults.ledgers import Memory, Networks
from tests.faults.prepared import JumpClock, PreparedCampaign, TickingClock
from tests.faults.states import Canon

_LOG = "live.sent.log"
#: Pairs that are run as a whole at the end, to hold the others against.
_PROOFS = 60


_MOST = 1 << 26


class Halts:
    """Two pipes between a parent and the child that it is about to fork.

    Between two halts nothing changes outside the process, so a kill at one boundary leaves the
    same as a kill at any other up to the next halt. At sockets, and in the middle of a write, what
    a kill leaves shows only when it is done: every such boundary stands alone, with no look at it.
    """

    def __init__(self, folder: Path, clock: Callable[[], object]) -> None:
        self._folder = folder
        #: Tells something that changes when the life's clock jumps, which is outside too.
        self._clock = clock
        self._heard, self._said = os.pipe()
        self._waits, self._lets_go_on = os.pipe()
        self._last: bytes | None = None
        self._number = 0
        #: Opened once, never closed: that would take SQLite's own locks away.
        self._database = -1

    def look(self, what: str) -> None:
        """In the child: halt at this boundary, if it is the first of its kind."""
        self._number += 1
        if what.startswith("socket:") or "in the middle" in what:
            self._last = None
            self._meet(b"alone")
            return
        seen = self._digest()
        if seen != self._last:
            self._last = seen
            self._meet(b"first")

    def _meet(self, how: bytes) -> None:
        # Not `os.write`, which is a boundary.
        os.writev(self._said, [b"%s %d\n" % (how, self._number)])
        os.read(self._waits, 1)

    def _digest(self) -> bytes:
        if self._database < 0:
            self._database = os.open(self._folder / "live.db", os.O_RDONLY)
        digest = hashlib.blake2b(str(self._clock()).encode())
        digest.update(os.pread(self._database, _MOST, 0))
        for name in sorted(os.listdir(self._folder)):  # noqa: PTH208 - quicker, at every boundary
            digest.update(name.encode())
            if name != "live.db":
                digest.update((self._folder / name).read_bytes())
        return digest.digest()

    def attend(self, state: Callable[[], str]) -> list[tuple[int, str]]:
        """In the parent: list where it halted, and what was there; empty if it is alone."""
        os.close(self._said)
        found = []
        with os.fdopen(self._heard, encoding="ascii") as lines:
            for line in lines:
                how, _, number = line.partition(" ")
                found.append((int(number), state() if how == "first" else ""))
                os.write(self._lets_go_on, b"!")
        os.close(self._waits)
        os.close(self._lets_go_on)
        return found


@dataclass(frozen=True, slots=True)
class Left:
    """All that a first kill left behind, to go on from as often as one likes."""

    kill: int
    campaign: PreparedCampaign
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
        #: Where the last life that was looked at halted, and what was there.
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

    def _begin(self) -> PreparedCampaign:
        campaign = super()._begin()
        self._time = campaign.due - self.due_in
        return campaign

    def _clock(self) -> JumpClock:
        return TickingClock(self._time, self._world.ahead, self._world.set_ahead)

    def _child(self, campaign: PreparedCampaign, die_at: int = 0) -> int:
        # The servers' clocks run on, as the machine's does; so they are set for every life.
        self._ahead = self._time - datetime.now(UTC)
        self._world.set_ahead(self._ahead)
        code = super()._child(campaign, die_at)
        self._time += self._world.ahead - self._ahead
        return code

    def _die(self, campaign: PreparedCampaign, number: int, kills: tuple[int, ...]) -> None:
        super()._die(campaign, number, kills)
        self._time += AWAY

    def run_all(self, every: int = 1) -> None:
        """Kill first at every boundary, then within the recovery from each state that was left."""
        left: dict[int, str] = {}
        for (number,) in self.singles(every):
            campaign = self._begin()
            self._die(campaign, number, (number,))
            left[number] = self._keep(campaign, number)
        self.outcome.also["states"] = len(self._states)
        self._prove_halts(left)
        for state, kept in self._states.items():
            self._kill_again(kept, self._stand_for[state])
        if every == 1:
            self._prove_pairs()

    def _prove_halts(self, left: Mapping[int, str]) -> None:
        """Count first kills that left something else than a look at the living would say."""
        campaign = self._begin()
        with self._halting(campaign):
            self._child(campaign)
        state = dict(self._halted)
        for number, one in left.items():
            looked = state[max(halt for halt in state if halt <= number)]
            if looked not in {"", one}:
                self._tell_apart((number,), {looked}, one)

    def _prove_pairs(self) -> None:
        """Count real pairs that left something which none that stands for others has left."""
        dice = random.Random(self.outcome.points)  # noqa: S311 - pairs that can be run again
        for _ in range(_PROOFS):
            first, second = dice.choices(range(1, self.outcome.points + 1), k=2)
            campaign = self._begin()
            self._die(campaign, first, (first, second))
            self._networks.remember()  # as it was when the first kills were compared: quiet
            before = self.outcome.kills
            self._die(campaign, second, (first, second))
            state = self._state_text(campaign, self._networks.remember(), self._time)
            if self.outcome.kills > before and state not in self._rested:
                self._tell_apart((first, second), self._rested, state)
            self._end(campaign, (first, second))

    def _tell_apart(self, kills: tuple[int, ...], known: Collection[str], state: str) -> None:
        """Complain that kills left what they should not have; say what is nearest to it."""
        self.outcome.also["told apart"] += 1
        lines = state.splitlines()
        nearest = min(known, key=lambda one: len(set(lines) ^ set(one.splitlines())))
        differs = [line for line in lines if line not in nearest.splitlines()]
        self.outcome.bad.append(f"{self._described(kills)}: left something else: {differs}")

    def _keep(self, campaign: PreparedCampaign, number: int) -> str:
        memory, now = self._networks.remember(), self._time
        state = self._state_text(campaign, memory, now)
        self._stand_for[state] += 1
        if state in self._states:
            return state
        log, kept = campaign.data / _LOG, None
        if log.exists():
            kept = self._folder / f"log-{number}"
            kept.hardlink_to(log)
        files = {path.name: path.read_bytes() for path in campaign.data.iterdir()}
        self._states[state] = Left(number, campaign, files, kept, memory, now)
        return state

    def _kill_again(self, left: Left, stands_for: int) -> None:
        """Live through the recovery once, then kill it wherever that leaves something new."""
        campaign = self._go_on(left)
        with self._halting(campaign):
            self._end(campaign, (left.kill,))
        self.outcome.also["pairs"] += stands_for * len(self._recorded())
        for number, state in self._halted:
            if state not in self._rested:
                self._kill_at(left, number, state)

    def _kill_at(self, left: Left, number: int, looked: str) -> None:
        also, kills = self.outcome.also, (left.kill, number)
        campaign = self._go_on(left)
        self._die(campaign, number, kills)
        also["pairs killed"] += 1
        state = self._state_text(campaign, self._networks.remember(), self._time)
        if looked not in {"", state}:
            self._tell_apart(kills, {looked}, state)
        if state not in self._rested:
            self._rested.add(state)
            also["states after two"] += 1
            self._end(campaign, kills)

    def _go_on(self, left: Left) -> PreparedCampaign:
        """Bring all back as it was left, with the life's own time."""
        for path in left.campaign.data.iterdir():
            path.unlink()
        if left.log:
            (left.campaign.data / _LOG).hardlink_to(left.log)
        for name, content in left.files.items():
            (left.campaign.data / name).write_bytes(content)
        self._networks.recall(left.memory)
        self._time = left.now
        return left.campaign

    def _state_text(self, campaign: PreparedCampaign, memory: Memory, now: datetime) -> str:
        return Canon(campaign.due - self.due_in, memory).state_text(campaign.data, now)

    @contextmanager
    def _halting(self, campaign: PreparedCampaign) -> Iterator[None]:
        """Let the next life halt, and look at it wherever it does."""
        self._halts, self._halted = Halts(campaign.data, lambda: self._world.ahead), []
        self._looking_at = campaign
        yield
        self._halts = None

    def _meanwhile(self) -> None:
        if self._halts:
            self._halted = self._halts.attend(self._looked)

    def _looked(self) -> str:
        """Return what a kill at this moment would leave to a restart."""
        now = self._time + (self._world.ahead - self._ahead) + AWAY
        return self._state_text(self._looking_at, self._networks.peek(), now)

    def _live(self, campaign: PreparedCampaign, die_at: int) -> list[str]:
        return self._watched(
            campaign, Boundaries(die_at, self._halts.look if self._halts else None)
        )

    def _recorded(self) -> list[str]:
        passed: list[str] = json.loads((self._folder / "passed").read_text(encoding="utf-8"))
        return passed
