"""The HTTP session under client libraries: one origin, bounded, and leaking nothing."""

from __future__ import annotations

import io
import socket
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from bot.platforms.base import Connection
from bot.platforms.http.bounds import CallDeadline, read_body
from bot.platforms.http.credentials import redact, redact_bytes
from bot.platforms.http.exchange import Exchange

#: A library may raise a rate limit error even for a 200 if it cannot read these, warn of
#: a deprecation as if it were ours, and trip over a malformed Link; `Exchange` has what we need.
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
    """A session whose every request is one fresh connection to one origin, with a hard end.

    A library may have its host built in, have no timeout, and read an answer however long it is.
    What the environment says of proxies and passwords (netrc) is not used.
    """

    def __init__(self, connection: Connection, exchange: Exchange, origin: str) -> None:
        super().__init__()
        self.trust_env = False
        # A redirect would turn a POST into a GET, and carry the token elsewhere.
        self.max_redirects = 0
        self.headers.update({"Accept": "application/json", "Accept-Encoding": "identity"})
        # A kept-alive connection dies without telling whether the request was read.
        self.headers["Connection"] = "close"
        adapter = _BoundedAdapter(connection, exchange, origin)
        self.adapters.clear()
        self.mount("https://", adapter)
        self.mount("http://", adapter)


class _BoundedAdapter(HTTPAdapter):
    def __init__(self, connection: Connection, exchange: Exchange, origin: str) -> None:
        self._connection = connection
        self._exchange = exchange
        self._origin = urlsplit(origin)
        super().__init__(max_retries=0)

    def send(
        self, request: requests.PreparedRequest, *_args: Any, **options: Any
    ) -> requests.Response:
        parts = urlsplit(request.url or "")
        whole = (self._origin.scheme, self._origin.netloc, parts.path, parts.query, "")
        request.url = urlunsplit(whole)
        self._exchange.begin(parts.path)
        limits = (self._connection.connect_timeout, self._connection.read_timeout)
        options |= {"stream": True, "timeout": limits, "proxies": None}
        try:
            with CallDeadline(sum(limits)) as self._deadline:
                response = super().send(request, **options)
                self._note(response)
        finally:
            self.poolmanager.clear()
        return self._cleaned(response)

    def _note(self, response: requests.Response) -> None:
        try:
            self._exchange.answered(response.status_code, response.headers)
            if self._exchange.server_time:
                self._connection.on_server_time(self._exchange.server_time)
            self._exchange.read(self._body(response))
        finally:
            response.close()  # an answer that is given up is not read by anyone else

    def _body(self, response: requests.Response) -> bytes:
        body = read_body(_chunks(response), response.headers.get("Content-Encoding", ""))
        return redact_bytes(body, self._connection.secrets)

    def _cleaned(self, response: requests.Response) -> requests.Response:
        """Return what the library may see of an answer."""
        if 300 <= response.status_code < 400:
            # requests would call the answer to another request a success.
            raise requests.TooManyRedirects("redirected")
        response.raw = io.BytesIO(self._exchange.body or b"")
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
        self._exchange.connected()
        self._deadline.watch(sock)


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
