"""The dashboard on its address, who may reach it; and what a process answers of itself to machines.

`/livez`, `/readyz` and `/metrics` are on a port of their own: they go on where the dashboard is off
or busy, and need no user.
"""

import logging
import socket
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from threading import Lock, Thread
from typing import Any

import uvicorn
from anyio import to_thread
from prometheus_client import CollectorRegistry, Gauge, ProcessCollector, generate_latest
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.errors import SettingsError, Severity
from bot.log import get_logger
from bot.operations.model import ServiceStatus
from bot.settings import Settings
from bot.web.app import build
from bot.web.context import AppContext, DeskAddress, RehearsedDays
from bot.web.guard import BoundedProtocol, QuickLoop
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
    server = uvicorn.Server(
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
        server.should_exit = True
        thread.join(10)


_TEXT = "text/plain; charset=utf-8"
_METRICS = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(slots=True)
class Monitor:
    """Judges its own process, and no other; what it is told of changes as that starts."""

    #: Whether the loop comes round; a process that stands by has none.
    is_alive: Callable[[], bool] = lambda: True
    #: How everything stands; None before the service is at work.
    status: Callable[[], ServiceStatus] | None = None
    _lock: Lock = field(default_factory=Lock)

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """Return status code, content type and text."""
        if path == "/livez":
            is_alive = self.is_alive()
            return (200, _TEXT, b"ok\n") if is_alive else (503, _TEXT, b"the loop is stuck\n")
        if path not in {"/readyz", "/metrics"}:
            return 404, _TEXT, b"/livez, /readyz or /metrics\n"
        with self._lock:  # one at a time, however many ask
            status = self.status() if self.status else None
        if path == "/metrics":
            return 200, _METRICS, metrics(status)
        if status is None:
            return 503, _TEXT, b"starting, or standing by for another process\n"
        text = "".join(f"{matter.key}: {matter.text}\n" for matter in status.errors)
        return (503 if text else 200), _TEXT, (text or "ok\n").encode()


@contextmanager
def monitoring(monitor: Monitor, known: Settings) -> Iterator[None]:
    """Answer in threads for as long as this lasts; an address that is taken is told in the log."""
    if known.monitor == "off":
        yield
        return
    host, _colon, port = known.monitor.rpartition(":")
    try:
        server = _server(monitor, host.strip("[]"), int(port))
    except OSError as error:
        log.error("no monitor", address=known.monitor, reason=error.strerror)  # noqa: TRY400 - no bug
        yield
        return
    thread = Thread(target=server.serve_forever, name="monitor", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


class _Server(ThreadingMixIn, TCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 16

    def handle_error(self, request: object, client_address: object) -> None:
        """Stay silent: whoever asked has gone."""


class _Server6(_Server):
    address_family = socket.AF_INET6


def _server(monitor: Monitor, host: str, port: int) -> _Server:
    class Probe(BaseHTTPRequestHandler):
        timeout = 5

        def do_GET(self) -> None:  # http.server's name
            code, kind, text = monitor.answer(self.path.partition("?")[0])
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_args: object) -> None:
            """Stay silent: a monitor asks all day."""

    return (_Server6 if ":" in host else _Server)((host, port), Probe)


def metrics(status: ServiceStatus | None) -> bytes:
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)

    def gauge(name: str, text: str, values: Mapping[Any, float], *labels: str) -> None:
        family = Gauge(f"verbatim_{name}", text, labels, registry=registry)
        for label, value in values.items():
            of = label if isinstance(label, tuple) else (label,)
            (family.labels(*of) if labels else family).set(value)

    gauge("ready", "Whether the promise can be kept.", {"": bool(status and status.is_ready)})
    if status is None:
        return generate_latest(registry)
    accounts = {each.name: each for each in status.accounts}
    late = {name: each.overdue_seconds for name, each in accounts.items()}
    due = {name: each.next_due.timestamp() for name, each in accounts.items() if each.next_due}
    left = {name: each.budget_left for name, each in accounts.items()
            if each.budget_left is not None}  # fmt: skip
    stands = {(name, each.obstacle): 1 for name, each in accounts.items() if each.obstacle}
    gauge("account_overdue_seconds", "How late the oldest delivery is.", late, "account")
    gauge("account_next_due_timestamp_seconds", "When the next is due.", due, "account")
    gauge("account_budget_left_usd", "Dollars left this month.", left, "account")
    gauge("account_obstacle", "1 where this keeps it from sending.", stands, "account", "obstacle")
    gauge("deliveries", "Deliveries in each state.", status.counts, "state")
    matters = {Severity.ERROR: 0, Severity.WARNING: 0}
    matters |= Counter(each.severity for each in status.matters)
    gauge("matters", "Things that need a person.", matters, "severity")
    if status.last_sent:
        last = {"": status.last_sent.timestamp()}
        gauge("last_sent_timestamp_seconds", "When something last went out.", last)
    if status.disk_free is not None:
        gauge("disk_free_bytes", "Room on the disk of the data.", {"": status.disk_free})
    return generate_latest(registry)
