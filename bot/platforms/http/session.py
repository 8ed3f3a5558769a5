"""The HTTP session under client libraries: bounded in time and size, and leaking nothing."""

import io
import socket
import threading
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from bot.platforms.base import Connection
from bot.platforms.http.credentials import redact, redact_bytes
from bot.platforms.http.exchange import Exchange

#: Longest answer that is read, packed or not; a page of forty statuses takes about 400 kB.
MAX_BODY = 4_000_000
#: A library may raise a rate limit error even for a 200 if it cannot read these, warn of
#: a deprecation as if it were ours, and trip over a malformed Link; `Exchange` has what we need.
_NOT_FOR_THE_LIBRARY = frozenset({
    "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "deprecation", "link",
    "content-encoding", "transfer-encoding",
})  # fmt: skip
_CHUNK = 65_536


class BoundedSession(requests.Session):
    """A session whose every request is one fresh connection, with a hard end.

    A library may have its host built in, have no timeout, and read an answer however long it is.
    What the environment says of proxies and passwords (netrc) is not used.
    """

    def __init__(self, connection: Connection, exchange: Exchange, origin: str = "") -> None:
        super().__init__()
        self.connection = connection
        #: Gets the facts of each request.
        self.exchange = exchange
        #: Where all requests go, whatever their addresses say; empty believes them.
        self.origin = urlsplit(origin)
        self.trust_env = False
        # A redirect would turn a POST into a GET, and carry the token elsewhere.
        self.max_redirects = 0
        self.headers.update({"Accept": "application/json", "Accept-Encoding": "identity"})
        # A kept-alive connection dies without telling whether the request was read.
        self.headers["Connection"] = "close"
        self.adapters.clear()
        self.mount("https://", _BoundedAdapter(self))
        self.mount("http://", _BoundedAdapter(self))

    def mask(self, body: bytes) -> bytes:
        return redact_bytes(body, self.connection.secrets)


class _BoundedAdapter(HTTPAdapter):
    def __init__(self, session: BoundedSession) -> None:
        self._session, self._exchange = session, session.exchange
        super().__init__(max_retries=0)

    def send(
        self, request: requests.PreparedRequest, *_args: Any, **options: Any
    ) -> requests.Response:
        connection, origin = self._session.connection, self._session.origin
        parts = urlsplit(request.url or "")
        if origin.netloc:
            request.url = urlunsplit((*origin[:2], parts.path, parts.query, ""))
        self._exchange.begin(f"{request.method} {parts.path}")
        limits = (connection.connect_timeout, connection.read_timeout)
        options |= {"stream": True, "timeout": limits, "proxies": None}
        try:
            with CallDeadline(sum(limits)) as self._deadline:
                response = super().send(request, **options)
                self._note(response)
        finally:
            self.poolmanager.clear()
        return self._cleaned(response)

    def _note(self, response: requests.Response) -> None:
        chunks = iter(partial(response.raw.read, _CHUNK, decode_content=False), b"")
        try:
            self._exchange.answered(response.status_code, response.headers)
            if self._exchange.server_time:
                self._session.connection.on_server_time(self._exchange.server_time)
            body = read_body(chunks, response.headers.get("Content-Encoding", ""))
            self._exchange.read(self._session.mask(body))
        finally:
            response.close()  # an answer that is given up is not read by anyone else

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
                response.headers[name] = redact(value, self._session.connection.secrets)
        return response

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:
        def connected(sock: socket.socket) -> None:
            self._exchange.is_sent = True
            self._deadline.watch(sock)

        pool: Any = super().get_connection_with_tls_context(*args, **options)
        kind = _WatchedTls if pool.scheme == "https" else _Watched
        pool.ConnectionCls = partial(kind, connected=connected)
        return pool


class _Watched(HTTPConnection):
    def __init__(
        self, *args: Any, connected: Callable[[socket.socket], None], **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self._connected = connected

    def connect(self) -> None:
        super().connect()
        self._connected(self.sock)


class _WatchedTls(_Watched, HTTPSConnection):
    """The same over TLS, where the connection stands after the handshake."""


class AnswerError(Exception):
    """An answer is too long, or is packed in a way that is not read."""


class CallDeadline:
    """Cuts the sockets of a call when its time is up.

    A library's read timeout starts anew with each byte, so a server that trickles could hold a
    worker past its lease. Looking a name up is not bounded; nothing has been sent by then.
    """

    def __init__(self, seconds: float) -> None:
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self.is_over = False
        self._timer = threading.Timer(seconds, self.expire)
        self._timer.daemon = True

    def watch(self, sock: socket.socket) -> None:
        with self._lock:
            self._sockets.append(sock)
            if self.is_over:
                _shut(sock)

    def expire(self) -> None:
        with self._lock:
            self.is_over = True
            for sock in self._sockets:
                _shut(sock)

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._timer.cancel()


def _shut(sock: socket.socket) -> None:
    # Of the plain class: SSLSocket.shutdown would take the TLS state from under a reading thread.
    with suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


def read_body(chunks: Iterable[bytes], encoding: str) -> bytes:
    """Return a body of up to `MAX_BODY` bytes, packed or not; AnswerError for any other."""
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > MAX_BODY:
            raise AnswerError(f"longer than {MAX_BODY} bytes")
    if encoding.lower() in ("", "identity"):
        return bytes(body)
    if encoding.lower() not in ("gzip", "x-gzip", "deflate"):
        raise AnswerError("packed in a way that was not asked for")
    unpacker = zlib.decompressobj(wbits=47)
    try:
        plain = unpacker.decompress(body, MAX_BODY + 1)
    except zlib.error as error:
        raise AnswerError("damaged compression") from error
    if len(plain) > MAX_BODY:
        raise AnswerError(f"longer than {MAX_BODY} bytes")
    if not unpacker.eof:
        raise AnswerError("compression that ends early")
    return plain
