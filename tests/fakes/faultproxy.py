"""A small TCP proxy that spoils chosen HTTP requests: cut, swallowed, stalled, answered wrongly.

It reads each request whole, decides by its first line whether a fault is due, and speaks to the
server behind it on a connection of its own. Every client connection carries one request.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from typing import Self
from urllib.parse import urlsplit

from tests.fakes.loopback import Loopback, ReceivedRequest, Told, received

_LIMIT = 200_000_000
_FILLER = b"x" * 50_000
#: What a handshake begins with; there is nobody here to shake hands with.
_TLS = b"\x16"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the client gets instead of the server's own answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    #: So many bytes more of the body, which need not be held in memory to be sent.
    filler: int = 0
    reason: str = "Whatever"

    def wire(self) -> bytes:
        length = str(len(self.body) + self.filler)
        fields = {**self.headers, "Content-Length": length, "Connection": "close"}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return f"HTTP/1.1 {self.status} {self.reason}\r\n{head}\r\n".encode() + self.body


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to one request, and to its answer."""

    #: Bytes of the request that reach the server; None is all, 0 keeps it from the server.
    up: int | None = None
    #: Bytes of the answer that reach the client, who is then hung up on; None is all.
    down: int | None = None
    answer: Answer | None = None
    #: Hang up with RST rather than FIN.
    reset: bool = False
    #: Seconds of silence before the first byte of the answer.
    stall: float = 0.0
    #: Happens when the server has answered and the client has heard `heard` bytes of it.
    meanwhile: Callable[[], object] | None = None
    heard: int = 0
    #: Bytes of the request that reach the server as others, so many for so many.
    swaps: tuple[bytes, bytes] = (b"", b"")


#: The server has stored the status, and the client hears nothing.
HANG_UP_AFTER = Fault(down=0)
#: The server never saw the request, and the client hears nothing.
HANG_UP_BEFORE = Fault(up=0, down=0)


def answered(answer: Answer, *, stored: bool) -> Fault:
    """Return the client this answer, whether the server has seen the request or not."""
    return Fault(up=None if stored else 0, answer=answer)


@dataclass(slots=True)
class _Rule:
    match: re.Pattern[str]
    fault: Fault
    #: Requests that it is still good for; -1 is without end.
    left: int


