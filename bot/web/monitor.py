"""What a process answers of itself to machines: ``/livez``, ``/readyz`` and ``/metrics``.

On a port of its own: it goes on where the dashboard is off or busy, and needs no user.
"""

import socket
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from threading import Lock, Thread
from typing import Any

from prometheus_client import CollectorRegistry, Gauge, ProcessCollector, generate_latest

from bot.errors import Severity
from bot.log import get_logger
from bot.operations.model import ServiceStatus
from bot.settings import Settings

log = get_logger(__name__)

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
    """Return what Prometheus reads: of this process, and of each account."""
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
