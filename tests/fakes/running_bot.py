"""A whole bot in this process, for tests: its files, clock, database, people and networks."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

from sqlalchemy import update

from bot.app.content import Paths, watch_files
from bot.app.service import build, build_context, proposals_of
from bot.authority.tables import approval as approvals
from bot.authority.users import Role
from bot.canonical import sha256_hex
from bot.clock import FastClock
from bot.content.model import Mode
from bot.delivery.decisions import Desk
from bot.delivery.model import Delivery, State
from bot.engine.content import Load, TreeHash
from bot.engine.service import Bot
from bot.operations.opening import open_store
from bot.planning.store import Store
from bot.platforms.registry import RegisteredPlatform
from bot.settings.environment import Settings
from bot.web.context import AppContext
from tests.fakes.browser import HttpBrowser
from tests.fakes.campaign_tree import CampaignTree
from tests.fakes.scripted import Server, network
from tests.integration.store_rows import NO_ROOM

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
APPROVERS = ("Ann", "Ben")
AUTHOR = "Ed"
_NO_PASSWORD = "no password has this hash"
OWNED = "owner: Us, consent: {by: Us, on: 2026-01-01}"
ACCOUNTS = {
    "m": f'{{platform: mastodon, server: "https://m.example", {OWNED}}}',
    "b": f"{{platform: bluesky, handle: b.example, {OWNED}}}",
    "x": f"{{platform: x, threads: true, automated_label_confirmed: 2026-01-01, {OWNED}}}",
}
#: Nothing moves such a delivery on but a person.
AT_REST = frozenset({State.SENT, State.HELD, State.FAILED, State.CANCELLED})
#: Enough for every retry and every read, however they go wrong.
_LONGEST = timedelta(hours=3)


def post(name: str, *lines: str, at: datetime | str = "", words: str = "") -> str:
    """Return one post in YAML: queued unless it has a time; its text is like no other name's."""
    text = words or " ".join(f"{name}{letter}" for letter in "abcdefgh")
    moment = at.strftime("%Y-%m-%d %H:%M:%S+00:00") if isinstance(at, datetime) else at
    if not any(line.startswith(("at:", "every_year:", "queue:")) for line in lines):
        lines = (*lines, f"at: {moment}" if moment else "queue: main")
    if not any(line.startswith("quote:") for line in lines):
        lines = (f'text: "{text}"', *lines)
    if not any(line.startswith("author:") for line in lines):
        lines = (*lines, f"author: {AUTHOR}")
    return "\n".join([f"  - id: {name}", *(f"    {line}" for line in lines)]) + "\n"


def small_campaign(folder: Path) -> CampaignTree:
    """Write a live campaign of one account, one queue and no posts."""
    tree = CampaignTree(folder)
    tree.put("schedule.yaml", SCHEDULE)
    tree.put("posts/main.yaml", "posts: []\n")
    return tree


def thread(name: str, parts: int, *, at: datetime | str = "") -> str:
    """Return one post in YAML that takes so many statuses on Mastodon."""
    words = " ".join(f"{name}{number}" for number in range(parts * 60))
    return post(name, "thread: true", at=at, words=words)


def enlist(store: Store, *names: str, role: Role = Role.APPROVER) -> None:
    """Make these people users; nobody signs in as one of them."""
    known = {user.name for user in store.users.all()}
    for name in sorted(set(names) - known):
        # Long ago by any clock: verbs of the command line go by the machine's own.
        store.users.add(name, frozenset({role}), _NO_PASSWORD, START - timedelta(days=9999))
        detail = {"roles": [role.value], "password_sha256": sha256_hex(_NO_PASSWORD)}
        store.audit.write("setup", "user add", name, detail=detail, now=START)


