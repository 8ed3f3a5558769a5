"""``run_bot.py`` as processes of its own: alone, and live on real servers behind proxies."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from PIL import Image

from bot.authority.users import Role
from bot.clock import SystemClock
from bot.operations.opening import open_store
from tests.conftest import ROOT
from tests.contract.contract import Seen
from tests.fakes.faultproxy import FaultProxy
from tests.fakes.people import token_of, who_decides
from tests.fakes.running_bot import AUTHOR, enlist
from tests.fakes.x_oauth import secrets_for
from tests.fakes.x_standin import USER, XStandin
from tests.servers.mastodon import MastodonServer
from tests.servers.pds import Pds
from tests.servers.program import WarmProgram
from tests.waiting import PATIENCE, wait_until

OWNED = "owner: Us, consent: {by: Us, on: 2026-01-01}"

SCHEDULE = """\
campaign: end-to-end
timezone: America/New_York
mode: live
approvals_required: 2
not_after: 10m
graphic_per_day: 9
hashtags: [Uyghur]
accounts:
  m: {{platform: mastodon, server: "{mastodon}", {owned}}}
  b: {{platform: bluesky, server: "{bluesky}", handle: {handle}, {owned}}}
  x:
    platform: x
    server: "{x}"
    threads: true
    budget_usd_per_month: 50
    automated_label_confirmed: 2026-01-01
    owner: Us
    consent: {{by: Us, on: 2026-01-01}}
"""


class BotProcess:
    """The customer's command in a folder of its own, each call of it a process.

    `call` and `start` start Python; `do` forks what has imported the program, where there is one.
    """

    #: Words that say where its files are.
    places: tuple[str, ...] = ()
    database = "rehearsal.db"

    def __init__(self, folder: Path, warm: WarmProgram | None = None) -> None:
        self.folder = folder
        self._warm = warm
        self.process: subprocess.Popen[bytes] | None = None
        self._tokens: dict[str, str] = {}

    @property
    def environment(self) -> dict[str, str]:
        known = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return {**known, "VERBATIM_WEB": "off", "VERBATIM_MONITOR": "off"}

    def _command(self, *words: str) -> list[str]:
        return [sys.executable, str(ROOT / "run_bot.py"), *words, *self.places]

    def call(self, *words: str, told: str = "", **changed: str) -> subprocess.CompletedProcess[str]:
        """Run a verb to its end, with other variables where they are not ``unset``."""
        return subprocess.run(
            self._command(*words), cwd=self.folder, capture_output=True, encoding="utf-8",
            env=self._variables(words, changed), check=False, input=told,
        )  # fmt: skip

    def warm_call(self, *words: str, **changed: str) -> subprocess.CompletedProcess[str]:
        """Do the same without the time that importing the program takes."""
        if self._warm is None:
            return self.call(*words, **changed)
        variables = self._variables(words, changed)
        return self._warm.run([*words, *self.places], self.folder, variables)

    def _variables(self, words: Sequence[str], changed: dict[str, str]) -> dict[str, str]:
        variables = self.environment | self._proof(words) | changed
        return {name: value for name, value in variables.items() if value != "unset"}

    def _proof(self, words: Sequence[str]) -> dict[str, str]:
        """Return the token of whoever decides, once the live bot has its database."""
        name, path = who_decides(words), self.folder / "data" / self.database
        if not name or not path.exists() or self.database != "live.db":
            return {}
        if name not in self._tokens:
            with closing(open_store(f"sqlite:///{path}", create=False)) as store:
                enlist(store, AUTHOR, "desk", role=Role.EDITOR)
                self._tokens[name] = token_of(store, SystemClock(), name)
        return {"VERBATIM_TOKEN": self._tokens[name]}

    def do(self, *words: str) -> Any:
        """Run a verb that works; return what it printed as JSON."""
        done = self.warm_call(*words, "--json")
        if done.returncode:
            raise AssertionError(f"{words}: {done.returncode}\n{done.stderr}\n{self.log}")
        return json.loads(done.stdout)

    def start(self) -> None:
        """Start ``run_bot.py run``."""
        with (self.folder / "log.jsonl").open("ab") as out:
            self.process = subprocess.Popen(
                self._command("run"), cwd=self.folder, env=self.environment, stderr=out, stdout=out
            )

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Stop it in order; return its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE)
        self.process = None
        return code

    def kill(self) -> None:
        """Kill it as a power cut would, if it is running."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    @property
    def log(self) -> str:
        path = self.folder / "log.jsonl"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def look(self, post: str = "%") -> list[tuple[str, str]]:
        """Return post and state of deliveries, past the program: a verb takes a second."""
        query = (
            "SELECT post_id, delivery.state FROM delivery JOIN publication"
            " ON publication.id = publication_id WHERE post_id LIKE ?"
        )
        path = self.folder / "data" / self.database
        try:
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
                return connection.execute(query, (post,)).fetchall()
        except sqlite3.OperationalError:
            return []  # it is being made

    def wait_until(
        self,
        is_so: Callable[[], bool],
        what: str,
        *,
        every: float = 0.1,
        before: datetime | None = None,
    ) -> None:
        wait_until(is_so, what, log=lambda: self.log[-6000:], every=every, before=before)


