"""What a process answers of itself to machines: ``/livez``, ``/readyz`` and ``/metrics``.

On a port of its own: it goes on where the dashboard is off or busy, and needs no user.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from threading import Lock, Thread

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

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


class _Numbers(Collector):
    def __init__(self, status: ServiceStatus | None) -> None:
        self._status = status

    def collect(self) -> Iterable[GaugeMetricFamily]:
        status = self._status
        ready = bool(status and status.is_ready)
        yield _gauge("ready", "Whether the promise can be kept.", [((), ready)])
        if status is None:
            return
        accounts, account = status.accounts, ("account",)
        yield _gauge("account_overdue_seconds", "How late the oldest delivery is.",
                     [((each.name,), each.overdue_seconds) for each in accounts],
                     account)  # fmt: skip
        yield _gauge("account_next_due_timestamp_seconds", "When the next delivery is due.",
                     [((each.name,), each.next_due.timestamp()) for each in accounts
                      if each.next_due], account)  # fmt: skip
        yield _gauge("account_obstacle", "1 where something keeps an account from sending.",
                     [((each.name, each.obstacle), 1) for each in accounts if each.obstacle],
                     ("account", "obstacle"))  # fmt: skip
        yield _gauge("account_budget_left_usd", "Dollars that are left this month.",
                     [((each.name,), each.budget_left) for each in accounts
                      if each.budget_left is not None], account)  # fmt: skip
        yield _gauge("deliveries", "Deliveries in each state.",
                     [((state,), count) for state, count in status.counts.items()],
                     ("state",))  # fmt: skip
        yield _gauge("matters", "Things that need a person.",
                     [((kind.value,), sum(each.severity is kind for each in status.matters))
                      for kind in (Severity.ERROR, Severity.WARNING)], ("severity",))  # fmt: skip
        if status.last_sent:
            last = [((), status.last_sent.timestamp())]
            yield _gauge("last_sent_timestamp_seconds", "When something last went out.", last)
        if status.disk_free is not None:
            free = [((), status.disk_free)]
            yield _gauge("disk_free_bytes", "Room on the disk of the data directory.", free)


def _gauge(
    name: str,
    text: str,
    values: Iterable[tuple[tuple[str, ...], float]],
    labels: tuple[str, ...] = (),
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"verbatim_{name}", text, labels=labels)
    for of, value in values:
        family.add_metric(of, value)
    return family


def metrics(status: ServiceStatus | None) -> bytes:
    """Return what Prometheus reads; of this process too."""
    registry = CollectorRegistry()
    registry.register(_Numbers(status))
    ProcessCollector(registry=registry)
    return generate_latest(registry)
