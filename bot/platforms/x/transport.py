"""Carries tweepy's requests: fresh connections, a hard end, short answers, facts to judge by."""

from __future__ import annotations

import io
import re
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import ConnectionPool, HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from bot.platforms.wall import Wall
from bot.platforms.wire import AnswerError, Trace, take, unpack

_CHUNK = 65_536
_STAMP = re.compile(r'oauth_timestamp="(\d{1,11})"')


class OriginAdapter(HTTPAdapter):
    """Sends to one origin, whatever a request's address says.

    tweepy has its host built in, no timeout, and reads an answer however long it is. Each
    request gets a connection of its own: one that the server closed while it was idle would
    make a status unconfirmed that was never sent.
    """

    def __init__(self, origin: str, trace: Trace, *, connect: float, read: float) -> None:
        self.trace = trace
        #: The last answer's body; None where it was cut, too long or wrongly packed.
        self.body: bytes | None = None
        #: The time that the last request was signed with.
        self.signed_at: datetime | None = None
        self._origin = urlsplit(origin)
        self._connect, self._read = connect, read
        self._wall = Wall(0)
        super().__init__(max_retries=0)

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: object = None,
        verify: bool | str = True,
        cert: object = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send once; read the answer to its end, within the time that all of it may take."""
        del stream, timeout, cert  # tweepy sets none of them
        parts = urlsplit(request.url or "")
        whole = (self._origin.scheme, self._origin.netloc, parts.path, parts.query, "")
        request.url = urlunsplit(whole)
        self.close()
        self.body = None
        self.signed_at = _signed_at(request.headers.get("Authorization", ""))
        self.trace.begin(parts.path)
        with Wall(self._connect + self._read) as self._wall:
            response = super().send(
                request,
                stream=True,
                timeout=(self._connect, self._read),
                verify=verify,
                proxies=proxies,
            )
            self.trace.answer(response.status_code, response.headers)
            self.body = _body(response)
        response.close()
        response.raw = io.BytesIO(self.body or b"")
        return response

    def get_connection_with_tls_context(
        self,
        request: requests.PreparedRequest,
        verify: bool | str | None,
        proxies: Mapping[str, str] | None = None,
        cert: object = None,
    ) -> ConnectionPool:
        """Give a pool whose connections tell when they stand and when they send."""
        del cert
        pool = super().get_connection_with_tls_context(request, verify, proxies=proxies)
        if isinstance(pool, HTTPSConnectionPool):
            pool.ConnectionCls = self._telling_https()
        else:
            cast(HTTPConnectionPool, pool).ConnectionCls = self._telling_http()
        return pool

    def _telling_http(self) -> type[HTTPConnection]:
        adapter = self

        class Telling(HTTPConnection):
            def connect(self) -> None:
                super().connect()
                adapter.watch(self)

            def send(self, data: Any) -> None:
                adapter.before_bytes(self)
                super().send(data)

        return Telling

    def _telling_https(self) -> type[HTTPSConnection]:
        adapter = self

        class Telling(HTTPSConnection):
            def connect(self) -> None:
                super().connect()
                adapter.watch(self)

            def send(self, data: Any) -> None:
                adapter.before_bytes(self)
                super().send(data)

        return Telling

    def watch(self, connection: HTTPConnection) -> None:
        """Put a new connection's socket behind the wall."""
        self._wall.watch(cast(socket.socket, connection.sock))

    def before_bytes(self, connection: HTTPConnection) -> None:
        """Note that bytes are about to leave; what fails before this was surely not sent."""
        if connection.sock is None:
            connection.connect()
        self.trace.connected()


def _signed_at(authorization: str | bytes) -> datetime | None:
    told = authorization.decode() if isinstance(authorization, bytes) else authorization
    stamp = _STAMP.search(told)
    return datetime.fromtimestamp(int(stamp[1]), UTC) if stamp else None


def _body(response: requests.Response) -> bytes | None:
    raw = response.raw
    try:
        packed = take(iter(lambda: raw.read(_CHUNK, decode_content=False), b""))
        return unpack(packed, response.headers.get("Content-Encoding", ""))
    except (AnswerError, HTTPError, OSError):
        return None  # the status came, and decides; what it brought is not read
