"""The campaign of this project at work, for the dashboard to show: with people, sent and held."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher

from bot.authority.users import Role
from bot.checks.checking import CheckedContent
from bot.clock import FastClock
from bot.delivery.decide import Outcome, give_up
from bot.delivery.lifecycle import Event
from bot.delivery.model import Delivery, State
from bot.engine.content import Load, TreeHash
from bot.planning.store import Store
from bot.platforms.registry import PLATFORMS
from bot.platforms.status import Draft
from bot.settings.environment import Settings
from bot.web.server import dashboard
from tests.fakes.browser import PASSWORD
from tests.fakes.campaign_tree import CampaignTree
from tests.fakes.engaged import Engaged
from tests.fakes.running_bot import RunningBot
from tests.integration.store_rows import due
from tests.servers import free_port

#: A Tuesday morning in New York.
START = datetime(2026, 12, 1, 15, 0, tzinfo=UTC)
#: When `Engaged`'s posts have most of their numbers.
ENGAGED_UNTIL = datetime(2027, 2, 1, 15, 0, tzinfo=UTC)
PEOPLE = {
    "vera": {Role.VIEWER},
    "edna": {Role.EDITOR},
    "anna": {Role.APPROVER},
    "ben": {Role.APPROVER, Role.OPERATOR},
    "olga": {Role.OPERATOR},
}
APPROVERS = ("anna", "ben")
NOT_FOUND = "read the account's 40 newest posts twice, 11 minutes apart: not among them"
#: Cheap, for tests only.
WEAK = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)


#: What this project's files are at a start of a bot that knows nothing yet; proving them takes
#: longer than most tests.
_PROVED: dict[tuple[str, datetime], CheckedContent] = {}


class ShippedBot(RunningBot):
    """Proves files that no test has changed only once."""

    def read_files(self, store: Store) -> tuple[TreeHash, Load]:
        look, load = super().read_files(store)

        def load_once() -> CheckedContent:
            if store.outbox.find() or store.accounts.all():
                return load()
            files = look(), self.clock.now()
            if files not in _PROVED:
                _PROVED[files] = load()
            return _PROVED[files]

        return look, load_once


@contextmanager
def open_engaged(folder: Path) -> Iterator[RunningBot]:
    """Return a campaign that has been out for weeks, with its numbers and its people."""
    with open_shipped(folder, start=ENGAGED_UNTIL, plans=False) as bot:
        add_people(bot)
        Engaged(bot.store).fill()
        yield bot


@contextmanager
def open_shipped(
    folder: Path,
    *,
    start: datetime = START,
    plans: bool = True,
    settings: Settings | None = None,
) -> Iterator[RunningBot]:
    """Return the bot over an empty store; nobody is a user yet, and nothing runs by itself."""
    bot = ShippedBot(
        folder,
        f"sqlite:///{folder / 'data' / 'rehearsal.db'}",
        tree=CampaignTree(folder, shipped=True),
        clock=FastClock(start),
        platforms=PLATFORMS,
        settings=settings,
        machine=None,
    )
    try:
        bot.services.contents.start()
        bot.dashboard.access.passwords.hasher = WEAK
        if plans:
            plan(bot)
        yield bot
    finally:
        bot.stop()


def plan(bot: RunningBot) -> None:
    """Take up the files and plan, as the service does, without simulated approvals."""
    for _look in range(2):  # two equal looks, as after a copy
        bot.services.contents.refresh()
    bot.services.planner.apply(bot.services.contents.rendered, days=35)


def planned(bot: RunningBot, **which: Any) -> tuple[Delivery, ...]:
    return bot.store.outbox.find(states={State.PLANNED}, **which)


def add_people(bot: RunningBot) -> None:
    """Make one user of each kind."""
    for name, roles in PEOPLE.items():
        bot.dashboard.access.add(name, frozenset(roles), PASSWORD, by="test")


@contextmanager
def serving(bot: RunningBot) -> Iterator[RunningBot]:
    """Serve the dashboard on a free port."""
    port = free_port()
    with dashboard(bot.dashboard, Settings(web=f"127.0.0.1:{port}")) as address:
        assert address is not None
        bot.origin = f"http://127.0.0.1:{port}"
        yield bot


def lose(bot: RunningBot, row: Delivery, evidence: str = NOT_FOUND) -> None:
    """Leave a delivery as a network that never answered would."""
    now, outbox = bot.clock.now(), bot.store.outbox
    outbox.move(row.id, Event.RELEASE, now=now, actor="publisher")
    claim = outbox.claim(row.account, now=now, owner="test", lease=timedelta(minutes=2))
    assert claim is not None
    outbox.begin(claim, Draft(row.id, {}), now=now)
    lost = Outcome(Event.OUTCOME_UNKNOWN, "no answer after the first byte", now)
    outbox.commit(claim, lost, now=now)
    outbox.commit_read(row.id, give_up(evidence), now=now)


@contextmanager
def open_played(folder: Path) -> Iterator[RunningBot]:
    """Return a campaign with its people and a week behind it, on its dashboard."""
    with open_shipped(folder) as bot:
        add_people(bot)
        play_week(bot)
        with serving(bot):
            yield bot


def play_week(bot: RunningBot) -> None:
    """Let a week go by, with all that can happen in it; pages then have something to show."""
    coming = planned(bot, until=bot.clock.now() + timedelta(days=14))
    for number, post in enumerate(dict.fromkeys(row.post_id for row in coming)):
        if number % 4 != 2:
            bot.approve(post, by=APPROVERS)
    bot.wait(START + timedelta(days=6))
    doubtful = next(row for row in planned(bot) if row.platform == "x")
    known = {
        approval.by for approval in bot.store.approvals.standing(fingerprint=doubtful.fingerprint)
    }
    bot.approve(doubtful.post_id, by=set(APPROVERS) - known)
    bot.clock.advance(due(doubtful) - bot.clock.now())
    lose(bot, doubtful)
    bot.wait(bot.clock.now() + timedelta(hours=1))
