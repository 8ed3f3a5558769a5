"""A third-party mock of Mastodon's API (mastodon_mock) on loopback, one for all tests of a run."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.servers import ending, free_port
from tests.servers.shared import shared_by_workers

_START_SECONDS = 300.0
#: The mock, which ends when its input ends, so that it cannot outlive the tests.
_MAIN = """
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
from mastodon_mock.cli import main
main(sys.argv[1:])
"""


@dataclass(frozen=True, slots=True)
class MastodonAccount:
    """An account of the mock, with its token."""

    id: str
    username: str
    token: str
    #: Id of a status that was there before, by which the server shows that it lists what it takes.
    older: str


@dataclass(frozen=True, slots=True)
class MastodonServer:
    """A running mock."""

    origin: str

    def account(self, *, bot: bool = True) -> MastodonAccount:
        """Make a new account; by default it says that it is automated."""
        name = f"voice_{uuid.uuid4().hex[:8]}"
        made = self.ask("POST", "/api/v1/_mock/dev_user", {"username": name})
        token = made["access_token"]
        older = self.ask("POST", "/api/v1/statuses", b"status=An+older+status.", token=token)
        account = MastodonAccount(made["id"], made["username"], token, older["id"])
        if bot:
            self.ask(
                "PATCH",
                "/api/v1/accounts/update_credentials",
                b"bot=true",  # the mock takes a form only
                token=account.token,
            )
        return account

    def statuses(self, account: MastodonAccount) -> list[dict[str, Any]]:
        """List what is live of what was posted since, newest first, as the mock tells it."""
        path = f"/api/v1/accounts/{account.id}/statuses?limit=40"
        listed = self.ask("GET", path, token=account.token)
        return [status for status in listed if status["id"] != account.older]

    def source(self, account: MastodonAccount, status_id: str) -> str:
        """Return a status's exact text."""
        path = f"/api/v1/statuses/{status_id}/source"
        return str(self.ask("GET", path, token=account.token)["text"])

    def ask(self, method: str, path: str, body: object = None, *, token: str = "") -> Any:
        """Speak to the mock directly, past any proxy and any client of ours."""
        request = urllib.request.Request(  # noqa: S310 - loopback
            self.origin + path,
            method=method,
            data=body if isinstance(body, bytes | None) else json.dumps(body).encode(),
            headers={"Connection": "close"},
        )
        if not isinstance(body, bytes):
            request.add_header("Content-Type", "application/json")
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        with urllib.request.urlopen(request, timeout=300) as answer:  # noqa: S310 - loopback
            return json.loads(answer.read())


@pytest.fixture(scope="session")
def mastodon_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MastodonServer]:
    """Start the mock on a free port; stopped, by its process id, when the run ends."""
    home = tmp_path_factory.mktemp("mastodon")
    with shared_by_workers("mastodon", tmp_path_factory, lambda: _started(home)) as shared:
        yield shared


@contextmanager
def _started(home: Path) -> Iterator[MastodonServer]:
    config = home / "mock.toml"
    config.write_text('[database]\npath = ":memory:"\n\n[[seed.accounts]]\nusername = "first"\n')
    port = free_port()
    process = _start(config, port, home / "log")
    with ending(process):
        yield MastodonServer(f"http://127.0.0.1:{port}")


def _start(config: Path, port: int, log: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", _MAIN, "serve", "--config", str(config)]
    command += ["--host", "127.0.0.1", "--port", str(port), "--log-level", "warning"]
    command += ["--domain", f"127.0.0.1:{port}"]
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=out, stderr=out, cwd=config.parent
        )
    for _ in range(int(_START_SECONDS / 0.1)):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return process
        try:
            process.wait(timeout=0.1)
        except subprocess.TimeoutExpired:
            continue
        break
    process.kill()
    process.wait()
    pytest.fail(f"mastodon_mock did not start:\n{log.read_text()[-2000:]}")
