"""Processes of the customer's command, killed at random, on networks that fail at random."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.delivery.model import Delivery, State
from bot.operations.opening import open_store
from bot.planning.store import Store
from bot.platforms.registry import PLATFORMS
from bot.settings.environment import Settings
from tests.fakes.campaign_tree import CampaignTree
from tests.fakes.running_bot import AT_REST, RunningBot
from tests.faults.ledgers import ROOT, Networks
from tests.faults.prepared import SCHEDULE, SECRETS, JumpClock, accounts_at
from tests.faults.reporting import judged_by_ledger
from tests.waiting import PATIENCE, in_time, wait_until

#: Waits for no longer than a storm may take; on a busy machine a call ends in silence by them.
HASTY = {
    "SETTLE_FIRST": "4", "SETTLE_APART": "1", "SETTLE_LAST": "6", "LEASE": "8",
    "CONNECT_TIMEOUT": "1", "READ_TIMEOUT": "2", "RELOAD": "60", "STOP_GRACE": "10",
    # More are due within minutes than a machine lets out in a day by itself.
    "MAX_POSTS_PER_DAY": "1000",
}  # fmt: skip
#: Waits that nothing but a fault reaches.
PATIENT = {
    **HASTY, "LEASE": "180", "CONNECT_TIMEOUT": "25", "READ_TIMEOUT": "60", "STOP_GRACE": "100",
}  # fmt: skip
#: Seconds after which a process that was started stands by, also on a busy machine.
_COMES_UP = 6.0


@dataclass(frozen=True, slots=True)
class StormPlan:
    """How long, how much, how rough."""

    posts: int
    #: Seconds over which they are due, and from now until the first is.
    over: float
    #: At least; more where planning and approving takes longer.
    lead: float = 12.0
    replicas: int = 2
    #: Share of requests that meet a fault.
    share: float = 1 / 3
    #: Seconds that a process lives at least and at most; None where none is killed.
    lives: tuple[float, float] | None = (8.0, 20.0)
    seed: int = 1
    settings: Mapping[str, str] = field(default_factory=lambda: HASTY)


@dataclass(slots=True)
class ReplicaProcess:
    """One process, and the data directory that its successors go on with."""

    data: Path
    process: subprocess.Popen[bytes] | None = None
    dies_at: float = 0.0
    #: When it was started last; far ahead while it is down.
    started_at: float = 0.0


@dataclass(slots=True)
class StormTimes:
    """What the storm saw besides the ledger."""

    kills: int = 0
    #: Seconds from a kill until nothing was SENDING in the name of the dead.
    recoveries: list[float] = field(default_factory=list)
    #: Seconds from a kill of the active process until another had the lock.
    take_overs: list[float] = field(default_factory=list)


class Storm:
    """One campaign of many posts on three platforms, over one database."""

    def __init__(self, folder: Path, world: Networks, plan: StormPlan, *, url: str = "") -> None:
        self.folder, self.world, self.plan = folder, world, plan
        self.is_sqlite = not url
        self.url = url or f"sqlite:///{folder / 'data' / 'live.db'}"
        self.dice = random.Random(plan.seed)  # noqa: S311 - a storm that can be repeated
        self.measured = StormTimes()
        self.replicas = [
            ReplicaProcess(folder / ("data" if self.is_sqlite else f"data-{number}"))
            for number in range(plan.replicas)
        ]
        self._dead: list[tuple[str, float]] = []
        #: The dead that had a delivery in the air.
        self._left_something: set[str] = set()
        self._waiting_for_lock: tuple[int, float] | None = None
        #: How many deliveries were not at rest, and since when.
        self._moving = (-1, 0.0)
        #: Why what is not out is not.
        self.evidence: list[str] = []
        self.tree = CampaignTree(self.folder / "campaign")
        self.tree.put("schedule.yaml", SCHEDULE.format(accounts=accounts_at(self.world.origins)))
        self.first = in_time(self._prepare, lead=self.plan.lead)

    def _prepare(self, first: datetime) -> datetime:
        """Write posts of which the first is due then, plan them, and let people approve."""
        self.first = first
        self.tree.put(
            "posts/main.yaml", "posts:\n" + "".join(map(self._post, range(self.plan.posts)))
        )
        bot = RunningBot(
            self.folder, self.url, data=self.replicas[0].data, tree=self.tree, clock=JumpClock(),
            # By the name that the processes give this machine; else it looks like a copy.
            platforms=PLATFORMS, machine=Settings().machine_id(),
        )  # fmt: skip
        bot.services.contents.start()
        bot.services.plan()
        bot.approve_all()
        bot.stop()
        return first

    def _post(self, number: int) -> str:
        at = self.first + timedelta(seconds=int(number * self.plan.over / self.plan.posts))
        words = f"Post {number} of {self.plan.posts} in storm {self.plan.seed}."
        if number % 10 == 9:
            words += "".join(f" Sentence {one} of post {number} goes on." for one in range(20))
        return (
            f'  - {{id: p{number}, text: "{words}", thread: {str(number % 10 == 9).lower()},'
            f" at: {at:%Y-%m-%d %H:%M:%S}+00:00, author: Ed}}\n"
        )

    def run(self) -> dict[str, Any]:
        """Start, approve, storm, calm down, judge."""
        self.clear()
        try:
            return self._run()
        finally:
            self.close()

    def clear(self) -> None:
        """Let the networks forget what came before, and have the machine's time."""
        self.world.forget()
        self.world.set_ahead(timedelta(0))

    def close(self) -> None:
        """Leave no process behind, also none that stands still."""
        for replica in self.replicas:
            if replica.process is not None:
                replica.process.kill()
                replica.process.wait()

    def _run(self) -> dict[str, Any]:
        for replica in self.replicas:
            self._start(replica)
        store = self._store()
        try:
            self.world.order("storm", share=self.plan.share, seed=self.plan.seed)
            end = max(self.first, datetime.now(UTC)) + timedelta(seconds=self.plan.over)
            self._while(store, lambda: datetime.now(UTC) < end, kills=self.plan.lives is not None)
            self.world.order("calm")
            told = self.world.order("told")
            began = time.monotonic()
            self._while(store, lambda: self._comes_to_rest(store), kills=False)
            return self._judge(store.outbox.find(), told, time.monotonic() - began)
        finally:
            store.close()

    def _start(self, one: ReplicaProcess) -> None:
        one.data.mkdir(mode=0o700, exist_ok=True)
        environment = {
            **{name: value for name, value in os.environ.items() if name in {"PATH", "HOME"}},
            **SECRETS,
            **{f"VERBATIM_{name}": value for name, value in self.plan.settings.items()},
            **({} if self.is_sqlite else {"VERBATIM_DATABASE_URL": self.url}),
            "PYTHONUNBUFFERED": "1",
            **self.surroundings(one),
        }
        paths = ("--config", str(self.tree.schedule), "--posts", str(self.tree.posts))
        one.started_at = time.monotonic()
        with (self.folder / f"{one.data.name}.log").open("ab") as log:
            one.process = subprocess.Popen(
                [sys.executable, str(ROOT / "run_bot.py"), "run", *paths, "--data", str(one.data)],
                env=environment, cwd=self.folder, stdout=log, stderr=log,
            )  # fmt: skip
        if self.plan.lives is not None:
            one.dies_at = time.monotonic() + self.dice.uniform(*self.plan.lives)

    def surroundings(self, _one: ReplicaProcess) -> dict[str, str]:
        """Return what else stands in the environment of a process."""
        return {}

    def _store(self) -> Store:
        """Open the database as a person's command does."""
        data, machine = self.replicas[0].data, Settings().machine_id()
        return open_store(self.url, create=False, data=data, machine=machine)

    def _while(self, store: Store, goes_on: Callable[[], bool], *, kills: bool) -> None:
        while goes_on():
            for replica in self.replicas:
                self._look_after(replica, kills=kills)
            self._measure(store)
            time.sleep(0.05)

    def _look_after(self, one: ReplicaProcess, *, kills: bool) -> None:
        assert one.process is not None
        if one.process.poll() is not None:
            self._start(one)
        elif kills and time.monotonic() > one.dies_at:
            pid = one.process.pid
            is_active = self._active() == pid
            os.kill(pid, signal.SIGKILL)
            one.process.wait()
            self.measured.kills += 1
            self._dead.append((f"/{pid}", time.monotonic()))
            # Where the standby dies too, or has not come up yet, it is a start that is waited for.
            stands_by = is_active and self._waiting_for_lock is None and self._stands_by(one)
            self._waiting_for_lock = (pid, time.monotonic()) if stands_by else None
            # As a supervisor does; the other one is active meanwhile.
            one.dies_at = one.started_at = time.monotonic() + 3600
            one.process = subprocess.Popen(["sleep", str(self.dice.uniform(0.2, 1.5))])

    def _stands_by(self, active: ReplicaProcess) -> bool:
        now = time.monotonic()
        return any(
            replica is not active and now > replica.started_at + _COMES_UP
            for replica in self.replicas
        )

    def _active(self) -> int:
        """Return which process holds the lock of an embedded database; 0 where nobody does."""
        path = self.replicas[0].data / "live.sent.lock"
        told = path.read_text().strip() if self.is_sqlite and path.exists() else ""
        return int(told) if told.isdigit() else 0

    def _measure(self, store: Store) -> None:
        if self._waiting_for_lock and self._active() not in {0, self._waiting_for_lock[0]}:
            self.measured.take_overs.append(time.monotonic() - self._waiting_for_lock[1])
            self._waiting_for_lock = None
        if not self._dead:
            return
        sending = {row.owner for row in store.outbox.find(states={State.SENDING})}
        for name, since in [*self._dead]:
            if any(owner.endswith(name) for owner in sending):
                self._left_something.add(name)
                continue
            self._dead.remove((name, since))
            if name in self._left_something:
                self.measured.recoveries.append(time.monotonic() - since)

    def _comes_to_rest(self, store: Store) -> bool:
        """Return whether there is more to wait for: not for what has stood still for long."""
        moving = sum(row.state not in AT_REST for row in store.outbox.find())
        if moving != self._moving[0]:
            self._moving = moving, time.monotonic()
        return moving > 0 and time.monotonic() - self._moving[1] < PATIENCE

    def _judge(self, rows: Sequence[Delivery], told: Any, calmed: float) -> dict[str, Any]:
        rows = [row for row in rows if row.state is not State.CANCELLED]
        self.evidence = [
            f"{one.account} {one.id}: {one.reason_text}; {one.evidence}"
            for one in rows
            if one.state is not State.SENT
        ]
        late = sorted(self._lateness(rows))
        also = {
            "kills": self.measured.kills,
            "p50 lateness": round(late[len(late) // 2], 2),
            "settled after calm": round(calmed, 1),
        }
        if self.plan.share == 0 and self.plan.lives is None:
            also["p99 lateness"] = round(late[int(len(late) * 0.99)], 2)
        for name, values in (
            ("recovery", self.measured.recoveries), ("take-over", self.measured.take_overs),
        ):  # fmt: skip
            if values:
                also[name] = round(max(values), 2)
        return {
            **judged_by_ledger(rows, self.world.taken()), "injected": sum(told["thrown"].values()),
            "lateness": round(late[-1], 1), "also": also,
        }  # fmt: skip

    def _lateness(self, rows: Sequence[Delivery]) -> list[float]:
        due = {row.remote_id: row.due_at for row in rows if row.due_at}
        found = [status for status in self.world.taken() if status.id in due]
        return [(one.at - due[one.id]).total_seconds() for one in found] or [0.0]

    def log(self) -> str:
        """Return the end of what the processes said."""
        files = sorted(self.folder.glob("data*.log"))
        return "\n".join(json.dumps(path.read_text()[-2000:]) for path in files)


class Calm(Storm):
    """The same processes without a storm; each test does one thing to them."""

    was_active = 0

    def begin(self) -> None:
        self.clear()
        for replica in self.replicas:
            self._start(replica)
        self.store = self._store()

    def until(self, is_so: Callable[[], bool]) -> float:
        """Wait until something is so; how long that took."""
        began = time.monotonic()
        wait_until(is_so, getattr(is_so, "__name__", ""), log=self.log, every=0.05)
        return time.monotonic() - began

    def logged(self) -> str:
        return "".join(path.read_text() for path in self.folder.glob("data*.log"))

    def has_standby(self) -> bool:
        return "standing by" in self.logged()

    def is_stopping(self) -> bool:
        return '"stopping"' in self.logged()

    def is_sending_x(self) -> bool:
        rows = self.store.outbox.find(states={State.SENDING}, account="x")
        attempts = [attempt for row in rows for attempt in self.store.outbox.attempts_of(row.id)]
        return any(attempt.phase == "calling" for attempt in attempts)

    def is_due(self) -> bool:
        return datetime.now(UTC) >= self.first

    def is_done(self) -> bool:
        return all(row.state in AT_REST for row in self.store.outbox.find())

    def active_process(self) -> subprocess.Popen[bytes]:
        self.was_active = self._active()
        processes = [replica.process for replica in self.replicas if replica.process]
        return next(process for process in processes if process.pid == self.was_active)

    def has_another(self) -> bool:
        return self._active() not in {0, self.was_active}

    def end(self) -> dict[str, Any]:
        """Wait until all is at rest, and judge."""
        self.until(self.is_done)
        counted = self._judge(self.store.outbox.find(), self.world.order("told"), 0.0)
        return {name: counted[name] for name in counted if name not in {"also", "injected"}}

    def close(self) -> None:
        super().close()
        if hasattr(self, "store"):
            self.store.close()