class LiveBotProcess(BotProcess):
    """A live campaign on all three platforms, which are reached through proxies."""

    places = ("--config", "schedule.yaml", "--posts", "posts", "--data", "data")
    database = "live.db"

    def __init__(
        self, folder: Path, mastodon: MastodonServer, pds: Pds, x: XStandin, warm: WarmProgram
    ) -> None:
        super().__init__(folder, warm)
        self.mastodon, self.mastodon_account = mastodon, mastodon.account()
        self.pds, self.pds_account = pds, pds.account()
        self.x = x
        origins = {"m": self.mastodon.origin, "b": self.pds.origin, "x": self.x.origin}
        self.proxies = {name: FaultProxy(origin) for name, origin in origins.items()}
        sources = self.folder / "posts" / "sources"
        (self.folder / "posts" / "media").mkdir(parents=True)
        sources.mkdir()
        for name in ("2022-12-09-open-letter.txt", "letter.yaml", "investigations.yaml"):
            (sources / name).write_bytes((ROOT / "posts" / "sources" / name).read_bytes())
        (self.folder / "schedule.yaml").write_text(
            SCHEDULE.format(
                mastodon=self.proxies["m"].origin,
                bluesky=self.proxies["b"].origin,
                x=self.proxies["x"].origin,
                handle=self.pds_account.handle,
                owned=OWNED,
            ),
            encoding="utf-8",
        )

    def picture(self, name: str) -> str:
        """Put a picture into posts/media."""
        Image.new("RGB", (320, 180), "teal").save(self.folder / "posts" / "media" / name)
        return f"media/{name}"

    def write(self, posts: str) -> None:
        (self.folder / "posts" / "all.yaml").write_text(posts, encoding="utf-8")

    @property
    def environment(self) -> dict[str, str]:
        keys = secrets_for(USER)
        return {
            **super().environment,
            **{f"VERBATIM_X_{name}": value for name, value in keys.items()},
            "VERBATIM_M_ACCESS_TOKEN": self.mastodon_account.token,
            "VERBATIM_B_APP_PASSWORD": self.pds_account.app_password,
            "VERBATIM_SETTLE_FIRST": "0.5",
            "VERBATIM_SETTLE_APART": "0.5",
            "VERBATIM_SETTLE_LAST": "1",
            "VERBATIM_RELOAD": "0.5",
            "VERBATIM_READ_TIMEOUT": "50",
            "PYTHONUNBUFFERED": "1",
        }

    def states(self) -> dict[tuple[str, str, int], dict[str, Any]]:
        """Return every delivery by post, account and part."""
        rows = self.do("deliveries")
        return {(row["post"], row["account"], row["part"]): row for row in rows}

    def wait_planned(self, count: int, before: datetime) -> None:
        """Wait until the service has planned so many deliveries, for they are due then."""
        self.wait_until(
            lambda: len(self.look()) >= count, f"{count} deliveries planned", before=before
        )

    def wait_sent(self, post: str = "%") -> None:
        """Wait until all of a post, or of all posts, is out."""
        self.wait_until(lambda: {state for _, state in self.look(post)} == {"SENT"}, "all sent")

    def approve_all(self, posts: Sequence[str]) -> None:
        for name in ("Aygul", "Rahile"):
            self.do("approve", *posts, "--as", name)

    def live(self) -> dict[str, list[Seen]]:
        """Read back over the network what each account shows, oldest first."""
        return {"m": self._on_mastodon(), "b": self._on_bluesky(), "x": self._on_x()}

    def _on_mastodon(self) -> list[Seen]:
        account = self.mastodon_account
        return [
            Seen(
                status["id"],
                self.mastodon.source(account, status["id"]),
                parent=status["in_reply_to_id"],
                lang=status["language"],
                warning=status["spoiler_text"],
                alts=tuple(media["description"] for media in status["media_attachments"]),
            )
            for status in reversed(self.mastodon.statuses(account))
        ]

    def _on_bluesky(self) -> list[Seen]:
        seen = []
        for post in self.pds.posts(self.pds_account):
            value = post["value"]
            reply, embed = value.get("reply"), value.get("embed", {})
            seen.append(
                Seen(
                    post["uri"],
                    value["text"],
                    parent=reply["parent"]["uri"] if reply else None,
                    lang=value["langs"][0],
                    alts=tuple(image["alt"] for image in embed.get("images", ())),
                )
            )
        return seen

    def _on_x(self) -> list[Seen]:
        world = self.x.world
        return [
            Seen(status.id, status.text, parent=status.parent,
                 alts=tuple(world.media[media].alt for media in status.media))
            for status in world.live()
        ]  # fmt: skip

    def close(self) -> None:
        self.kill()
        for proxy in self.proxies.values():
            proxy.close()


@contextmanager
def open_bot_process(
    folder: Path, mastodon: MastodonServer, pds: Pds, x: XStandin, warm: WarmProgram
) -> Iterator[LiveBotProcess]:
    bot = LiveBotProcess(folder, mastodon, pds, x, warm)
    try:
        yield bot
    finally:
        bot.close()
