"""A whole bot on a fast clock: its files, its database, its people, and the servers it posts to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

from sqlalchemy import update

from bot.app.content import watch_files
from bot.app.service import build
from bot.authority.tables import approval
from bot.clock import FastClock
from bot.content.model import Mode
from bot.db.diskspace import Room
from bot.delivery.decisions import Desk
from bot.delivery.model import Delivery, State
from bot.engine.service import Bot
from bot.operations.opening import open_store
from bot.planning.store import Store
from bot.settings import Settings
from tests.fakes.campaign_tree import CampaignTree
from tests.fakes.scripted import Server, network

#: A Monday.
START = datetime(2026, 12, 7, 8, 0, tzinfo=UTC)
NINE = START + timedelta(hours=1)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)

SCHEDULE = """\
campaign: test
timezone: UTC
mode: live
approvals_required: 2
not_after: 15m
graphic_per_day: 1
coalition: []
accounts:
  m: {platform: mastodon, server: "https://m.example", owner: Us, consent: {by: Us, on: 2026-01-01}}
slots:
  morning: {weekdays: [mon, tue, wed, thu, fri, sat, sun], times: ["09:00"]}
queues:
  main: {slots: [morning]}
"""
OWNED = "owner: Us, consent: {by: Us, on: 2026-01-01}"
ACCOUNTS = {
    "m": f'{{platform: mastodon, server: "https://m.example", {OWNED}}}',
    "b": f"{{platform: bluesky, handle: b.example, {OWNED}}}",
    "x": f"{{platform: x, threads: true, automated_label_confirmed: 2026-01-01, {OWNED}}}",
}
_NO_ROOM = Room(least_free=0, ballast=0)


def post(name: str, *lines: str, at: datetime | str = "", words: str = "") -> str:
    """Write one post: queued unless it has a time; its text is unlike those of other names."""
    said = words or " ".join(f"{name}{letter}" for letter in "abcdefgh")
    moment = at.strftime("%Y-%m-%d %H:%M:%S+00:00") if isinstance(at, datetime) else at
    if not any(line.startswith(("at:", "every_year:", "queue:")) for line in lines):
        lines = (*lines, f"at: {moment}" if moment else "queue: main")
    if not any(line.startswith("quote:") for line in lines):
        lines = (f'text: "{said}"', *lines)
    if not any(line.startswith("author:") for line in lines):
        lines = (*lines, "author: Ed")
    return "\n".join([f"  - id: {name}", *(f"    {line}" for line in lines)]) + "\n"


class Newsroom:
    """The bot as `run` builds it, driven step by step; its servers and database outlive it."""

    def __init__(self, root: Path, url: str, *, accounts: Iterable[str] = ("m",)) -> None:
        self.root, self.url = root, url
        self.tree = CampaignTree(root / "campaign")
        self.tree.put("schedule.yaml", SCHEDULE)
        self.use(*accounts)
        self.tree.put("posts/main.yaml", "posts: []\n")
        self.servers: dict[str, Server] = defaultdict(Server)
        self.clock = FastClock(START)
        self.machine = "one"
        self.stopping = Event()
        #: What the process was started as; None is what the files say then.
        self.mode: Mode | None = None
        self._bot: Bot | None = None

    # What editors do

    def use(self, *accounts: str, **changed: str) -> None:
        """Write these accounts into the schedule."""
        lines = {name: ACCOUNTS[name] for name in accounts} | changed
        before, _, rest = self.schedule.partition("accounts:\n")
        after = rest[rest.index("slots:") :]
        told = "".join(f"  {name}: {line}\n" for name, line in lines.items())
        self.tree.put("schedule.yaml", f"{before}accounts:\n{told}{after}")

    @property
    def schedule(self) -> str:
        return self.tree.schedule.read_text(encoding="utf-8")

    def set(self, old: str, new: str) -> None:
        """Change the schedule."""
        self.tree.change("schedule.yaml", old, new)

    def write(self, *posts: str) -> None:
        """Write all posts, in the place of those before."""
        self.tree.put("posts/main.yaml", "posts:\n" + "".join(posts) if posts else "posts: []\n")

    # What the machine does

    @property
    def bot(self) -> Bot:
        if self._bot is None:
            self._bot = self._built()
        return self._bot

    def _built(self) -> Bot:
        store = open_store(
            self.url, create=True, data=self.root / "data", machine=self.machine, room=_NO_ROOM,
            now=self.clock.now,
        )  # fmt: skip
        look, load = watch_files(self.tree.schedule, self.tree.posts, clock=self.clock, store=store)
        return build(
            store,
            clock=self.clock,
            known=Settings(),
            look=look,
            load=load,
            rehearsed=self.root / "rehearsed.db",
            mode=self.mode,
            stop=self.stopping,
            platforms=network(self.servers),
        )

    def start(self) -> None:
        self.bot.start()

    def stop(self) -> None:
        """Let the process end; what it was doing stays as it is."""
        if self._bot is not None:
            self._bot.close()
            self._bot = None

    def restart(self) -> None:
        self.stop()
        self.start()

    def watch(self, *, broken: bool = False) -> None:
        """Let the bot look at its files, which have errors just where the test says so."""
        self.bot.watch()
        assert bool(self.bot.contents.broken()) is broken, self.bot.contents.broken()

    def wait(self, until: datetime) -> None:
        """Let time pass, and the bot do what comes up in it."""
        while True:
            for account in self.bot.busy(self.clock.now()):
                self.bot.work_account(account)
            if self.clock.now() >= until:
                return
            wake = self.store.outbox.next_wake(self.clock.now()) or until
            self.clock.advance(min(wake, until) - self.clock.now())

    # What people see and do

    @property
    def store(self) -> Store:
        return self.bot.store

    @property
    def desk(self) -> Desk:
        return Desk(self.store, self.clock, self.bot.contents.campaign)

    def approve(self, *posts: str, by: Iterable[str] = ("Ann", "Ben")) -> None:
        for name in posts:
            for who in by:
                self.desk.approve(name, by=who)

    def void(self, post_id: str) -> None:
        """Take back a post's approvals, as a changed source does."""
        this = update(approval).where(approval.c.post_id == post_id)
        with self.store._db.write() as connection:
            connection.execute(this.values(voided_at=self.clock.now(), void_reason="error"))

    def rows(self, post_id: str = "", *states: State) -> list[Delivery]:
        """Give deliveries that are not cancelled, or those in just these states."""
        wanted = set(states) or set(State) - {State.CANCELLED}
        return list(self.store.outbox.find(states=wanted, post_id=post_id or None))

    def row(self, post_id: str = "") -> Delivery:
        """Return the one delivery there is."""
        (found,) = self.rows(post_id)
        return found

    def states(self) -> dict[str, str]:
        """Return each delivery's state and reason by post, account and part."""
        return {
            f"{one.post_id}/{one.account}/{one.part}": f"{one.state} {one.reason_text}".strip()
            for one in self.rows()
        }

    def when(self) -> list[str]:
        """Return what is due when, in order, with day and time."""
        return [f"{one.due_at:%d %H:%M} {one.account} {one.post_id}" for one in self.rows()]

    def moves(self, delivery: Delivery) -> list[str]:
        return [f"{one.before} {one.after}" for one in self.store.outbox.moves_of(delivery.id)]
