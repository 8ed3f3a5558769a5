"""The service in the file system of the built image, as ``compose.yaml`` says, and what ails it.

``make image-check`` leaves the tree and ``tools/image_run.sh`` runs in it. The network is a mock of
Mastodon behind a proxy; the data directory is a small disk of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from bot.authority.access import Access
from bot.authority.users import Role
from bot.clock import SystemClock
from bot.operations.opening import open_store
from tests.conftest import ROOT
from tests.e2e.bot_process import OWNED
from tests.fakes.browser import PASSWORD, HttpBrowser
from tests.fakes.faultproxy import Answer, FaultProxy, answered
from tests.fakes.loopback import Inbox, Loopback, ReceivedRequest, Told
from tests.fakes.people import token_of
from tests.integration.test_inspector import loosen
from tests.operations.machine import HOOK, MEGABYTE, NOBODY, leaf
from tests.servers import free_port
from tests.servers.mastodon import MastodonServer
from tests.servers.postgres import PostgresServer
from tests.waiting import wait_until

#: The tree that `make image-check` left; empty where no image was built.
TREE = os.environ.get("IMAGE_TREE", "")
DATABASE = "VERBATIM_DATABASE_URL"
#: Channels of alerts that answer late, or refuse.
SLOW, STRICT = "slow", "strict"
SCHEDULE = """\
campaign: operated
timezone: UTC
mode: live
approvals_required: 1
not_after: 15m
graphic_per_day: 1
accounts:
  m: {{platform: mastodon, server: "{server}", {owned}}}
