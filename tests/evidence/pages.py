"""Pages on loopback in the place of public hosts: what each name leads to is made up here."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

from bot.clock import FastClock
from bot.evidence.fetching import PageFetcher
from tests.fakes.campaign_tree import NOW

#: An address that everybody reaches.
PUBLIC = "93.184.216.34"
PAGE = "<html><head><title>{0}</title></head><body><nav>Menu</nav><p>{1}</p></body></html>"
WORDS = "Cameras followed every family to the market and home again, and wrote down their names."
SIZE, REDIRECTS = 100_000, 3


@dataclass
class Pages:
    """One server for all hosts; a test writes down what each path answers."""

    server: ThreadingHTTPServer
    #: Status, headers, body; the body of an endless answer is repeated for ever.
    answers: dict[str, tuple[int, Mapping[str, str], bytes]] = field(default_factory=dict)
    #: By host.
    addresses: dict[str, list[str]] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    dialled: list[tuple[str, int]] = field(default_factory=list)
    closing: Event = field(default_factory=Event)

    def put(self, path: str, title: str = "A title", words: str = WORDS, **headers: str) -> None:
        body = PAGE.format(title, words).encode()
        self.answers[path] = 200, {"Content-Type": "text/html; charset=utf-8", **headers}, body

    def redirect(self, path: str, to: str, status: int = 301) -> None:
        self.answers[path] = status, {"Location": to}, b""

    def fetcher(self, **options: str) -> PageFetcher:
        return PageFetcher(
            FastClock(NOW), "Verbatim/test (keeps evidence)", seconds=0.5,
            size=SIZE, redirects=REDIRECTS, resolve=self.resolve, dial=self.dial, **options,
        )  # fmt: skip

    def resolve(self, host: str, _port: int) -> list[str]:
        if host == "localhost" or host.startswith("127."):
            return ["127.0.0.1"]
        if host.startswith("nowhere"):
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return self.addresses.get(host, [PUBLIC])

    def dial(self, place: tuple[str, int], timeout: float) -> socket.socket:
        self.dialled.append(place)
        to = place[1] if place[0] == "127.0.0.1" else self.server.server_port
        return socket.create_connection(("127.0.0.1", to), timeout)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    pages: Pages

    def do_GET(self) -> None:
        asked = self.headers["Host"], self.path, self.headers["User-Agent"]
        self.pages.asked.append((str(asked[0]), asked[1], str(asked[2])))
        status, headers, body = self.pages.answers.get(self.path, (404, {}, b"not here"))
        self.send_response(status)
        if self.path == "/slow":
            self.pages.closing.wait()
            return
        if self.path != "/endless":
            headers = {"Content-Length": str(len(body)), **headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        with suppress(OSError):
            while self.path == "/endless" and not self.pages.closing.is_set():
                self.wfile.write(body)

    def do_CONNECT(self) -> None:
        """Stand in for a proxy: what comes through is answered here too."""
        self.pages.asked.append(("proxy", self.path, ""))
        self.send_response(200)
        self.end_headers()
        self.close_connection = False  # the old HTTP of a CONNECT would end it

    def log_message(self, *_args: object) -> None:
        pass


@contextmanager
def serving_pages() -> Iterator[Pages]:
    class Own(Handler):
        pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Own)
    server.daemon_threads = True
    pages = Own.pages = Pages(server)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield pages
    finally:
        pages.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
