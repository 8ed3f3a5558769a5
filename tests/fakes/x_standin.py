"""A stand-in for X's API v2: a real HTTP server on loopback that behaves like X where it hurts.

It runs in a thread (``with XStandin() as x``). Every request and every answer is checked against
X's OpenAPI description, and every OAuth 1.0a signature is verified.
"""

from __future__ import annotations

import os
import signal
import socketserver
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self, cast
from urllib.parse import parse_qsl, urlsplit

from tests.fakes import x_api
from tests.fakes.faultproxy import Fault, Faults, give
from tests.fakes.x_oauth import OAuth, secrets_for
from tests.fakes.x_spec import ReceivedRequest, read_spec
from tests.fakes.x_world import World

#: The address that tweepy signs, wherever a request is really sent.
SIGNED_ORIGIN = "https://api.twitter.com"
USER = "2244994945"
SPEC_FILE = Path(__file__).resolve().parents[3] / "shared/conformance/x-api-openapi.json"
#: Requests in 15 minutes, 22 August 2026.
RATES: Mapping[str, int] = {
    "POST /2/tweets": 100,
    "DELETE /2/tweets/": 50,
    "GET /2/tweets": 5000,
    "GET /2/users/me": 75,
    "GET /2/users/": 900,
    "POST /2/media/": 500,
}
_WINDOW = 900


class XStandin:
    """The server, its world and its faults; state may be read and set between requests."""

    def __init__(
        self,
        *,
        port: int = 0,
        ledger: Path | None = None,
        lag: float = 0.0,
        spec_file: Path = SPEC_FILE,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.world = World(ledger, lag=lag)
        self.faults = Faults()
        self.rates = dict(RATES)
        #: What the description does not allow; must stay empty.
        self.violations: list[str] = []
        #: (number of the connection, first line, status) of every request.
        self.requests: list[tuple[int, str, int]] = []
        #: (pid, "before" or "after") to kill at the next request that publishes.
        self.kill: tuple[int, str] | None = None
        self.now = now
        self.spec = read_spec(spec_file)
        self.oauth = OAuth(now)
        self.lock = threading.RLock()
        self.stopped = threading.Event()
        self._counts: dict[tuple[str, str, int], int] = defaultdict(int)
        self._server = _Server(self, port)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()

    def serve_forever(self) -> None:
        self._server.serve_forever()

    def answer(self, asked: ReceivedRequest, headers: Mapping[str, str]) -> x_api.Reply:
        """Judge and serve one request."""
        with self.lock:
            reply = self._answer(asked, headers)
            body = reply.body()
            if not reply.in_the_wild and asked.path.startswith("/2/"):
                self._check(self.spec.complaint_about_answer(asked, reply.status, body), "answer")
            return reply

    def _answer(self, asked: ReceivedRequest, headers: Mapping[str, str]) -> x_api.Reply:
        url = SIGNED_ORIGIN + asked.path
        query = urlsplit(headers.get("x-target", "")).query
        user = self.oauth.user(
            asked.method, f"{url}?{query}" if query else url, headers.get("authorization", "")
        )
        if user is None:
            return x_api.UNAUTHORIZED
        complaint = self.spec.complaint_about_request(asked)
        if complaint:
            self._check(complaint, "request")
            return x_api.invalid(complaint)
        if limited := self._count(asked, user):
            return limited
        return x_api.serve(self.world, asked, user)

    def _check(self, complaint: str | None, what: str) -> None:
        if complaint:
            self.violations.append(f"{what}: {complaint}")

    def _count(self, asked: ReceivedRequest, user: str) -> x_api.Reply | None:
        route, most = self._rate(asked)
        key = (user, route, int(self.now()) // _WINDOW)
        self._counts[key] += 1
        return x_api.TOO_MANY if self._counts[key] > most else None

    def rate_headers(self, asked: ReceivedRequest) -> dict[str, str]:
        """Write the headers in which X tells how much is left."""
        route, most = self._rate(asked)
        window = int(self.now()) // _WINDOW
        used = max(
            (n for (_, one, at), n in self._counts.items() if (one, at) == (route, window)),
            default=0,
        )
        return {
            "x-rate-limit-limit": str(most),
            "x-rate-limit-remaining": str(max(0, most - used)),
            "x-rate-limit-reset": str((window + 1) * _WINDOW),
        }

    def _rate(self, asked: ReceivedRequest) -> tuple[str, int]:
        line = f"{asked.method} {asked.path}"
        route = next((one for one in self.rates if line.startswith(one)), "")
        return route, self.rates.get(route, 1_000_000)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, standin: XStandin, port: int) -> None:
        self.standin = standin
        self.connections = 0
        super().__init__(("127.0.0.1", port), _Handler)

    def server_bind(self) -> None:
        # HTTPServer would look our own name up, which can take seconds.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that are killed or hang up are what this server is for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 300

    def setup(self) -> None:
        super().setup()
        self.standin = cast("_Server", self.server).standin
        with self.standin.lock:
            cast("_Server", self.server).connections += 1
            self.number = cast("_Server", self.server).connections

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        line = f"{self.command} {self.path} HTTP/1.1"
        parts = urlsplit(self.path)
        asked = ReceivedRequest(self.command, parts.path, dict(parse_qsl(parts.query)), body)
        fault = self.standin.faults.due(line)
        self._kill(asked, "before")
        headers = {name.lower(): value for name, value in self.headers.items()}
        headers["x-target"] = self.path
        status, answer = self._answered(asked, headers, fault)
        self.standin.requests.append((self.number, line, status))
        self._kill(asked, "after")
        give(self.connection, answer, fault, self.standin.stopped)
        if fault != Fault():
            self.close_connection = True

    do_GET = do_POST = do_DELETE = do_PUT = _serve  # noqa: N815 - http.server's own names

    def _answered(
        self, asked: ReceivedRequest, headers: Mapping[str, str], fault: Fault
    ) -> tuple[int, bytes]:
        if fault.up == 0:
            return (fault.answer.status, fault.answer.wire()) if fault.answer else (0, b"")
        reply = self.standin.answer(asked, headers)
        if fault.answer:
            return fault.answer.status, fault.answer.wire()
        extra = self.standin.rate_headers(asked)
        return reply.status, _wire(
            reply, {**extra, "Date": formatdate(self.standin.now(), usegmt=True)}
        )

    def _kill(self, asked: ReceivedRequest, when: str) -> None:
        victim = self.standin.kill
        if victim and victim[1] == when and (asked.method, asked.path) == ("POST", "/2/tweets"):
            self.standin.kill = None
            os.kill(victim[0], signal.SIGKILL)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing; `XStandin.requests` has it all."""


def _wire(reply: x_api.Reply, headers: Mapping[str, str]) -> bytes:
    body = reply.body()
    fields = {
        **headers,
        "Content-Type": reply.content_type,
        "Content-Length": str(len(body)),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {reply.status} Whatever\r\n{head}\r\n".encode() + body


__all__ = ["SPEC_FILE", "USER", "XStandin", "secrets_for"]
