"""Fetches pages for evidence: from public hosts only, within bounds, and says who asks.

A name may lead elsewhere a moment later: the connection goes to the very address that was checked.
"""

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote, urljoin, urlsplit

from bot.clock import Clock
from bot.delivery.links import LinkState
from bot.errors import BotError
from bot.platforms.http.session import CallDeadline

_PORTS = {"http": 80, "https": 443}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
#: IPv6 addresses that hold an IPv4 address, which may be a private one.
_EMBEDDING = tuple(map(ipaddress.ip_network, ("::/96", "64:ff9b::/32", "2001::/32", "2002::/16")))
#: Public by their numbers in some version of Python, and answered by the machine's own cloud or
#: network all the same.
_OWN = tuple(map(ipaddress.ip_network, (
    "168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24", "fec0::/10", "5f00::/16", "3fff::/20",
)))  # fmt: skip
#: Characters of why a page was not read: an address may have as many as a header.
_LONGEST = 500
_SAFE = "%/:=&?~+!$,;'@()*[]"


class FetchError(BotError):
    """A page was not read; the state says what that proves."""

    def __init__(self, state: LinkState, told: str) -> None:
        super().__init__(told[:_LONGEST])
        self.state = state


@dataclass(frozen=True, slots=True)
class Hop:
    """One request and its whole answer."""

    address: str
    ip: str
    at: datetime
    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name), "")

    @property
    def leads_to(self) -> str:
        """Where it redirects to; empty where it does not."""
        target = self.header("location") if self.status in _REDIRECTS else ""
        # As browsers read it: headers are bytes.
        target = target.encode("latin-1", "replace").decode("utf-8", "replace")
        try:
            return urljoin(self.address, target).partition("#")[0] if target else ""
        except ValueError:
            return target  # which is no page's address


@dataclass(frozen=True, slots=True)
class _PageHost:
    scheme: str
    host: str
    #: The host, with its port where that is not the usual one.
    netloc: str
    port: int
    ip: str
    #: Path and query, as they are asked for.
    path: str


def is_public(address: str) -> bool:
    """Return whether everybody reaches the same machine at an IP address."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            return is_public(str(ip.ipv4_mapped))
        if any(ip in each for each in _EMBEDDING):
            return False
    return ip.is_global and not ip.is_multicast and not any(ip in each for each in _OWN)


def resolve(host: str, port: int) -> list[str]:
    """Return all addresses of a name."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


