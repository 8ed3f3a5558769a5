"""The dashboard on its address, who may reach it; and what a process answers of itself to machines.

`/livez`, `/readyz` and `/metrics` are on a port of their own: they go on where the dashboard is off
or busy, and need no user.
"""

import ipaddress
import logging
import socket
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cache
from threading import Lock, Thread
from typing import Any

import uvicorn
from anyio import to_thread
from prometheus_client import CollectorRegistry, Gauge, ProcessCollector, generate_latest
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.errors import SettingsError, Severity
from bot.log import get_logger
from bot.operations.model import ServiceStatus
from bot.settings.environment import Settings
from bot.web.app import build
from bot.web.context import AppContext, DeskAddress, RehearsedDays
from bot.web.guard import BoundedProtocol, QuickLoop, QuietServer
from bot.web.routes import ROUTES

log = get_logger(__name__)


def address_of(known: Settings, *, has_users: bool) -> DeskAddress | None:
    """Read where to listen; None where the dashboard is off.

    SettingsError where it would be reached from elsewhere without users, TLS or a named proxy.
    """
    if known.web == "off":
        return None
    host, _colon, port = known.web.rpartition(":")
    is_loopback = _is_loopback(host.strip("[]"))
    local = ("127.0.0.1", "localhost", "[::1]") if is_loopback else ()
    names = (*(f"{name}:{port}" for name in local), *known.web_hosts)
    address = DeskAddress(
        frozenset(name.lower() for name in names),
        is_private=is_loopback and not known.web_proxy,
        is_secure=bool(known.web_certificate or known.web_proxy),
    )
    if problem := _exposed(address, known, has_users=has_users):
        raise SettingsError(f"VERBATIM_WEB={known.web}: {problem}")
    return address


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


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
    """Serve pages in a thread for as long as this lasts; SettingsError as `address_of` says.

    A dashboard that cannot listen does not keep posts from going out: it is told in the log.
    """
    address = address_of(known, has_users=context.access.has_users())
    if address is None:
        yield None
        return
    app = _day_apps(context.days, address) if context.days else _app(context, address)
    # The second is how an IPv4 address looks where [::] takes it.
    proxies = [known.web_proxy, f"::ffff:{known.web_proxy}"] if known.web_proxy else []
    with _serving(
        app, known.web, "dashboard", proxy_headers=bool(proxies), forwarded_allow_ips=proxies,
        ssl_certfile=known.web_certificate, ssl_keyfile=known.web_key,
    ) as is_served:  # fmt: skip
        yield address if is_served else None


def _app(context: AppContext, address: DeskAddress) -> ASGIApp:
    return build(replace(context, address=address), ROUTES)


def _day_apps(days: RehearsedDays, address: DeskAddress) -> ASGIApp:
    """Return an application that has one for each day of a rehearsal, made when it is looked at."""
    opening, app_of = Lock(), cache(lambda number: _app(days.context_of(number), address))

    def current() -> ASGIApp:
        with opening:
            return app_of(days.current)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await (await to_thread.run_sync(current))(scope, receive, send)

    return app


def listen(place: str) -> socket.socket:
    """Return a socket that listens on an address such as 127.0.0.1:8000; OSError if taken."""
    host, _colon, port = place.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Of [::] it takes IPv4 too, as the system does by itself.
    both = family is socket.AF_INET6 and socket.has_dualstack_ipv6()
    return socket.create_server(
        (host.strip("[]"), int(port)), family=family, backlog=128, dualstack_ipv6=both
    )


@contextmanager
def _serving(app: ASGIApp, place: str, name: str, **options: Any) -> Iterator[bool]:
    """Serve in a thread for as long as this lasts; False where it cannot listen, as is logged."""
    try:
        listening = listen(place)
    except OSError as error:
        log.error(f"no {name}", address=place, reason=error.strerror)  # noqa: TRY400 - no bug
        yield False
        return
    for library in ("uvicorn", "uvicorn.error"):
        logging.getLogger(library).setLevel(logging.WARNING)
    loop = f"{QuickLoop.__module__}:{QuickLoop.__name__}"
    # No banner, and no access log with addresses in it.
    quiet: dict[str, Any] = {"log_config": None, "access_log": False, "server_header": False}
    config = uvicorn.Config(
        app, http=BoundedProtocol, loop=loop, ws="none", lifespan="off", timeout_keep_alive=5,
        timeout_graceful_shutdown=5, **quiet, **options,
    )  # fmt: skip
    server = QuietServer(config)
    thread = Thread(target=server.run, args=([listening],), name=name, daemon=True)
    thread.start()
    log.info(name, address=place)
    with listening:
        try:
            yield True
        finally:
            server.stop()
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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        code, kind, text = await to_thread.run_sync(self.answer, scope["path"])
        await Response(text, code, media_type=kind)(scope, receive, send)


def monitoring(monitor: Monitor, known: Settings) -> AbstractContextManager[object]:
    """Answer in threads for as long as this lasts; an address that is taken is told in the log."""
    if known.monitor == "off":
        return nullcontext()
    return _serving(monitor, known.monitor, "monitor", proxy_headers=False, forwarded_allow_ips=[])


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
