"""The HTTP client under atproto: bounded in time and size, never redirected, leaking nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import httpx
from atproto_client.request import Request, Response

from bot.platforms.base import Connection
from bot.platforms.http.bounds import CallDeadline, read_body
from bot.platforms.http.credentials import redact, redact_bytes
from bot.platforms.http.exchange import Exchange

#: A session's token, which a server could send back.
_TOKEN = re.compile(rb"eyJ[\w-]+\.[\w-]+\.[\w-]*")
_GIVES_TOKENS = ("createSession", "refreshSession")
_UNPACKED = frozenset({"content-encoding", "content-length", "transfer-encoding"})


class BoundedRequest(Request):  # type: ignore[misc] # atproto ships no types
    """atproto's way to httpx, with timeouts that suit a post and without redirects."""

    def __init__(self, connection: Connection, exchange: Exchange) -> None:
        super().__init__(
            transport=_BoundedTransport(connection, exchange),
            timeout=httpx.Timeout(connection.read_timeout, connect=connection.connect_timeout),
            headers={"Accept-Encoding": "identity"},
            trust_env=False,
        )
        # Request sets it itself, and takes no word against it; a 302 would turn a POST into a GET.
        self._client.follow_redirects = False

    def post(self, *args: Any, **options: Any) -> Response:
        """Post; the bytes of a picture go as content, which httpx wants them called."""
        if isinstance(options.get("data"), bytes):
            options["content"] = options.pop("data")
        return super().post(*args, **options)


class _BoundedTransport(httpx.BaseTransport):
    """One fresh connection a request, cut when its time is up."""

    def __init__(self, connection: Connection, exchange: Exchange) -> None:
        self._connection = connection
        self._exchange = exchange
        # A kept-alive connection dies without telling whether the request was read.
        self._inner = httpx.HTTPTransport(
            retries=0, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._exchange.begin(request.url.path)
        seconds = self._connection.connect_timeout + self._connection.read_timeout
        with CallDeadline(seconds) as deadline:
            request.extensions["trace"] = _Watch(self._exchange, deadline)
            answer = self._inner.handle_request(request)
            try:
                self._exchange.answered(answer.status_code, answer.headers)
                encoding = answer.headers.get("content-encoding", "")
                body = read_body(answer.iter_raw(), encoding)
            finally:
                answer.close()
        body = redact_bytes(body, self._connection.secrets)
        if answer.status_code != 200 or not request.url.path.endswith(_GIVES_TOKENS):
            body = _TOKEN.sub(b"***", body)
        self._exchange.read(body)
        if self._exchange.server_time:
            self._connection.on_server_time(self._exchange.server_time)
        return httpx.Response(
            answer.status_code, headers=self._clean(answer.headers), content=body, request=request
        )

    def _clean(self, headers: Mapping[str, str]) -> list[tuple[str, str]]:
        kept = [(name, value) for name, value in headers.items() if name not in _UNPACKED]
        return [(name, redact(value, self._connection.secrets)) for name, value in kept]

    def close(self) -> None:
        self._inner.close()


class _Watch:
    """Told by httpcore what happens to a connection."""

    def __init__(self, exchange: Exchange, deadline: CallDeadline) -> None:
        self._exchange = exchange
        self._deadline = deadline

    def __call__(self, event: str, told: Mapping[str, Any]) -> None:
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            sock = told["return_value"].get_extra_info("socket")
            if sock is not None:
                self._deadline.watch(sock)
        elif event.endswith("send_request_headers.started"):
            self._exchange.connected()