@dataclass(frozen=True, slots=True)
class PageFetcher:
    """Fetches one page after another; no cookie, no secret, no script."""

    clock: Clock
    #: What it calls itself.
    agent: str
    #: Address of a proxy that takes CONNECT; empty for none.
    proxy: str = ""
    #: How long, large and far one fetch may be.
    seconds: float = 30.0
    size: int = 8_000_000
    redirects: int = 5
    resolve: Callable[[str, int], Sequence[str]] = resolve
    dial: Callable[..., socket.socket] = socket.create_connection

    def fetch(self, address: str) -> tuple[Hop, ...]:
        """Return the answers on the way to a page, the page's own last.

        Raises:
            FetchError: a host is not public, or the answer is not whole within the bounds.
        """
        hops: list[Hop] = []
        headers = {"Accept": "text/html,*/*;q=0.5", "Accept-Language": "en,*;q=0.5"}
        with CallDeadline(self.seconds) as deadline:
            while address:
                if len(hops) > self.redirects:
                    told = f"redirects more than {self.redirects} times"
                    raise FetchError(LinkState.UNREACHABLE, told)
                hops.append(self._call(address, deadline, headers))
                address = hops[-1].leads_to
        return tuple(hops)

    def post(self, address: str, body: bytes, mime: str) -> bytes:
        """Return what a server of the operator's own choice answers, which may be private.

        Raises:
            FetchError: nothing whole came back.
        """
        with CallDeadline(self.seconds) as deadline:
            hop = self._call(address, deadline, {"Content-Type": mime}, body)
        if hop.status != 200:
            raise FetchError(LinkState.UNREACHABLE, f"{address} answered {hop.status}")
        return hop.body

    def _call(
        self,
        address: str,
        deadline: CallDeadline,
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> Hop:
        # Only what is posted goes to a server of the operator's own choice.
        target = self._target(address, is_anywhere=body is not None)
        everything = {
            "Host": target.netloc, "User-Agent": self.agent, "Accept-Encoding": "identity",
            "Connection": "close", **headers,
        }  # fmt: skip
        at = self.clock.now()
        try:
            with closing(_Pinned(target, self, deadline)) as connection:
                connection.request("GET" if body is None else "POST", target.path, body, everything)
                with connection.getresponse() as answer:
                    content, missing = answer.read(self.size + 1), answer.length
        except (OSError, http.client.HTTPException, ValueError) as error:
            told = f"no whole answer ({type(error).__name__})"
            # The socket's own limit may come a moment before the deadline.
            is_slow = isinstance(error, TimeoutError)
            raise self._failed(deadline, told, is_slow=is_slow) from error
        if len(content) > self.size:
            raise self._failed(deadline, f"longer than {self.size:,} bytes")
        if deadline.is_over or missing:
            raise self._failed(deadline, "the answer ends early")
        received = tuple(answer.getheaders())
        return Hop(address, target.ip, at, answer.status, answer.reason, received, content)

    def _failed(self, deadline: CallDeadline, told: str, *, is_slow: bool = False) -> FetchError:
        slow = f"no whole answer within {self.seconds:g} seconds"
        return FetchError(LinkState.UNREACHABLE, slow if is_slow or deadline.is_over else told)

    def _target(self, address: str, *, is_anywhere: bool) -> _PageHost:
        try:
            parts = urlsplit(address)
            port, host = parts.port, (parts.hostname or "").encode("idna").decode()
            usual = _PORTS[parts.scheme]
        except (ValueError, KeyError) as error:
            raise FetchError(LinkState.PRIVATE, f"{address} is no page's address") from error
        if "@" in parts.netloc or (port not in {None, *_PORTS.values()} and not is_anywhere):
            raise FetchError(LinkState.PRIVATE, f"{address} has a port or a name that no page has")
        try:
            found = self.resolve(host, port or usual)
        except (OSError, ValueError) as error:
            raise FetchError(LinkState.UNREACHABLE, f"{host} is not found") from error
        for ip in found:
            if not (is_anywhere or is_public(ip)):
                told = f"{host} leads to {ip}, which is not everybody's"
                raise FetchError(LinkState.PRIVATE, told)
        path = quote(parts.path or "/", _SAFE)
        path += f"?{quote(parts.query, _SAFE)}" if parts.query else ""
        name = f"[{host}]" if ":" in host else host
        netloc = f"{name}:{port}" if port not in {None, usual} else name
        return _PageHost(parts.scheme, host, netloc, port or usual, found[0], path)


class _Pinned(http.client.HTTPConnection):
    """A connection to the address that was checked, whatever its name leads to by now."""

    def __init__(self, target: _PageHost, fetcher: PageFetcher, deadline: CallDeadline) -> None:
        self._target, self._deadline = target, deadline
        proxy = urlsplit(fetcher.proxy)
        place = (proxy.hostname, proxy.port or 80) if proxy.hostname else (target.ip, target.port)
        super().__init__(*place, timeout=fetcher.seconds)
        if proxy.hostname:
            self.set_tunnel(target.ip, target.port)

        def dial(place: tuple[str, int], timeout: float, _source: object) -> socket.socket:
            sock = fetcher.dial(place, timeout)
            deadline.watch(sock)
            return sock

        self._create_connection = dial

    def connect(self) -> None:
        super().connect()
        if self._target.scheme == "https":
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(self.sock, server_hostname=self._target.host)
            self._deadline.watch(self.sock)
