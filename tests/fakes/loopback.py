"""A small HTTP server on loopback that one function answers for; it remembers what was asked."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """One request."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes
    #: Path and query as they were sent.
    target: str

    @property
    def json(self) -> Any:
        return json.loads(self.body or b"{}")

    @property
    def form(self) -> Mapping[str, list[str]]:
        return parse_qs(self.body.decode("latin-1"), encoding="utf-8")

    @property
    def line(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Told:
    """One answer; the connection is dropped without a word where ``is_lost``."""

    status: int = 200
    body: object = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    reason: str = "Whatever"
    is_lost: bool = False

    @property
    def wire(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


def received(handler: BaseHTTPRequestHandler) -> ReceivedRequest:
    """Read one request; its body is shorter than it says where the client died."""
    parts = urlsplit(handler.path)
    body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
    headers = dict(handler.headers.items())
    return ReceivedRequest(
        handler.command, parts.path, parse_qs(parts.query), headers, body, handler.path
    )


class _Server(ThreadingHTTPServer):
    request_queue_size = 64

    def server_bind(self) -> None:
        # HTTPServer would look our own name up, which can take seconds.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay silent: clients that are killed or hang up are what these servers are for."""


class Loopback:
    """Serves until closed; ``origin`` is its address."""

    def __init__(self, answer: Callable[[ReceivedRequest], Told]) -> None:
        #: All requests, in order.
        self.asked: list[ReceivedRequest] = []
        outer = self

        class _Handler(BaseHTTPRequestHandler):
            def serve(self) -> None:
                outer.serve(self, answer)

            do_GET = do_POST = do_PUT = do_DELETE = serve  # noqa: N815 - http.server's names

            def log_message(self, format: str, *args: Any) -> None:
                """Stay silent."""

        self._server = _Server(("127.0.0.1", 0), _Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def lines(self) -> list[str]:
        """Return what was asked, as ``GET /path``."""
        return [asked.line for asked in self.asked]

    def serve(
        self, handler: BaseHTTPRequestHandler, answer: Callable[[ReceivedRequest], Told]
    ) -> None:
        """Answer one request."""
        asked = received(handler)
        self.asked.append(asked)
        told = answer(asked)
        handler.close_connection = True
        if told.is_lost:
            return
        handler.send_response_only(told.status, told.reason)
        usual = {"Content-Type": "application/json", "Date": handler.date_time_string()}
        for name, value in {**usual, **told.headers}.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(told.wire)))
        handler.end_headers()
        handler.wfile.write(told.wire)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


class Inbox(Loopback):
    """Takes what apprise sends to ``json://``."""

    def __init__(self) -> None:
        self.status = 200
        super().__init__(lambda _asked: Told(self.status))

    @property
    def address(self) -> str:
        return self.origin.replace("http://", "json://")

    @property
    def texts(self) -> list[str]:
        return [asked.json["message"] for asked in self.asked]

    @property
    def titles(self) -> list[str]:
        return [asked.json["title"] for asked in self.asked]
