"""A bot on a server with Mastodon's API that has quirks of its own, in bad weather.

Quirks are combined at random; answers are lost, requests are carried out late, strangers boost,
and the bot dies at random moments. The server's own list of what it took is the only judge.

``python -m tests.faults.quirk_storm FOLDER DIE_AT`` is one life of it in a process of its own.
"""

from __future__ import annotations

import mmap
import os
import random
import signal
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from bot.clock import FastClock
from bot.delivery.model import Delivery, HoldReason, State
from bot.log import configure
from bot.platforms.registry import PLATFORMS
from bot.settings.environment import Settings
from tests.contract.contract import png
from tests.fakes.campaign_tree import CampaignTree
from tests.fakes.loopback import ReceivedRequest, Told
from tests.fakes.mastodon_quirks import QuirkyMastodon
from tests.fakes.running_bot import AT_REST, MINUTE, NINE, OWNED, START, RunningBot
from tests.faults.boundaries import Boundaries
from tests.faults.reporting import judged

#: Behaviours by name, as docs/platforms/mastodon.md has them, and the switches that make them.
BEHAVIOURS: Mapping[str, Mapping[str, Any]] = {
    "forgets keys": {"ignores_key": True},
    "answers 500 to a repeated key": {"repeated_key": 500},
    "lists no private status": {"unlisted_kinds": ("private", "direct")},
    "wraps what was boosted": {"wraps_boosted": True},
    "inserts wait for a lock": {"insert_waits": 95.0},
    "drops the parent of a reply": {"replies": "drops"},
    "rewrites the parent of a reply": {"replies": "root"},
    "escapes warnings": {"warnings": "escapes"},
    "moves warnings into the content": {"warnings": "content"},
    "repeats warnings in the content": {"warnings": "both"},
    "makes warnings titles": {"warnings": "title"},
    "drops warnings": {"warnings": "drops"},
    "renames pictures": {"renames_pictures": True},
    "strips alternative texts": {"alts": "strips"},
    "drops alternative texts": {"alts": "drops"},
    "ignores pictures": {"ignores_pictures": True},
    "drops languages": {"languages": "drops"},
    "shortens languages": {"languages": "shortens"},
    "makes everything public": {"visibility": "public"},
    "renders Markdown": {"renders_markdown": True},
    "has no sources": {"has_source": False},
    "has no batches": {"batches": "no"},
    "answers batches with nothing": {"batches": "empty"},
    "refuses 0 and 1 for booleans": {"strict_booleans": 422},
    "has ids with letters": {"has_word_ids": True},
    "tells null instead of nothing": {"tells_null": True},
    "ignores max_id": {"ignores_max_id": True},
    "has short pages": {"page": 3},
}
#: Of each behaviour, the chance to be there; a server that keeps keys hides most faults.
_SHARE, _FORGETFUL = 0.2, 0.7
#: What befalls a request that publishes, with its weight; else all is well.
_PUBLISHING = {"": 6, "lost before": 2, "lost after": 3, "503 before": 1, "503 after": 2, "late": 2}
#: What a held delivery may be held for.
REASONS = frozenset({HoldReason.UNSETTLED, HoldReason.ATTEMPTS, HoldReason.PARENT})
POSTS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("plain", "Words & more <words> of the plain post", {}),
    ("warned", "What the warned post says", {"warning": '"Violence & <death> of people"'}),
    ("list", "Of the list:\\n1. first *point*\\n2. second point\\n- third", {"lang": "pt-BR"}),
    ("thread", " ".join(f"thread{number}" for number in range(110)), {"thread": "true"}),
    ("picture", "What the picture shows",
     {"media": r'[{file: media/a.png, alt: "A <b>grey</b> square\nof stone"}]'}),
    ("both", "1. The picture with a warning",
     {"media": '[{file: media/b.png, alt: "A white square"}]', "warning": "Violence"}),
)  # fmt: skip


class DiedError(BaseException):
    """The process is gone, at a moment at which it looked at the clock."""


class MortalClock(FastClock):
    """A clock by which a process dies after so many looks; None is never."""

    left: int | None = None

    def now(self) -> datetime:
        if self.left is not None:
            self.left -= 1
            if self.left <= 0:
                self.left = None
                raise DiedError
        return self._now


