"""A dashboard to look at: the real campaign, some of it approved, sent, held and in doubt."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher

from bot.app.content import watch_files
from bot.app.service import build, build_context
from bot.authority.users import Role
from bot.clock import FastClock
from bot.delivery.decide import Outcome, give_up
from bot.delivery.decisions import Desk
from bot.delivery.lifecycle import Event
from bot.delivery.model import Delivery, State
from bot.engine.service import Bot
from bot.operations.opening import open_store
from bot.planning.store import Store
from bot.platforms.status import Draft
from bot.settings import Settings
from bot.web.context import AppContext
from bot.web.server import dashboard
from tests.conftest import ROOT
from tests.fakes.engaged import Engaged
from tests.integration.store_rows import due

#: A Tuesday morning in New York.
START = datetime(2026, 12, 1, 15, 0, tzinfo=UTC)
#: When `Engaged`'s posts have most of their numbers.
ENGAGED_UNTIL = datetime(2027, 2, 1, 15, 0, tzinfo=UTC)
PASSWORD = "correct horse battery staple"
PEOPLE = {
    "vera": {Role.VIEWER},
    "edna": {Role.EDITOR},
    "anna": {Role.APPROVER},
    "ben": {Role.APPROVER, Role.OPERATOR},
    "olga": {Role.OPERATOR},
}
NOT_FOUND = "read the account's 40 newest posts twice, 11 minutes apart: not among them"
#: Cheap, for tests only.
WEAK = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)


@dataclass
class DeskStage:
    """A campaign in a folder, its store, and the services over it; nothing runs by itself."""

    folder: Path
    bot: Bot
    clock: FastClock
    context: AppContext
    origin: str = ""

    @property
    def store(self) -> Store:
        return self.bot.store

    def plan(self) -> None:
        """Take up the files and plan, as the service does, without simulated approvals."""
        self.bot.contents.refresh()
        self.bot.planner.apply(self.bot.contents.rendered, days=35)

    def planned(self, **which: Any) -> tuple[Delivery, ...]:
        return self.store.outbox.find(states={State.PLANNED}, **which)

    def approve(self, post: str, *people: str) -> None:
        for by in people:
            desk(self).approve(post, by=by)

    def live_until(self, until: datetime) -> None:
        """Let the service send and hold what comes due; unapproved posts are held."""
        self._work()
        while (wake := self.store.outbox.next_wake(self.clock.now())) and wake <= until:
            self.clock.advance(wake - self.clock.now())
            self._work()
        self.clock.advance(until - self.clock.now())

    def _work(self) -> None:
        for account in self.bot.busy(self.clock.now()):
            self.bot.work_account(account)

    def lose(self, row: Delivery, evidence: str = NOT_FOUND) -> None:
        """Leave a delivery as a network that never answered would."""
        now = self.clock.now()
        outbox = self.store.outbox
        outbox.move(row.id, Event.RELEASE, now=now, actor="publisher")
        claim = outbox.claim(row.account, now=now, owner="test", lease=timedelta(minutes=2))
        assert claim is not None
        outbox.begin(claim, Draft(row.id, {}), now=now)
        lost = Outcome(Event.OUTCOME_UNKNOWN, "no answer after the first byte", now)
        outbox.commit(claim, lost, now=now)
        outbox.commit_read(row.id, give_up(evidence), now=now)

    def rewrite(self, name: str, old: str, new: str) -> None:
        """Edit a file of the campaign."""
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")


def desk(stage: DeskStage) -> Desk:
    """Return the desk that decisions go through."""
    return Desk(stage.store, stage.clock, stage.bot.contents.campaign)


@contextmanager
def open_engaged(folder: Path) -> Iterator[DeskStage]:
    """Return a campaign that has been out for weeks, with its numbers and its people."""
    with open_stage(folder, start=ENGAGED_UNTIL, plans=False) as stage:
        add_people(stage)
        Engaged(stage.store).fill()
        yield stage


@contextmanager
def open_stage(folder: Path, *, start: datetime = START, plans: bool = True) -> Iterator[DeskStage]:
    """Build the campaign and its services over an empty store; nobody is a user yet."""
    shutil.copytree(ROOT / "posts", folder / "posts")
    shutil.copy(ROOT / "schedule.yaml", folder / "schedule.yaml")
    clock = FastClock(start)
    data = folder / "data"
    store = open_store(f"sqlite:///{data / 'rehearsal.db'}", create=True, now=clock.now)
    look, load = watch_files(folder / "schedule.yaml", folder / "posts", clock=clock, store=store)
    bot = build(
        store,
        clock=clock,
        known=Settings(),
        look=look,
        load=load,
        rehearsed=data / "network.db",
    )
    context = build_context(store, clock, bot.contents, bot.publisher.platform)
    context.access.hasher = WEAK
    stage = DeskStage(folder, bot, clock, context)
    try:
        bot.contents.start()
        if plans:
            stage.plan()
        yield stage
    finally:
        bot.close()


def add_people(stage: DeskStage) -> None:
    """Make one user of each kind."""
    for name, roles in PEOPLE.items():
        stage.context.access.add(name, frozenset(roles), PASSWORD, by="test")


@contextmanager
def serving(stage: DeskStage) -> Iterator[DeskStage]:
    """Serve the dashboard on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    known = Settings(web=f"127.0.0.1:{port}")
    with dashboard(stage.context, known) as address:
        assert address is not None
        stage.origin = f"http://127.0.0.1:{port}"
        yield stage


def play(stage: DeskStage) -> None:
    """Let a week go by, with all that can happen in it; pages then have something to show."""
    coming = stage.planned(until=stage.clock.now() + timedelta(days=14))
    posts = list(dict.fromkeys(row.post_id for row in coming))
    for number, post in enumerate(posts):
        if number % 4 != 2:
            stage.approve(post, "anna", "ben")
    stage.live_until(START + timedelta(days=6))
    doubtful = next(row for row in stage.planned() if row.platform == "x")
    stage.approve(doubtful.post_id, *_lacking(stage, doubtful))
    stage.clock.advance(due(doubtful) - stage.clock.now())
    stage.lose(doubtful)
    stage.live_until(stage.clock.now() + timedelta(hours=1))


def _lacking(stage: DeskStage, row: Delivery) -> set[str]:
    return {"anna", "ben"} - {one.by for one in stage.store.approvals.of(row.fingerprint)}
