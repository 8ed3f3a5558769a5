"""What every connection and every request passes before any page, and the headers of answers.

Nobody takes the desk down by holding connections: how many it bears, and for how long, is bounded.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from bot.authority.signing_in import network_of

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
#: On pages that ask for a passkey: our own static script, and nothing that makes markup of text.
POLICY_WITH_SCRIPT = f"{POLICY}; script-src 'self'; require-trusted-types-for 'script'"
HEADERS: Mapping[str, str] = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), browsing-topics=()",
    "x-robots-tag": "noindex",
}
_YEAR = 31_536_000
_SAFE = frozenset({"GET", "HEAD"})


class RequestGuard:
    """Answers only to known names (DNS rebinding) and to changes that come from our own pages."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str], *, secure: bool) -> None:
        self._app = app
        self._hosts = hosts
        self._headers = dict(HEADERS)
        if secure:
            self._headers["strict-transport-security"] = f"max-age={_YEAR}; includeSubDomains"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return  # no web sockets here, and nothing to do when the server starts

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in {"cache-control": "no-store", **self._headers}.items():
                    headers.setdefault(name, value)
            await send(message)

        refusal = self._refusal(scope)
        if refusal:
            answer = PlainTextResponse(f"{refusal[1]}\n", status_code=refusal[0])
            await answer(scope, receive, send_guarded)
            return
        await self._app(scope, receive, send_guarded)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            return 421, "this dashboard does not answer to that name; see VERBATIM_WEB_HOSTS"
        if scope["method"] in _SAFE:
            return None
        if scope["method"] != "POST":
            return 405, "only GET, HEAD and POST"
        return None if _is_ours(headers) else (403, "a change must come from a page of this site")


def _is_ours(headers: Headers) -> bool:
    """Return whether a change comes from our own page.

    With `Referrer-Policy: no-referrer` browsers send ``Origin: null`` with our own forms; then
    only ``Sec-Fetch-Site``, which no page can forge, counts (Fetch, "append a request Origin").
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None and site != "same-origin":
        return False
    if origin is not None and origin != "null":
        return urlsplit(origin).netloc.lower() == headers["host"].lower()
    return site == "same-origin"


#: For one address (behind a proxy, requests at once for whom it names), and in all.
PER_ADDRESS, IN_ALL = 60, 240
#: Seconds for the head of a request, and for all of it until it is answered and read.
HEAD_SECONDS, REQUEST_SECONDS = 10, 120


class QuickLoop(asyncio.SelectorEventLoop):
    """Waits for a handshake no longer than for the head of a request; asyncio waits a minute."""

    async def create_server(self, *args: Any, **options: Any) -> asyncio.Server:
        """Listen; where there is TLS, with a time limit for its handshakes."""
        if options.get("ssl") is not None:
            options["ssl_handshake_timeout"] = HEAD_SECONDS
        return await super().create_server(*args, **options)


class QuietServer(uvicorn.Server):
    """Looks around once a second, and at once when it is to stop; uvicorn's does ten times."""

    _stopping: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    async def main_loop(self) -> None:
        event = asyncio.Event()
        self._stopping = asyncio.get_running_loop(), event
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(event.wait(), 1)

    def stop(self) -> None:
        """Begin to end, from another thread."""
        self.should_exit = True
        if self._stopping is not None:
            with suppress(RuntimeError):  # it has ended by itself
                self._stopping[0].call_soon_threadsafe(self._stopping[1].set)


class BoundedProtocol(H11Protocol):
    """Closes connections that are too slow, and the oldest idle ones where there are too many.

    uvicorn waits for ever for the rest of a request, and answers 503 to everybody when many do so.
    """

    _timer: asyncio.TimerHandle | None = None
    _opened: float = 0.0
    #: For whom it is: an address, or the network of one.
    _asker: str = ""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # asyncio's own, of a server's transport
        """Begin to wait for a request; close one that waits longer where it is crowded."""
        super().connection_made(transport)
        self._opened = self.loop.time()
        self._allow(HEAD_SECONDS)
        if not self._is_of_proxy:
            self._asker = network_of(self.client[0]) if self.client else ""
            _keep(self._of_mine(), PER_ADDRESS)
        _keep(list(self.connections), IN_ALL)

    def data_received(self, data: bytes) -> None:
        """Bound the time for the head of a request, then for all of it."""
        if self._timer is None:
            self._allow(HEAD_SECONDS)  # of the next one on the same connection
        was_idle = self.is_idle
        super().data_received(data)
        if was_idle and not self.is_idle:
            self._allow(REQUEST_SECONDS)
            if self._is_of_proxy:
                self._bound_forwarded()

    def on_response_complete(self) -> None:
        """Leave it to uvicorn to close a connection on which nothing more comes."""
        self._stop()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        super().connection_lost(exc)

    @property
    def is_idle(self) -> bool:
        """Whether no request is being answered on it."""
        return bool(getattr(self.cycle, "response_complete", True))  # None before the first

    def _allow(self, seconds: float) -> None:
        self._stop()
        self._timer = self.loop.call_later(seconds, self.transport.abort)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    @property
    def _is_of_proxy(self) -> bool:
        is_named = self.client and self.client[0] in self.config.forwarded_allow_ips
        return bool(self.config.proxy_headers and is_named)

    def _bound_forwarded(self) -> None:
        """Count requests behind the proxy by whom it names last: what is before, anybody wrote."""
        given = [value for name, value in self.scope["headers"] if name == b"x-forwarded-for"]
        last = b",".join(given).rpartition(b",")[2].strip().decode("latin-1")
        # Some proxies add a port, which is another one each time.
        self._asker = network_of(last.partition(":")[0] if last.count(":") == 1 else last)
        if sum(not each.is_idle for each in self._of_mine()) > PER_ADDRESS:
            self.transport.abort()

    def _of_mine(self) -> list[Any]:
        every: list[Any] = list(self.connections)
        return [each for each in every if each._asker == self._asker]


def _keep(connections: list[Any], most: int) -> None:
    """Close the idle ones that are open the longest; that is the newest where all others work."""
    # One that was aborted stays listed until the loop comes round to it.
    alive = [each for each in connections if not each.transport.is_closing()]
    idle = sorted((each for each in alive if each.is_idle), key=lambda each: each._opened)
    for each in idle[: max(0, len(alive) - most)]:
        each.transport.abort()
