"""A bot with one post that is proved once, on clocks that jump, with real adapters."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

from bot.app.content import prove_files
from bot.checks.checking import CheckedContent
from bot.clock import FastClock
from bot.delivery.publisher import Publisher
from bot.engine.content import Load, TreeHash
from bot.log import configure
from bot.operations.opening import open_store
from bot.planning.store import Store
from bot.platforms.registry import PLATFORMS
from bot.settings.environment import Settings
from tests.fakes.campaign_tree import CampaignTree
from tests.fakes.running_bot import OWNED, RunningBot
from tests.fakes.x_oauth import secrets_for
from tests.fakes.x_standin import USER
from tests.integration.store_rows import NO_ROOM

DUE_IN = timedelta(seconds=60)
#: What a whole call may take: far longer than any answer takes that comes at all.
CALL = timedelta(seconds=58)
#: When a life begins that has a time of its own: waits and keys are then the same in each run.
_ALWAYS = datetime(2027, 3, 1, 9, tzinfo=UTC)

_ACCOUNTS = {
    "m": '{{platform: mastodon, server: "{origin}", {owned}}}',
    "b": '{{platform: bluesky, server: "{origin}", handle: {handle}, {owned}}}',
    "x": '{{platform: x, server: "{origin}", threads: true, budget_usd_per_month: 50,'
    " automated_label_confirmed: 2026-01-01, {owned}}}",
}
SCHEDULE = """\
campaign: faults
timezone: UTC
mode: live
approvals_required: 2
not_after: 15m
similarity: 1.0
coalition: []
accounts:
{accounts}
slots: {{}}
queues: {{}}
"""
SECRETS = {
    **{f"VERBATIM_X_{name}": secret for name, secret in secrets_for(USER).items()},
    "VERBATIM_M_ACCESS_TOKEN": "token-of-the-mastodon-account",
    "VERBATIM_B_APP_PASSWORD": "password-of-the-bluesky-account",
}
#: More than one status on every platform; Mastodon takes 500 characters.
LONG = " ".join(f"This is sentence number {number} of a longer text." for number in range(12))
SHORT = "One short text of a campaign."


class JumpClock(FastClock):
    """The machine's clock, and jumps instead of waits."""

    def __init__(
        self,
        ahead: timedelta = timedelta(0),
        tell: Callable[[timedelta], None] = lambda _ahead: None,
    ) -> None:
        self.ahead = ahead
        #: What the wall clock is wrong by; the other one, and the servers, know nothing of it.
        self.wrong_by = timedelta(0)
        self._tell = tell

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead + self.wrong_by

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead.total_seconds()

    def wait(self, stop: Event, until: datetime) -> bool:
        self.jump(until)
        return stop.is_set()

    def advance(self, by: timedelta) -> None:
        self.jump(self.now() + by)

    def jump(self, until: datetime) -> None:
        """Be there, if that is ahead."""
        self.ahead += max(until - self.now(), timedelta(0))
        self._tell(self.ahead)


class TickingClock(JumpClock):
    """A clock that goes on by a millisecond whenever it is read, however slow the machine is."""

    def __init__(
        self, start: datetime, ahead: timedelta, tell: Callable[[timedelta], None]
    ) -> None:
        super().__init__(ahead, tell)
        self._start = start - ahead
        self._ticks = 0

    def now(self) -> datetime:
        return self._read() + self.wrong_by

    def monotonic(self) -> float:
        return self._read().timestamp()

    def _read(self) -> datetime:
        self._ticks += 1
        return self._start + self.ahead + timedelta(milliseconds=self._ticks)


class LeadingClock(TickingClock):
    """The same, for servers that are told the time whenever it is read.

    Their own clocks go on by themselves: what a slow machine does in an hour is no hour here.
    """

    def __init__(self, tell: Callable[[timedelta], None]) -> None:
        super().__init__(_ALWAYS, timedelta(0), tell)

    def pass_by(self, time: timedelta) -> None:
        """Let true time pass, whatever the wall clock says."""
        self.ahead += time
        self._read()

    def jump(self, until: datetime) -> None:
        self.pass_by(max(until - self.now(), timedelta(0)))

    def _read(self) -> datetime:
        moment = super()._read()
        self._tell(moment - datetime.now(UTC))
        return moment


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A database that is no file of the campaign's."""

    url: str
    #: Makes it anew, with all tables and nothing in them.
    renew: Callable[[], None]


