"""The dashboard on its address: who may reach it, and a thread that serves it."""

from __future__ import annotations

import ipaddress
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from threading import Thread

import uvicorn

from bot.app.connections import Connections
from bot.app.content import TRAITS, prove_file
from bot.app.service import Bot
from bot.authority.users import Access
from bot.checks.checking import DeskCheck
from bot.clock import Clock
from bot.engagement.report import Reporter
from bot.engine.contents import Contents, kept_files
from bot.errors import SettingsError
from bot.log import get_logger
from bot.planning.corrections import Corrections
from bot.planning.store import Store
from bot.platforms.base import Platform
from bot.settings import Settings
from bot.web.app import build
from bot.web.context import AppContext
from bot.web.guard import RequestGuard
from bot.web.routes import ROUTES

log = get_logger(__name__)

OFF = "off"
#: Requests at once; each blocks a thread of the pool (40) while it works.
_AT_ONCE = 60


@dataclass(frozen=True, slots=True)
class DeskAddress:
    """Where the dashboard listens, and what it is called there."""

    host: str
    port: int
    hosts: frozenset[str]
    certificate: Path | None = None
    key: Path | None = None
    #: The one address whose word on the browser's protocol is taken.
    proxy: str = ""

    @property
    def is_loopback(self) -> bool:
        return is_loopback(self.host)

    @property
    def is_secure(self) -> bool:
        return bool(self.certificate or self.proxy)


def is_loopback(host: str) -> bool:
    """Return whether nobody but this machine reaches an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def address_of(known: Settings, *, has_users: bool) -> DeskAddress | None:
    """Read where to listen; None where the dashboard is off.

    Raises:
        SettingsError: it would be reached from elsewhere without users, TLS or a named proxy.
    """
    if known.web == OFF:
        return None
    host, _colon, port = known.web.rpartition(":")
    host = host.strip("[]")
    address = DeskAddress(
        host=host,
        port=int(port),
        hosts=_names(host, int(port), known.web_hosts),
        certificate=known.web_certificate,
        key=known.web_key,
        proxy=known.web_proxy or "",
    )
    problem = _exposed(address, known, has_users=has_users)
    if problem:
        raise SettingsError(f"VERBATIM_WEB={known.web}: {problem}")
    return address


def _exposed(address: DeskAddress, known: Settings, *, has_users: bool) -> str:
    if bool(address.certificate) != bool(address.key):
        return "VERBATIM_WEB_CERTIFICATE and VERBATIM_WEB_KEY go together"
    wider = not address.is_loopback or bool(address.proxy) or bool(known.web_hosts)
    if not wider:
        return ""
    if not has_users:
        return "others could reach it, and it has no users; make one with `user add` first"
    if not address.is_secure:
        return (
            "others could reach it without TLS; give VERBATIM_WEB_CERTIFICATE and VERBATIM_WEB_KEY,"
            " or name the proxy that has TLS in VERBATIM_WEB_PROXY"
        )
    if not known.web_hosts:
        return "name in VERBATIM_WEB_HOSTS what people type to reach it"
    return ""


def _names(host: str, port: int, more: tuple[str, ...]) -> frozenset[str]:
    local = ("127.0.0.1", "localhost", "[::1]") if is_loopback(host) else ()
    return frozenset(name.lower() for name in (*(f"{one}:{port}" for one in local), *more))


@dataclass(frozen=True)
class DashboardParts:
    """What the dashboard shares with the service, or has instead of it."""

    store: Store
    clock: Clock
    contents: Contents
    platform: Callable[[str], Platform]

    @cached_property
    def access(self) -> Access:
        return Access(self.store, self.clock)


def build_context(back: DashboardParts, address: DeskAddress) -> AppContext:
    """Put together what the pages work with."""
    contents, store, clock = back.contents, back.store, back.clock
    return AppContext(
        store=store,
        clock=clock,
        specs=TRAITS,
        rendered=lambda: contents.rendered,
        remarks=contents.remarks,
        broken=contents.broken,
        access=back.access,
        corrections=Corrections(store, clock, lambda: contents.rendered, back.platform),
        deskcheck=DeskCheck(
            lambda: kept_files(store) or {},
            partial(prove_file, store=store, clock=clock),
            contents.remarks,
        ),
        reporter=lambda: Reporter(store, clock, contents.campaign(), TRAITS),
        hosts=address.hosts,
        secure=address.is_secure,
        loopback=address.is_loopback and not address.proxy,
    )


@contextmanager
def dashboard(back: DashboardParts, known: Settings) -> Iterator[DeskAddress | None]:
    """Serve pages in a thread for as long as this lasts.

    A dashboard that cannot listen does not keep posts from going out: it is told in the log.

    Raises:
        SettingsError: it would be reached from elsewhere unprotected.
    """
    address = address_of(known, has_users=back.access.has_users())
    if address is None:
        yield None
        return
    with ExitStack() as stack:
        try:
            listening = stack.enter_context(_listen(address))
        except OSError as error:
            log.error("no dashboard", address=known.web, reason=error.strerror)  # noqa: TRY400 - no bug
            yield None
            return
        app = build(build_context(back, address), ROUTES)
        stack.enter_context(_serving(app, address, listening))
        log.info("dashboard", address=known.web)
        yield address


@contextmanager
def dashboard_of(bot: Bot, known: Settings) -> Iterator[DeskAddress | None]:
    """Serve a running bot's pages, with adapters of their own: one serves one thread only."""
    rehearsed, campaign = bot.connections.rehearsed, bot.contents.campaign
    own = Connections(bot.store, bot.clock, known, campaign, rehearsed)
    try:
        with dashboard(
            DashboardParts(bot.store, bot.clock, bot.contents, own.platform), known
        ) as at:
            yield at
    finally:
        own.close()


def _listen(address: DeskAddress) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address.host, address.port))
        listening.listen(128)
    except BaseException:
        listening.close()
        raise
    return listening


@contextmanager
def _serving(app: RequestGuard, address: DeskAddress, listening: socket.socket) -> Iterator[None]:
    server = uvicorn.Server(configuration(app, address))
    thread = Thread(target=server.run, args=([listening],), name="dashboard", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(10)


def configuration(app: RequestGuard, address: DeskAddress) -> uvicorn.Config:
    """Set the server up: no banner, no access log with addresses in it, slow clients bounded."""
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        http="h11",
        ws="none",
        lifespan="off",
        timeout_keep_alive=5,
        timeout_graceful_shutdown=5,
        limit_concurrency=_AT_ONCE,
        proxy_headers=bool(address.proxy),
        forwarded_allow_ips=address.proxy or None,
        ssl_certfile=address.certificate,
        ssl_keyfile=address.key,
    )