"""


@dataclass
class ImageBot:
    """`run` in the image, live on one account, and everything that an operator has in hand."""

    folder: Path
    mastodon: MastodonServer
    inbox: Inbox
    #: VERBATIM_ALERTS has these beside the inbox.
    addresses: Sequence[str] = ()
    variables: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    #: Another replica.
    other: subprocess.Popen[bytes] | None = None
    #: Its database, where that is not the embedded one.
    postgres: PostgresServer | None = None
    browser: HttpBrowser | None = None
    #: Its server with a clock that is ahead.
    ahead: Loopback | None = None
    token: str = ""

    def __post_init__(self) -> None:
        self.account = self.mastodon.account()
        self.proxy = FaultProxy(self.mastodon.origin)
        self.web, self.monitor = free_port(), free_port()
        for name in ("campaign/posts", "secrets", "more", "data"):
            (self.folder / name).mkdir(parents=True)
        schedule = SCHEDULE.format(server=self.proxy.origin, owned=OWNED)
        (self.folder / "campaign" / "schedule.yaml").write_text(schedule, encoding="utf-8")
        self.write("posts: []\n")
        (self.folder / "more" / "sitecustomize.py").write_text(HOOK, encoding="utf-8")
        self.secret.write_text(self.account.token, encoding="utf-8")
        self.secret.chmod(0o400)
        self.folder.chmod(0o755)
        shutil.chown(self.secret, int(NOBODY))

    @property
    def secret(self) -> Path:
        return self.folder / "secrets" / "VERBATIM_M_ACCESS_TOKEN"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def write(self, posts: str) -> None:
        (self.folder / "campaign" / "posts" / "all.yaml").write_text(posts, encoding="utf-8")

    # Running

    def _start(self, *words: str, **variables: str) -> subprocess.Popen[bytes]:
        data = variables.pop("DATA", str(self.data))
        own = {
            "NETWORK": "host", "CAMPAIGN": str(self.folder / "campaign"),
            "SECRETS": str(self.folder / "secrets"), "MORE": str(self.folder / "more"),
            "PYTHONPATH": "/run/more", "VERBATIM_HOST_ID": "image",
            "VERBATIM_WEB": f"127.0.0.1:{self.web}",
            "VERBATIM_MONITOR": f"127.0.0.1:{self.monitor}",
            "VERBATIM_ALERTS": " ".join((self.inbox.address, *self.addresses)),
            "PATH": os.environ["PATH"],
        }  # fmt: skip
        command = ["sh", str(ROOT / "tools" / "image_run.sh"), TREE, data]
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [*command, "python", "run_bot.py", *words], env=own | self.variables | variables,
                stdin=subprocess.DEVNULL, stderr=log if words == ("run",) else subprocess.PIPE,
                stdout=log if words == ("run",) else subprocess.PIPE,
            )  # fmt: skip

    def call(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a verb beside the service, as `docker compose exec` does."""
        proof = {"VERBATIM_TOKEN": self.token} if "--as" in words else {}
        with self._start(*words, **proof | variables) as process:
            out, err = process.communicate(timeout=300)
        code = process.returncode
        return subprocess.CompletedProcess(words, code, out.decode(), err.decode())

    def start(self) -> None:
        """Start `run`, and wait until it has looked at its account."""
        self.launch()
        wait_until(lambda: self.ask("/readyz")[0] == 200, "ready", log=self.log, every=0.5)

    def launch(self) -> None:
        self.process = self._start("run")

    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8")[-4000:]

    @property
    def pid(self) -> int:
        """Return the number of the service's own process, below what runs it."""
        assert self.process is not None
        return leaf(self.process.pid)

    def stop(self) -> int:
        """Stop it in order; return its exit code."""
        assert self.process is not None
        os.kill(self.pid, signal.SIGTERM)
        return self.process.wait(300)

    def restart(self) -> None:
        self.stop()
        self.launch()
        wait_until(lambda: self.ask("/livez")[0] == 200, "at work", log=self.log, every=0.5)

    def inject(self, code: str) -> None:
        (self.folder / "more" / "fault.py").write_text(code, encoding="utf-8")
        os.kill(self.pid, signal.SIGUSR1)

    def close(self) -> None:
        for process in (self.process, self.other):
            if process is not None and process.poll() is None:
                with suppress(ProcessLookupError):
                    os.kill(leaf(process.pid), signal.SIGKILL)
                process.wait(60)
        self.proxy.close()
        if self.ahead is not None:
            self.ahead.close()

    # What it says

    def ask(self, path: str, port: int = 0) -> tuple[int, str]:
        """Return what a probe answers; 0 where nothing does."""
        try:
            with urlopen(f"http://127.0.0.1:{port or self.monitor}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()
        except (URLError, OSError):
            return 0, ""

    def words_of(self, key: str) -> list[str]:
        """Return what is said of the matters whose key begins so: the first line of each."""
        told = [line.partition(": ")[::2] for line in self.ask("/readyz")[1].splitlines()]
        if not any(name.startswith(key) for name, _text in told):
            done = self.call("status", "--json")
            matters = json.loads(done.stdout)["matters"] if done.stdout else ()
            told = [(each["key"], each["text"].partition("\n")[0]) for each in matters]
        return [text for name, text in told if name.startswith(key)]

    def status(self) -> str:
        done = self.call("status")
        return " ".join((done.stdout + done.stderr).split())

    def doctor(self) -> list[dict[str, Any]]:
        """Return what it finds."""
        done = self.call("doctor", "--json")
        assert done.stdout, done.stderr
        return list(json.loads(done.stdout))

    def desk(self) -> str:
        """Return the first page; empty where none is shown."""
        if self.browser is None:
            return ""
        try:
            answer = self.browser.get("/")
        except OSError:
            return ""
        return answer.text if answer.status == 200 else f"{answer.status} {answer.text}"

    def enlist(self) -> None:
        """Make the operator who types and looks."""
        address = self.variables.get(DATABASE) or f"sqlite:///{self.data / 'live.db'}"
        with closing(open_store(address, create=False, data=self.data, machine="image")) as store:
            access = Access(store, SystemClock())
            access.add("olga", frozenset({Role.OPERATOR, Role.APPROVER}), PASSWORD, by="olga")
            access.add("ed", frozenset({Role.EDITOR}), PASSWORD, by="olga")
            self.token = token_of(store, SystemClock(), "olga")
        self.browser = HttpBrowser(f"http://127.0.0.1:{self.web}")
        assert "olga" in self.browser.sign_in("olga").text or self.browser.get("/").status == 200

    # What ails it

    def leave(self, megabytes: int) -> None:
        """Fill the disk until so much is left."""
        with (self.data / "filling").open("wb") as file:
            free = os.statvfs(self.data)
            size = free.f_bavail * free.f_frsize - megabytes * MEGABYTE
            with suppress(OSError):
                os.posix_fallocate(file.fileno(), 0, size)

    def fill(self) -> None:
        """Leave nothing: also of what only root may use."""
        with suppress(OSError), (self.data / "filling").open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * MEGABYTE)

    def abort_disk(self) -> None:
        """Let the kernel find an error of the disk, after which it may only be read."""
        subprocess.run(["mount", "-o", "remount,abort", str(self.data)], check=True)
        with suppress(OSError):
            (self.data / "noticed").touch()

    def damage(self) -> None:
        self.stop()
        loosen(self.data / "live.db")
        self.launch()

    def answer(self, status: int, words: str) -> None:
        """Let the account's server refuse its token from now on; a look at it is due at once."""
        body = json.dumps({"error": words}).encode()
        self.proxy.spoil(".", answered(Answer(status, body), stored=False), times=-1)
        self.restart()

    def set_clocks_apart(self) -> None:
        """Let the account's server, the only one, live two days ahead."""
        date = format_datetime(datetime.now(UTC) + timedelta(days=2), usegmt=True)

        def forward(asked: ReceivedRequest) -> Told:
            own = {name: value for name, value in asked.headers.items() if name == "Authorization"}
            request = Request(self.mastodon.origin + asked.target, headers=own)  # noqa: S310 - a server on loopback
            try:
                with urlopen(request, timeout=60) as answer:  # noqa: S310 - loopback
                    return Told(answer.status, answer.read(), {"Date": date})
            except HTTPError as error:
                return Told(error.code, error.read(), {"Date": date})

        self.ahead = Loopback(forward)
        self.proxy.upstream = ("127.0.0.1", int(self.ahead.origin.rpartition(":")[2]))
        self.restart()

    def lose_secret(self) -> None:
        self.secret.unlink()
        self.restart()

    def pause(self) -> None:
        done = self.call("pause", "--reason", "mourning", "--as", "olga")
        assert done.returncode == 0, done.stderr

    def approve_one(self) -> None:
        """Have a post whose time comes soon, and which is approved."""
        at = datetime.now(UTC) + timedelta(seconds=45)
        self.write('posts:\n  - id: one\n    text: "Words for now."\n    author: ed\n'
                   f"    at: {at:%Y-%m-%d %H:%M:%S+00:00}\n")  # fmt: skip
        wait_until(lambda: "one" in self.call("deliveries").stdout, "planned", log=self.log)
        assert self.call("approve", "one", "--as", "olga").returncode == 0

    def lapse(self) -> None:
        """Let a post's time come while all is paused."""
        self.approve_one()
        self.pause()
        wait_until(lambda: "HELD" in self.call("held").stdout, "held", log=self.log, every=2)
        assert self.call("resume", "--as", "olga").returncode == 0

    def half_copy(self) -> None:
        self.write('posts:\n  - id: one\n    text: "cut in the mid')

    def change_campaign(self) -> None:
        """Let the files of another campaign lie where its own were."""
        schedule = self.folder / "campaign" / "schedule.yaml"
        text = schedule.read_text(encoding="utf-8").replace("campaign: operated", "campaign: other")
        schedule.write_text(text, encoding="utf-8")

    def take_database_away(self) -> None:
        assert self.postgres is not None
        self.postgres.stop(mode="immediate")

    def freeze(self) -> None:
        """Freeze this replica while another one is at work, which sends what comes due."""
        data, web, monitor = self.folder / "other", free_port(), free_port()
        data.mkdir(mode=0o700)
        shutil.chown(data, int(NOBODY), int(NOBODY))
        own = {"VERBATIM_WEB": f"127.0.0.1:{web}", "VERBATIM_MONITOR": f"127.0.0.1:{monitor}"}
        self.other = self._start("run", DATA=str(data), MACHINE="other", **own)
        wait_until(lambda: self.ask("/readyz", monitor)[0] == 200, "ready", log=self.log)
        self.approve_one()
        os.kill(self.pid, signal.SIGSTOP)
        self.browser = HttpBrowser(f"http://127.0.0.1:{web}")
        self.browser.sign_in("olga")
        wait_until(lambda: bool(self.mastodon.statuses(self.account)), "sent", log=self.log)