class FileClock(FastClock):
    """A clock that outlives the processes that move it on: its time is in a file."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(struct.pack("d", START.timestamp()))
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), 8)
        self._start = START

    @property
    def _now(self) -> datetime:
        return datetime.fromtimestamp(struct.unpack("d", self._shared[:8])[0], UTC)

    @_now.setter
    def _now(self, moment: datetime) -> None:
        self._shared[:8] = struct.pack("d", moment.timestamp())


class StormServer(QuirkyMastodon):
    """Takes statuses, or not, as its dice say; keeps what it took."""

    def __init__(self, clock: FastClock, dice: random.Random, *, visibility: str) -> None:
        self._clock, self.dice = clock, dice
        self.is_calm = True
        #: Whom it kills at which of the next requests that publish, and when: ``before`` it
        #: takes it, or ``after``.
        self.victim: tuple[int, int, str] | None = None
        #: Texts and ids of all that it took.
        self.taken: list[tuple[str, str]] = []
        super().__init__()
        self.post("An older status.", visibility=visibility)
        self.taken.clear()

    def moment(self) -> datetime:
        return self._clock._now

    def post(self, text: str, **fields: object) -> dict[str, Any]:
        made = super().post(text, **fields)
        self.taken.append((text, made["id"]))
        return made

    def answer(self, asked: ReceivedRequest) -> Told:
        told = super().answer(asked) if self.is_calm else self._stormy(asked)
        return replace(told, headers={**told.headers, "Date": format_datetime(self.moment(), True)})

    def _stormy(self, asked: ReceivedRequest) -> Told:
        if self.statuses and self.dice.random() < 0.3:
            # What is new is boosted most.
            self.boost(self.statuses[int(len(self.statuses) * self.dice.random() ** 3)])
        if asked.line != "POST /api/v1/statuses":
            is_out = self.dice.random() < 0.08
            return Told(503, {"error": "busy"}) if is_out else super().answer(asked)
        self._kill("before")
        told = self._fated(asked)
        self._kill("after")
        return told

    def _kill(self, when: str) -> None:
        if self.victim and self.victim[2] == when:
            pid, left, _ = self.victim
            self.victim = (pid, left - 1, when) if left else None
            if not left:
                os.kill(pid, signal.SIGKILL)

    def _fated(self, asked: ReceivedRequest) -> Told:
        fate = self.dice.choices([*_PUBLISHING], [*_PUBLISHING.values()])[0]
        if fate.endswith("before"):
            return Told(503, {"error": "busy"}) if fate[0] == "5" else Told(is_lost=True)
        lock = self.quirks.insert_waits
        self.quirks.insert_waits = self.dice.uniform(1, max(lock, 30.0)) if fate == "late" else 0.0
        told = super().answer(asked)
        self.quirks.insert_waits = lock
        if fate.endswith("after"):
            return Told(503, {"error": "busy"}) if fate[0] == "5" else Told(is_lost=True)
        return told


@dataclass(frozen=True, slots=True)
class Weather:
    """What one seed makes: quirks, visibility, and how often the bot dies."""

    seed: int
    behaviours: tuple[str, ...]
    visibility: str
    deaths: int

    def __str__(self) -> str:
        return f"seed {self.seed}: {self.visibility}; {', '.join(self.behaviours) or 'no quirk'}"


def weather_of(seed: int) -> Weather:
    """Return what this seed makes."""
    dice = random.Random(seed)  # noqa: S311 - a storm that can be repeated
    chances = dict.fromkeys(BEHAVIOURS, _SHARE) | {"forgets keys": _FORGETFUL}
    names = tuple(name for name in BEHAVIOURS if dice.random() < chances[name])
    visibility = dice.choice(("public", "public", "unlisted", "private"))
    if "lists no private status" in names:
        visibility = "private"
    return Weather(seed, names, visibility, dice.randint(0, 4))


class QuirkStorm:
    """Six posts on one account, in one weather."""

    kills = 0

    def __init__(
        self,
        folder: Path,
        weather: Weather,
        settings: Settings | None = None,
        clock: FastClock | None = None,
    ) -> None:
        self.weather, self.folder = weather, folder
        self.dice = random.Random(weather.seed + 1)  # noqa: S311 - as above
        self.clock = clock or MortalClock(START)
        self.server = StormServer(self.clock, self.dice, visibility=weather.visibility)
        for name in weather.behaviours:
            for switch, value in BEHAVIOURS[name].items():
                setattr(self.server.quirks, switch, value)
        self.bot = RunningBot(folder, platforms=PLATFORMS, clock=self.clock, settings=settings)
        self.bot.use(
            m=f'{{platform: mastodon, server: "{self.server.origin}",'
            f" visibility: {weather.visibility}, {OWNED}}}"
        )
        self.bot.set("not_after: 15m", "not_after: 20h")
        self.bot.set("graphic_per_day: 1", "graphic_per_day: 9")
        self.bot.tree.put("posts/media/a.png", png(120))
        self.bot.tree.put("posts/media/b.png", png(250))

    def run(self) -> dict[str, Any]:
        """Live through it, and judge."""
        try:
            self.bot.start_approved(*self._posts())
            self.server.is_calm = False
            self._live()
            # What comes after a part that is held waits with it.
            rows = [row for row in self.bot.rows() if not _waits_behind(self.bot, row)]
            counted = judged(rows, Counter(text for text, _ in self.server.taken))
            # Where a platform's id is not that of the very text, a correction would hit another.
            wrong = {row.id for row in rows if row.state is State.SENT} - {
                row.id for row in rows if (row.status.text, row.remote_id) in set(self.server.taken)
            }
            unsaid = [row.id for row in rows if row.state is State.HELD and not row.reason_text]
            evidence = [f"{row.id[:6]} {row.reason_text} {row.evidence}" for row in rows]
            found = {"wrong": len(wrong), "unsaid": len(unsaid), "kills": self.kills}
            return {**counted, **found, "evidence": evidence}
        finally:
            self.bot.stop()
            self.server.close()

    def _posts(self) -> Iterable[str]:
        for number, (name, text, more) in enumerate(POSTS):
            at = NINE + number * 7 * MINUTE
            keys = "".join(f", {key}: {value}" for key, value in more.items())
            yield (
                f'  - {{id: {name}, text: "{text}", at: "{at:%Y-%m-%d %H:%M:%S}+00:00",'
                f" author: Ed{keys}}}\n"
            )

    def _live(self) -> None:
        deaths, clock = self.weather.deaths, self.clock
        while clock._now < _END:
            if deaths and isinstance(clock, MortalClock) and clock.left is None:
                deaths, clock.left = deaths - 1, self.dice.randint(1, 400)
            try:
                if _has_rested(self.bot):
                    return
            except DiedError:
                self.bot.stop()


class KilledQuirkStorm(QuirkStorm):
    """The same with a bot that is a process, which dies by SIGKILL."""

    def __init__(self, folder: Path, weather: Weather) -> None:
        super().__init__(folder, weather, clock=FileClock(folder / "clock"))

    def _live(self) -> None:
        self.bot.stop()
        for left in range(self.weather.deaths + 1, 0, -1):
            by_server = left > 1 and self.dice.random() < _BY_SERVER
            is_last = left == 1 or by_server
            die_at = 0 if is_last else 1 + int(_STEPS * self.dice.random() ** 2)
            command = [sys.executable, "-m", "tests.faults.quirk_storm", str(self.folder)]
            life = subprocess.Popen([*command, str(die_at)])
            if by_server:
                when = self.dice.choice(("before", "after"))
                self.server.victim = (life.pid, self.dice.randint(0, 2), when)
            code = life.wait()
            assert code in {0, -signal.SIGKILL}, f"{self.weather}: a life ended with {code}"
            self.server.victim = None
            if not code:
                return
            self.kills += 1


#: Of the deaths of processes, the share that comes as the server takes a status; the others come
#: at a boundary, the early ones rather than the late: a whole life has 1800 or so.
_BY_SERVER, _STEPS = 0.5, 1600
_END = NINE + timedelta(hours=12)


def _has_rested(bot: RunningBot) -> bool:
    """Do what is due, and wait for what is due next; return whether nothing ever will be."""
    if bot._services is None:
        bot.start()
    bot.work()
    now = bot.clock.now()
    wake = bot.store.outbox.next_wake(now) or now + MINUTE
    bot.clock.wait(bot.stopping, max(wake, now + timedelta(seconds=1)))
    rows = bot.store.outbox.find()
    return all(row.state in AT_REST or _waits_behind(bot, row) for row in rows)


def _waits_behind(bot: RunningBot, row: Delivery) -> bool:
    parent = bot.store.outbox.get(row.parent_id) if row.parent_id else None
    is_unsent = row.state in {State.PLANNED, State.READY}
    return is_unsent and parent is not None and parent.state is State.HELD


def storm(
    folder: Path, seed: int, settings: Settings | None = None, *, is_killed: bool = False
) -> dict[str, Any]:
    """Live through the weather of a seed."""
    folder.mkdir()
    weather = weather_of(seed)
    made = KilledQuirkStorm(folder, weather) if is_killed else QuirkStorm(folder, weather, settings)
    return made.run()


def main() -> None:
    """Live once, to the end or to a boundary of `Boundaries`."""
    folder, die_at = Path(sys.argv[1]), int(sys.argv[2])
    signal.alarm(_LONGEST)
    configure(form="json", level="CRITICAL")
    clock = FileClock(folder / "clock")
    tree = CampaignTree(folder / "unread")  # the campaign that it writes
    tree.schedule, tree.posts = folder / "campaign/schedule.yaml", folder / "campaign/posts"
    bot = RunningBot(folder, tree=tree, platforms=PLATFORMS, clock=clock)
    Boundaries(die_at).watch()
    while clock.now() < _END and not _has_rested(bot):
        pass
    bot.stop()


#: Seconds after which a life that stands still is ended.
_LONGEST = 300

if __name__ == "__main__":
    main()
