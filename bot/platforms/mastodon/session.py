"""The HTTP session under Mastodon.py: bounded in time and size, and leaking nothing."""

from __future__ import annotations

import io
import socket
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from bot.platforms.base import Connection
from bot.platforms.wall import Wall
from bot.platforms.wire import Trace, redact, redact_bytes, take, unpack

#: Mastodon.py raises a rate limit error even for a 200 if it cannot read these, warns of
#: a deprecation as if it were ours, and trips over a malformed Link; `Trace` has read what we need.
_NOT_FOR_THE_LIBRARY = frozenset(
    {
        "x-ratelimit-limit",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
        "deprecation",
        "link",
        "content-encoding",
        "transfer-encoding",
    }
)
_CHUNK = 65_536


class BoundedSession(requests.Session):
    """A session whose every request is one fresh connection with a hard end."""

    def __init__(self, connection: Connection, trace: Trace) -> None:
        super().__init__()
        self.trust_env = False
        self.max_redirects = 0
        self.headers.update({"Accept": "application/json", "Accept-Encoding": "identity"})
        # A kept-alive connection dies without telling whether the request was read.
        self.headers["Connection"] = "close"
        adapter = _BoundedAdapter(connection, trace)
        self.mount("https://", adapter)
        self.mount("http://", adapter)


class _BoundedAdapter(HTTPAdapter):
    def __init__(self, connection: Connection, trace: Trace) -> None:
        self._connection = connection
        self._trace = trace
        super().__init__(max_retries=0)

    def send(
        self, request: requests.PreparedRequest, *_args: Any, **options: Any
    ) -> requests.Response:
        self._trace.begin(urlsplit(request.url or "").path)
        limits = (self._connection.connect_timeout, self._connection.read_timeout)
        options |= {"stream": True, "timeout": limits, "proxies": None}
        try:
            with Wall(sum(limits)) as self._wall:
                response = super().send(request, **options)
                self._trace.answer(response.status_code, response.headers)
                body = self._read(response)
        finally:
            self.poolmanager.clear()
        self._trace.body(body)
        return self._handed_over(response, body)

    def _read(self, response: requests.Response) -> bytes:
        packed = take(_chunks(response))
        body = unpack(packed, response.headers.get("Content-Encoding", ""))
        return redact_bytes(body, self._connection.secrets)

    def _handed_over(self, response: requests.Response, body: bytes) -> requests.Response:
        if self._trace.server_time:
            self._connection.on_server_time(self._trace.server_time)
        if 300 <= response.status_code < 400:
            # requests would turn the POST into a GET and call the answer a success.
            raise requests.TooManyRedirects("redirected")
        response.raw = io.BytesIO(body)
        response.reason = ""  # the server's words; they could be our token
        for name, value in list(response.headers.items()):
            if name.lower() in _NOT_FOR_THE_LIBRARY:
                del response.headers[name]
            else:
                response.headers[name] = redact(value, self._connection.secrets)
        return response

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **options)
        kind = _WatchedTls if pool.scheme == "https" else _WatchedPlain
        pool.ConnectionCls = partial(kind, connected=self._connected)
        return pool

    def _connected(self, sock: socket.socket) -> None:
        self._trace.connected()
        self._wall.watch(sock)


def _chunks(response: requests.Response) -> Iterator[bytes]:
    while chunk := response.raw.read(_CHUNK, decode_content=False):
        yield chunk


class _WatchedPlain(HTTPConnection):
    def __init__(
        self, *args: Any, connected: Callable[[socket.socket], None], **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self._connected = connected

    def connect(self) -> None:
        super().connect()
        self._connected(self.sock)


class _WatchedTls(HTTPSConnection):
    def __init__(
        self, *args: Any, connected: Callable[[socket.socket], None], **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self._connected = connected

    def connect(self) -> None:
        super().connect()
        self._connected(self.sock)


def json_object(response: requests.Response) -> Mapping[str, Any] | None:
    """Read an answer that should be a JSON object; None where it is not a good one."""
    if response.status_code != 200:
        return None
    try:
        told = response.json()
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None