class RunningBot:
    """The bot as `run` builds it, driven step by step.

    Its campaign folder, clock, networks and database outlive it: after `stop`, the next use
    builds another one over them. Unless it is given platforms, its networks are `servers`, which
    do what a test wrote down.
    """

    #: Moves on by at least that while it waits.
    least_step = timedelta(0)

    def __init__(
        self,
        folder: Path,
        url: str = "",
        *,
        data: Path | None = None,
        tree: CampaignTree | None = None,
        clock: FastClock | None = None,
        platforms: Mapping[str, RegisteredPlatform] | None = None,
        settings: Settings | None = None,
        machine: str | None = "one",
    ) -> None:
        self.folder, self.data = folder, data or folder / "data"
        self.url = url or f"sqlite:///{self.data / 'live.db'}"
        self.tree = tree or small_campaign(folder / "campaign")
        self.servers: dict[str, Server] = defaultdict(Server)
        self.platforms = network(self.servers) if platforms is None else platforms
        self.clock = clock or FastClock(START)
        self.settings = settings or Settings()
        self.machine = machine
        self.stopping = Event()
        #: What the process was started as; None is what the files say then.
        self.mode: Mode | None = None
        #: Where the dashboard is served.
        self.origin = ""
        self._services: Bot | None = None
        self._dashboard: AppContext | None = None

    # What editors do

    def use(self, *accounts: str, **changed: str) -> None:
        """Write these accounts into the schedule."""
        lines = {name: ACCOUNTS[name] for name in accounts} | changed
        before, _, rest = self.schedule.partition("accounts:\n")
        after = rest[rest.index("slots:") :]
        written = "".join(f"  {name}: {line}\n" for name, line in lines.items())
        self.tree.put("schedule.yaml", f"{before}accounts:\n{written}{after}")

    @property
    def schedule(self) -> str:
        return self.tree.schedule.read_text(encoding="utf-8")

    def set(self, old: str, new: str) -> None:
        """Change the schedule."""
        self.tree.change("schedule.yaml", old, new)

    def write(self, *posts: str) -> None:
        """Write all posts, in the place of those before."""
        self.tree.put("posts/main.yaml", "posts:\n" + "".join(posts) if posts else "posts: []\n")

    @property
    def places(self) -> list[str]:
        """Words that tell a verb where the bot's files are."""
        return self.tree.places(self.data)

    # What the machine does

    @property
    def services(self) -> Bot:
        if self._services is None:
            self._services = self.build()
        return self._services

    def build(self) -> Bot:
        """Return the services of one process over the database, which may be at work already."""
        store = open_store(
            self.url, create=True, data=self.data, machine=self.machine, room=NO_ROOM,
            now=self.clock.now,
        )  # fmt: skip
        if "mode: live" in self.schedule and not store.users.all():
            with store.transaction():  # a fault leaves all of them, or none
                enlist(store, AUTHOR, role=Role.EDITOR)
                enlist(store, *APPROVERS)
        look, load = self.read_files(store)
        return build(
            store,
            clock=self.clock,
            known=self.settings,
            look=look,
            load=load,
            mode=self.mode,
            stop=self.stopping,
            platforms=self.platforms,
        )

    def read_files(self, store: Store) -> tuple[TreeHash, Load]:
        """Return what looks at the campaign's files, and what loads them."""
        return watch_files(
            self.tree.schedule, self.tree.posts, clock=self.clock, store=store,
            signers=self.settings.content_signers,
        )  # fmt: skip

    def start(self) -> None:
        self.services.start()
        self.services.activity.tick()

    def start_with(self, *posts: str) -> None:
        """Start with these posts and no others."""
        self.write(*posts)
        self.start()

    def start_approved(self, *posts: str) -> None:
        """Start with these posts, each approved by two people."""
        self.start_with(*posts)
        self.approve_all()

    def stop(self) -> None:
        """Let the process end; what it was doing stays as it is."""
        if self._services is not None:
            self._services.close()
            self._services = self._dashboard = None

    def restart(self) -> None:
        self.stop()
        self.start()

    def bring_back(self, backup: Path) -> None:
        """Put a copy in the place of an embedded database by hand, and start."""
        self.stop()
        database = self.data / "live.db"
        for beside in self.data.glob(f"{database.name}*"):
            beside.unlink()
        shutil.copy(backup, database)
        self.start()

    def confirm(self) -> list[str]:
        """Say on the machine that the files are meant; return the changes."""
        guard = self.services.guard
        found = guard.accept(self.services.contents.written(), by="Op", why="known")
        return [str(change) for change in found]

    def watch(self, *, broken: bool = False) -> None:
        """Let the bot look at its files, which have errors just where the test says so."""
        for _look in range(2):  # what two looks agree on comes into force
            self.services.watch()
        assert bool(self.services.contents.broken()) is broken, self.services.contents.broken()

    def watch_and_confirm(self) -> None:
        """Do the same; a person says that it is meant where the files would cancel much."""
        for _look in range(2):
            self.services.watch()
        if "[cancels-much]" in self.services.contents.broken():
            on_disk = self.services.contents.load().rendered.campaign
            self.services.guard.accept(on_disk, by="Op", why="it is meant")
        self.watch()

    def work(self) -> None:
        """Do what is due now."""
        self.services.activity.tick()
        for account in self.services.busy(self.clock.now()):
            self.services.work_account(account)

    def wait(self, until: datetime) -> None:
        """Let time pass, and the bot do what comes up in it."""
        while True:
            self.work()
            now = self.clock.now()
            if now >= until:
                return
            wake = self.store.outbox.next_wake(now) or until
            self.clock.wait(self.stopping, min(max(wake, now + self.least_step), until))

    def finish(self) -> None:
        """Work, from one moment that matters to the next, until all is at rest."""
        end = self.clock.now() + _LONGEST
        while self.clock.now() < end:
            self.work()
            rows = self.store.outbox.find()
            if rows and all(row.state in AT_REST for row in rows):
                return
            now = self.clock.now()
            wake = self.store.outbox.next_wake(now) or now + timedelta(seconds=1)
            self.clock.wait(self.stopping, wake)

    # What people see and do

    @property
    def store(self) -> Store:
        return self.services.store

    @property
    def desk(self) -> Desk:
        services = self.services
        return Desk(self.store, self.clock, services.contents.campaign, services.publisher.platform)

    @property
    def dashboard(self) -> AppContext:
        """Return what the pages work with, and the users that may sign in."""
        if self._dashboard is None:
            paths = Paths(self.tree.schedule, self.tree.posts, self.data)
            self._dashboard = build_context(
                self.services, self.services.publisher.platform, proposals_of(paths, self.settings)
            )
        return self._dashboard

    def browser(self) -> HttpBrowser:
        """Return a browser that nobody has signed in with; the dashboard is being served."""
        return HttpBrowser(self.origin)

    def approve(self, *posts: str, by: Iterable[str] = APPROVERS) -> None:
        people = tuple(by)
        if "mode: live" in self.schedule:
            enlist(self.store, *people)
        for name in posts:
            for who in people:
                self.desk.approve(name, by=who)

    def void(self, post_id: str) -> None:
        """Take back a post's approvals, as a changed source does."""
        this = update(approvals).where(approvals.c.post_id == post_id)
        with self.store._db.write() as connection:
            connection.execute(this.values(voided_at=self.clock.now(), void_reason="error"))

    def approve_all(self) -> None:
        """Approve all that is planned, where the approvers have not done so yet."""
        for post in self.services.contents.campaign().posts:
            for who in APPROVERS:
                waiting = self.desk.waiting(post.id)
                given = (
                    self.store.approvals.standing(fingerprint=row.fingerprint) for row in waiting
                )
                if any(who not in {approval.by for approval in each} for each in given):
                    self.desk.approve(post.id, by=who)

    def rows(self, post_id: str = "", *states: State) -> list[Delivery]:
        """Return deliveries that are not cancelled, or those in just these states."""
        wanted = set(states) or set(State) - {State.CANCELLED}
        return list(self.store.outbox.find(states=wanted, post_id=post_id or None))

    def row(self, post_id: str = "") -> Delivery:
        """Return the one delivery there is."""
        (found,) = self.rows(post_id)
        return found

    def states(self) -> dict[str, str]:
        """Return each delivery's state and reason by post, account and part."""
        return {
            f"{row.post_id}/{row.account}/{row.part}": f"{row.state} {row.reason_text}".strip()
            for row in self.rows()
        }

    def when(self) -> list[str]:
        """Return what is due when, in order, with day and time."""
        return [f"{row.due_at:%d %H:%M} {row.account} {row.post_id}" for row in self.rows()]

    def moves(self, delivery: Delivery) -> list[str]:
        return [f"{move.before} {move.after}" for move in self.store.outbox.moves_of(delivery.id)]
