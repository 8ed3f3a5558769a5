"""The dashboard on its address: who may reach it, and a thread that serves it."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from threading import Lock, Thread

import uvicorn
from anyio import to_thread
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.errors import SettingsError
from bot.log import get_logger
from bot.settings import Settings
from bot.web.app import build
from bot.web.connections import BoundedProtocol, QuickLoop, QuietServer
from bot.web.context import AppContext, DeskAddress, RehearsedDays
from bot.web.routes import ROUTES

log = get_logger(__name__)


def address_of(known: Settings, *, has_users: bool) -> DeskAddress | None:
    """Read where to listen; None where the dashboard is off.

    Raises:
        SettingsError: it would be reached from elsewhere without users, TLS or a named proxy.
    """
    if known.web == "off":
        return None
    host, _colon, port = known.web.rpartition(":")
    address = DeskAddress(
        host=host.strip("[]"),
        port=int(port),
        is_secure=bool(known.web_certificate or known.web_proxy),
        has_proxy=bool(known.web_proxy),
    )
    local = ("127.0.0.1", "localhost", "[::1]") if address.is_loopback else ()
    names = (*(f"{name}:{port}" for name in local), *known.web_hosts)
    problem = _exposed(address, known, has_users=has_users)
    if problem:
        raise SettingsError(f"VERBATIM_WEB={known.web}: {problem}")
    return replace(address, hosts=frozenset(name.lower() for name in names))


def _exposed(address: DeskAddress, known: Settings, *, has_users: bool) -> str:
    if bool(known.web_certificate) != bool(known.web_key):
        return "VERBATIM_WEB_CERTIFICATE and VERBATIM_WEB_KEY go together"
    if address.is_private and not known.web_hosts:
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


@contextmanager
def dashboard(context: AppContext, known: Settings) -> Iterator[DeskAddress | None]:
    """Serve pages in a thread for as long as this lasts.

    A dashboard that cannot listen does not keep posts from going out: it is told in the log.

    Raises:
        SettingsError: it would be reached from elsewhere unprotected.
    """
    address = address_of(known, has_users=context.access.has_users())
    if address is None:
        yield None
        return
    with ExitStack() as stack:
        try:
            family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
            # Of [::] it takes IPv4 too, as the system does by itself.
            both = family is socket.AF_INET6 and socket.has_dualstack_ipv6()
            place = (address.host, address.port)
            listening = stack.enter_context(
                socket.create_server(place, family=family, backlog=128, dualstack_ipv6=both)
            )
        except OSError as error:
            log.error("no dashboard", address=known.web, reason=error.strerror)  # noqa: TRY400 - no bug
            yield None
            return
        app = _DayApps(context.days, address) if context.days else _app(context, address)
        stack.enter_context(_serving(app, known, listening))
        log.info("dashboard", address=known.web)
        yield address


def _app(context: AppContext, address: DeskAddress) -> ASGIApp:
    return build(replace(context, address=address), ROUTES)


class _DayApps:
    """An application for each day of a rehearsal, made when somebody first looks at the day."""

    def __init__(self, days: RehearsedDays, address: DeskAddress) -> None:
        self._days, self._address = days, address
        self._apps: dict[int, ASGIApp] = {}
        self._opening = Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = await to_thread.run_sync(self._app_of, self._days.current)
        await app(scope, receive, send)

    def _app_of(self, number: int) -> ASGIApp:
        with self._opening:
            if number not in self._apps:
                self._apps[number] = _app(self._days.context_of(number), self._address)
            return self._apps[number]


@contextmanager
def _serving(app: ASGIApp, known: Settings, listening: socket.socket) -> Iterator[None]:
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).setLevel(logging.WARNING)
    server = QuietServer(
        uvicorn.Config(
            app,
            # No banner, and no access log with addresses in it.
            log_config=None,
            access_log=False,
            server_header=False,
            http=BoundedProtocol,
            loop=f"{QuickLoop.__module__}:{QuickLoop.__name__}",
            ws="none",
            lifespan="off",
            timeout_keep_alive=5,
            timeout_graceful_shutdown=5,
            proxy_headers=bool(known.web_proxy),
            # The second is how an IPv4 address looks where [::] takes it.
            forwarded_allow_ips=[known.web_proxy, f"::ffff:{known.web_proxy}"]
            if known.web_proxy
            else [],
            ssl_certfile=known.web_certificate,
            ssl_keyfile=known.web_key,
        )
    )
    thread = Thread(target=server.run, args=([listening],), name="dashboard", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.stop()
        thread.join(10)