@dataclass(frozen=True, slots=True)
class PreparedCampaign:
    """A campaign of one post, proved once for all schedules, and where its database is."""

    folder: Path
    tree: CampaignTree
    loaded: CheckedContent
    #: A database with all tables and nothing in them.
    template: Path
    settings: Settings
    elsewhere: Elsewhere | None = None

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def url(self) -> str:
        return self.elsewhere.url if self.elsewhere else f"sqlite:///{self.data / 'live.db'}"

    def empty(self) -> None:
        """Begin with a new database."""
        self.data.mkdir(mode=0o700, exist_ok=True)
        for file in self.data.iterdir():
            file.unlink()
        if self.elsewhere:
            self.elsewhere.renew()
            return
        (self.data / "live.db").write_bytes(self.template.read_bytes())

    @property
    def due(self) -> datetime:
        """Return when its post is due."""
        assert self.loaded.campaign is not None
        (post,) = self.loaded.campaign.posts
        assert post.at is not None
        return post.at

    def due_at(self, due: datetime) -> PreparedCampaign:
        """Return the same with the post due at another moment."""
        campaign = self.loaded.campaign
        assert campaign is not None
        posts = tuple(replace(post, at=due) for post in campaign.posts)
        return replace(self, loaded=self.loaded.changed(replace(campaign, posts=posts)))


def accounts_at(origins: Mapping[str, str], *, handle: str = "voice.example") -> str:
    """Write the accounts of a schedule."""
    return "".join(
        f"  {name}: {_ACCOUNTS[name].format(origin=origin, owned=OWNED, handle=handle)}\n"
        for name, origin in origins.items()
    )


def prepare_campaign(
    folder: Path,
    origins: Mapping[str, str],
    *,
    long: bool = False,
    handle: str = "voice.example",
) -> PreparedCampaign:
    """Write the campaign for these accounts, prove it, and make an empty database."""
    os.environ.update(SECRETS)
    tree = CampaignTree(folder / "campaign")
    tree.put("schedule.yaml", SCHEDULE.format(accounts=accounts_at(origins, handle=handle)))
    at = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%d %H:%M:%S+00:00")
    text, thread = (LONG, "true") if long else (SHORT, "false")
    tree.put(
        "posts/main.yaml",
        f'posts:\n  - {{id: one, text: "{text}", thread: {thread}, at: {at}, author: Ed}}\n',
    )
    loaded = prove_files(tree.schedule, tree.posts)
    assert loaded.campaign is not None, loaded.problems
    template = folder / "template" / "live.db"
    open_store(f"sqlite:///{template}", create=True, room=NO_ROOM).close()
    known = Settings(
        settle_first=timedelta(0), settle_apart=timedelta(0), settle_last=timedelta(0),
        connect_timeout=CALL / 2, read_timeout=CALL / 2,
    )  # fmt: skip
    (folder / "data").mkdir(mode=0o700, exist_ok=True)
    with closing(sqlite3.connect(template)) as connection:
        connection.execute("DELETE FROM sent_log")  # a copy is to have one of its own
        connection.commit()
    return PreparedCampaign(folder, tree, loaded, template, known)


class PreparedBot(RunningBot):
    """A bot over a prepared campaign, which beats as it works."""

    clock: JumpClock
    least_step = timedelta(seconds=1)

    def __init__(
        self,
        campaign: PreparedCampaign,
        clock: JumpClock,
        *,
        url: str = "",
        data: Path | None = None,
        machine: str = "one",
    ) -> None:
        self.campaign = campaign
        super().__init__(
            campaign.folder,
            url or campaign.url,
            data=data or campaign.data,
            tree=campaign.tree,
            clock=clock,
            platforms=PLATFORMS,
            settings=campaign.settings,
            machine=machine,
        )

    def read_files(self, _store: Store) -> tuple[TreeHash, Load]:
        return lambda: self.campaign.loaded.tree_sha256, lambda: self.campaign.loaded

    def start(self) -> None:
        """Start, and let people approve what they have not approved yet."""
        super().start()
        self.approve_all()

    def work(self) -> None:
        self.services.beat()
        super().work()


def live(
    campaign: PreparedCampaign,
    *,
    clock: JumpClock,
    publisher: Callable[[Publisher], Publisher] | None = None,
) -> None:
    """Start (again), and go on until all is at rest."""
    configure(form="json", level="CRITICAL")
    bot = PreparedBot(campaign, clock)
    if publisher is not None:
        bot.services.publisher = publisher(bot.services.publisher)
    bot.start()
    bot.finish()
    bot.stop()


def write_down(path: Path, value: object) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")
