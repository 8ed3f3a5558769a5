"""A live campaign on this machine: files, servers, and the program as its users start it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from PIL import Image

from tests.conftest import ROOT
from tests.contract.contract import Seen
from tests.fakes.faultproxy import FaultProxy
from tests.fakes.x_oauth import secrets_for
from tests.fakes.x_standin import USER, XStandin
from tests.servers.mastodon import MastodonAccount, MastodonServer
from tests.servers.pds import Pds, PdsAccount

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


@dataclass
class Stage:
    """Everything one end-to-end test needs; the servers are reached through proxies."""

    folder: Path
    mastodon: MastodonServer
    mastodon_account: MastodonAccount
    pds: Pds
    pds_account: PdsAccount
    x: XStandin
    proxies: dict[str, FaultProxy] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    #: By the monotonic clock: when the posts are due.
    due: float = 0.0

    def __post_init__(self) -> None:
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

    def moment(self, calls: int) -> str:
        """Give an ``at:`` that leaves time for so many calls of a verb on this machine, now."""
        self.write("posts: []\n")
        started = time.monotonic()
        self.do("plan", "--days", "1")
        ahead = max(15.0, 2 * calls * (time.monotonic() - started))
        self.due = time.monotonic() + ahead
        moment = datetime.now(UTC) + timedelta(seconds=ahead)
        return moment.strftime("%Y-%m-%d %H:%M:%S+00:00")

    @property
    def environment(self) -> dict[str, str]:
        keys = secrets_for(USER)
        ours = {f"VERBATIM_X_{name}": value for name, value in keys.items()}
        return {
            **{name: value for name, value in os.environ.items() if name in {"PATH", "HOME"}},
            **ours,
            "VERBATIM_M_ACCESS_TOKEN": self.mastodon_account.token,
            "VERBATIM_B_APP_PASSWORD": self.pds_account.app_password,
            "VERBATIM_SETTLE_FIRST": "0.5",
            "VERBATIM_SETTLE_APART": "0.5",
            "VERBATIM_RELOAD": "0.5",
            "VERBATIM_READ_TIMEOUT": "20",
            "PYTHONUNBUFFERED": "1",
        }

    def _command(self, *words: str) -> list[str]:
        paths = ["--config", "schedule.yaml", "--posts", "posts", "--data", "data"]
        return [sys.executable, str(ROOT / "run_bot.py"), *words, *paths]

    def start(self) -> None:
        """Start ``run_bot.py run`` as its own process."""
        with (self.folder / "log.jsonl").open("ab") as out:
            self.process = subprocess.Popen(
                self._command("run"), cwd=self.folder, env=self.environment, stderr=out, stdout=out
            )

    def kill(self) -> None:
        """Kill it as a power cut would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)
        self.process = None

    def stop(self) -> int:
        """Stop it in order; its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(40)
        self.process = None
        return code

    def do(self, *words: str) -> Any:
        """Run a verb in a second process; what it printed as JSON."""
        done = subprocess.run(
            self._command(*words, "--json"), cwd=self.folder, env=self.environment,
            capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        if done.returncode:
            raise AssertionError(f"{words}: {done.returncode}\n{done.stderr.decode()}\n{self.log}")
        return json.loads(done.stdout)

    @property
    def log(self) -> str:
        path = self.folder / "log.jsonl"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def states(self) -> dict[tuple[str, str, int], dict[str, Any]]:
        """Give every delivery by post, account and part."""
        rows = self.do("deliveries")
        return {(row["post"], row["account"], row["part"]): row for row in rows}

    def wait_until(self, is_so: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
        """Look again and again until something is so, for so long after now and after `moment`."""
        deadline = max(time.monotonic(), self.due) + seconds
        while not is_so():
            if time.monotonic() > deadline:
                raise AssertionError(f"never: {what}\n{self.log[-6000:]}")
            time.sleep(0.2)

    def wait_planned(self, count: int) -> None:
        """Wait until the service has planned so many deliveries."""

        def is_planned() -> bool:
            database = self.folder / "data" / "live.db"
            return database.exists() and len(self.do("deliveries")) >= count

        self.wait_until(is_planned, f"{count} deliveries planned")

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
                one["id"],
                self.mastodon.source(account, one["id"]),
                parent=one["in_reply_to_id"],
                lang=one["language"],
                warning=one["spoiler_text"],
                alts=tuple(media["description"] for media in one["media_attachments"]),
            )
            for one in reversed(self.mastodon.statuses(account))
        ]

    def _on_bluesky(self) -> list[Seen]:
        seen = []
        for one in self.pds.posts(self.pds_account):
            value = one["value"]
            reply, embed = value.get("reply"), value.get("embed", {})
            seen.append(
                Seen(
                    one["uri"],
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
            Seen(one.id, one.text, parent=one.parent,
                 alts=tuple(world.media[media].alt for media in one.media))
            for one in world.live()
        ]  # fmt: skip

    def close(self) -> None:
        if self.process is not None:
            self.kill()
        for proxy in self.proxies.values():
            proxy.close()


@contextmanager
def staged(folder: Path, mastodon: MastodonServer, pds: Pds, x: XStandin) -> Iterator[Stage]:
    stage = Stage(folder, mastodon, mastodon.account(), pds, pds.account(), x)
    try:
        yield stage
    finally:
        stage.close()