class Faults:
    """Which fault is due for which request; safe to use from several threads."""

    def __init__(self) -> None:
        self._rules: list[_Rule] = []
        self._lock = threading.Lock()

    def spoil(self, match: str, fault: Fault, *, times: int = 1) -> None:
        """Let ``fault`` befall the next requests whose first line fits the pattern; -1: all."""
        with self._lock:
            self._rules.append(_Rule(re.compile(match), fault, times))

    def heal(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._rules.clear()

    def due(self, first: str) -> Fault:
        """Take the fault that is due for a request with this first line."""
        with self._lock:
            for rule in self._rules:
                if rule.left and rule.match.search(first):
                    rule.left -= 1
                    return rule.fault
        return Fault()


def give(client: socket.socket, answer: bytes, fault: Fault, stopped: threading.Event) -> None:
    """Send an answer as the fault will have it."""
    if fault.stall:
        stopped.wait(fault.stall)
    answer = answer[: fault.down]
    if fault.meanwhile:
        client.sendall(answer[: fault.heard])
        answer = answer[fault.heard :]
        fault.meanwhile()
    client.sendall(answer)
    for _ in range((fault.answer.filler if fault.answer else 0) // len(_FILLER)):
        client.sendall(_FILLER)
    if fault.reset:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class FaultyLoopback(Loopback):
    """A loopback server whose requests meet faults, and can kill whoever sent them."""

    faults: Faults
    #: (pid, "before" or "after") to kill at the next request that publishes.
    kill: tuple[int, str] | None
    stopped: threading.Event
    #: First line and status of every request.
    requests: list[tuple[str, int]]

    def spoil_with(self, faults: Faults, publish: str, now: Callable[[], float]) -> None:
        """Prepare; a request publishes whose first line fits the pattern."""
        self.faults, self._publishes, self.now = faults, re.compile(publish), now
        self.kill, self.stopped, self.requests = None, threading.Event(), []

    def serve(
        self, handler: BaseHTTPRequestHandler, answer: Callable[[ReceivedRequest], Told]
    ) -> None:
        asked = received(handler)
        handler.close_connection = True
        if len(asked.body) < int(handler.headers.get("Content-Length") or 0):
            return  # its sender died: a server waits for the rest, and takes nothing
        line = f"{handler.command} {handler.path} HTTP/1.1"
        fault = self.faults.due(line)
        self._kill(line, "before")
        if any(fault.swaps):
            asked = replace(asked, body=asked.body.replace(*fault.swaps))
        told = answer(asked) if fault.up != 0 else Told(0, is_lost=True)
        self._kill(line, "after")
        reply = b"" if told.is_lost else self._wire(told)
        if fault.answer:
            told, reply = Told(fault.answer.status), fault.answer.wire()
        self.requests.append((line, told.status))
        give(handler.connection, reply, fault, self.stopped)

    def _wire(self, told: Told) -> bytes:
        fields = {"Content-Type": "application/json", "Date": formatdate(self.now(), usegmt=True)}
        fields |= {**told.headers, "Content-Length": str(len(told.wire)), "Connection": "close"}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return f"HTTP/1.1 {told.status} {told.reason}\r\n{head}\r\n".encode() + told.wire

    def _kill(self, line: str, when: str) -> None:
        if self.kill and self.kill[1] == when and self._publishes.search(line):
            pid, self.kill = self.kill[0], None
            os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        self.stopped.set()
        super().close()


class FaultProxy:
    """Stands before a server on loopback; `origin` is what the client is told."""

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        self.upstream = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._faults = Faults()
        #: ``proxy.spoil("^POST /2/tweets ", HANG_UP_AFTER)`` and ``proxy.heal()``.
        self.spoil, self.heal = self._faults.spoil, self._faults.heal
        self._stopped = threading.Event()
        self._listener: socket.socket | None = None
        self._port = 0
        #: First lines of all requests that came in.
        self.seen: list[str] = []
        self.accept()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def refuse(self) -> None:
        """Stop listening: connections are refused until `accept`."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def accept(self) -> None:
        """Listen, on the same port as before."""
        self._listener = socket.create_server(("127.0.0.1", self._port), backlog=64)
        self._listener.settimeout(0.1)
        self._port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, args=(self._listener,), daemon=True).start()

    def close(self) -> None:
        self._stopped.set()
        self.refuse()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _serve(self, listener: socket.socket) -> None:
        while not self._stopped.is_set():
            try:
                client, _ = listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        client.settimeout(300)
        with client, suppress(OSError):
            request = _read_request(client)
            if not request:
                return
            first = request.split(b"\r\n", 1)[0].decode("latin-1")
            self.seen.append(first)
            fault = self._faults.due(first)
            give(client, self._answer(request, fault), fault, self._stopped)

    def _answer(self, request: bytes, fault: Fault) -> bytes:
        answer = b""
        if any(fault.swaps):
            request = request.replace(*fault.swaps)
        if fault.up != 0:
            # All of it: the server stores it, which is over before the client can look for it.
            is_whole = fault.up is None or fault.up >= len(request)
            answer = self._ask(request[: fault.up], wait=is_whole)
        return fault.answer.wire() if fault.answer else answer

    def _ask(self, request: bytes, *, wait: bool) -> bytes:
        with socket.create_connection(self.upstream, timeout=300) as server:
            server.sendall(request)
            if not wait:
                return b""
            chunks = []
            while chunk := server.recv(65536):
                chunks.append(chunk)
            return b"".join(chunks)


def _read_request(client: socket.socket) -> bytes:
    """Read one request, and ask the server to close after it."""
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = client.recv(65536)
        if not chunk or chunk[:1] == _TLS:
            return b""
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    fields = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(b":") for line in head.split(b"\r\n")[1:])
    }
    pieces, size = [body], len(body)
    wanted = int(fields.get(b"content-length", b"0"))
    chunked = b"chunked" in fields.get(b"transfer-encoding", b"")
    while size < min(wanted, _LIMIT) or (chunked and not pieces[-1].endswith(b"0\r\n\r\n")):
        chunk = client.recv(65536)
        if not chunk:
            break
        pieces.append(chunk)
        size += len(chunk)
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
    return b"\r\n".join([*lines, b"Connection: close"]) + b"\r\n\r\n" + b"".join(pieces)
