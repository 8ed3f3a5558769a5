"""What the network can do to a call to X, and how long and how much it may take."""

from __future__ import annotations

import json
import resource
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from bot.core.model import Draft, PostRef, draft_from_json
from bot.errors import UnavailableError, UnconfirmedError
from bot.platforms.wire import Trace
from bot.platforms.x.adapter import X
from bot.platforms.x.transport import OriginAdapter
from tests.conftest import ROOT, require_shared, require_tool
from tests.contract.contract import prepare
from tests.fakes.faultproxy import Answer, Fault, FaultProxy, answered
from tests.fakes.hand_timer import HandTimers
from tests.fakes.x_modes import PUBLISH
from tests.fakes.x_oauth import CONSUMER_SECRET, OAuth, secrets_for
from tests.fakes.x_setup import x_at
from tests.fakes.x_standin import USER, XStandin
from tests.waiting import CONNECT, PATIENCE, READ

SPEC = "conformance/x-api-openapi.json"


@pytest.fixture
def server() -> Iterator[XStandin]:
    with XStandin(spec_file=require_shared(SPEC)) as standin:
        yield standin


# -- surely not sent


@pytest.mark.parametrize(
    "origin", ["http://127.0.0.1:9", "https://127.0.0.1:9", "https://nowhere.invalid"]
)
def test_without_a_connection_nothing_was_sent(server: XStandin, origin: str) -> None:
    draft = prepare(x_at(server.origin), "nobody hears")

    with pytest.raises(UnavailableError, match="no connection"):
        x_at(origin).publish(draft)


def test_without_tls_nothing_was_sent(server: XStandin) -> None:
    draft = prepare(x_at(server.origin), "nobody hears")

    with pytest.raises(UnavailableError, match="no connection"):
        x_at(server.origin.replace("http:", "https:")).publish(draft)

    assert server.world.live() == []


def test_a_server_that_no_one_vouches_for_gets_nothing(tmp_path: Path) -> None:
    with TlsServer(tmp_path) as tls:
        status, trace = tls.ask(trusted=False)

    assert (status, trace.is_sent, tls.received) == (None, False, b"")


def test_a_tls_error_after_the_request_proves_nothing(tmp_path: Path) -> None:
    with TlsServer(tmp_path) as tls:
        status, trace = tls.ask(trusted=True)

    assert (status, trace.is_sent) == (None, True)
    assert tls.received.startswith(b"POST /2/tweets ")


class TlsServer:
    """Takes one request over TLS and answers with bytes that are no TLS."""

    def __init__(self, folder: Path) -> None:
        self.certificate, self._key = folder / "cert.pem", folder / "key.pem"
        command = [require_tool("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes"]
        command += ["-keyout", str(self._key), "-out", str(self.certificate), "-days", "2"]
        command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
        subprocess.run(command, check=True, capture_output=True)
        self.received = b""
        self._listener = socket.create_server(("127.0.0.1", 0))

    def __enter__(self) -> TlsServer:
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._thread.join(PATIENCE)
        self._listener.close()

    def _serve(self) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self._key)
        plain, _ = self._listener.accept()
        raw = plain.dup()
        try:
            with context.wrap_socket(plain, server_side=True) as client:
                self.received = client.recv(65536)
                raw.sendall(b"this is no TLS record at all, and long enough to be read as one")
        except OSError:
            pass  # a client that does not trust us hangs up
        finally:
            raw.close()

    def ask(self, *, trusted: bool) -> tuple[int | None, Trace]:
        trace = Trace()
        origin = f"https://localhost:{self._listener.getsockname()[1]}"
        with requests.Session() as session:
            session.trust_env = False
            session.mount("https://", OriginAdapter(origin, trace, connect=CONNECT, read=READ))
            with pytest.raises(requests.exceptions.ConnectionError):
                session.post(
                    "https://api.twitter.com/2/tweets",
                    json={},
                    verify=str(self.certificate) if trusted else True,
                )
        return trace.status, trace


# -- perhaps sent


def cuts(draft: Draft, x: X, proxy: FaultProxy, fault: Fault) -> PostRef | None:
    """Publish through a cut; where nothing is told, read back."""
    proxy.spoil(PUBLISH, fault)
    try:
        return x.publish(draft)
    except UnconfirmedError:
        return x.find(draft)


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_a_request_cut_at_any_byte_is_one_status_or_surely_none(
    server: XStandin, reset: bool
) -> None:
    with FaultProxy(server.origin) as proxy:
        x = x_at(proxy.origin)
        for cut in range(0, 500, 13):  # the request is longer than that
            before = len(server.world.live())
            found = cuts(prepare(x, f"up {cut}"), x, proxy, Fault(up=cut, down=0, reset=reset))
            assert len(server.world.live()) - before == (found is not None), cut

    assert len({one.text for one in server.world.live()}) == len(server.world.live())


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_an_answer_cut_at_any_byte_is_the_one_status(server: XStandin, reset: bool) -> None:
    server.rates["POST /2/tweets"] = 10_000
    with FaultProxy(server.origin) as proxy:
        x = x_at(proxy.origin)
        for cut in range(0, 400, 7):
            found = cuts(prepare(x, f"down {cut}"), x, proxy, Fault(down=cut, reset=reset))
            assert found is not None, cut
            assert server.world.live()[-1].id == found.id

    assert len({one.text for one in server.world.live()}) == len(range(0, 400, 7))


# -- bounded


@pytest.mark.parametrize("heard", [0, 30], ids=["silence", "trickle"])
def test_a_slow_answer_ends_with_the_time_of_the_call(
    server: XStandin, heard: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    timers = HandTimers(monkeypatch)
    x = x_at(server.origin)
    draft = prepare(x, "slow")
    server.faults.spoil(PUBLISH, Fault(heard=heard, meanwhile=timers.go_off))

    with pytest.raises(UnconfirmedError):
        x.publish(draft)

    assert timers.gone_off == [CONNECT + READ]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(server: XStandin, status: int) -> None:
    x = x_at(server.origin)
    draft = prepare(x, "elsewhere")
    moved = Answer(status, b"", {"Location": f"{server.origin}/2/tweets"})
    server.faults.spoil(PUBLISH, answered(moved, stored=False))
    before = len(server.requests)

    with pytest.raises(UnconfirmedError):
        x.publish(draft)

    assert len(server.requests) == before + 1


# -- signatures


def test_a_signature_counts_once() -> None:
    oauth = OAuth(lambda: 1_790_000_000.0)
    header = _signed()

    first = oauth.user("GET", "https://api.twitter.com/2/users/me?a=b%20c", header)
    again = oauth.user("GET", "https://api.twitter.com/2/users/me?a=b%20c", header)
    elsewhere = OAuth(lambda: 1_790_000_000.0).user("GET", "https://other/2/users/me", header)

    assert (first, again, elsewhere) == (USER, None, None)


def _signed() -> str:
    """Sign with the library whose signatures the stand-in checks."""
    code = (
        "from oauthlib.oauth1 import Client\n"
        "import json, sys\n"
        "key, secret, token, token_secret = json.loads(sys.argv[1])\n"
        "client = Client(key, secret, token, token_secret, timestamp='1790000000', nonce='n1')\n"
        "url = 'https://api.twitter.com/2/users/me?a=b%20c'\n"
        "print(client.sign(url, 'GET')[1]['Authorization'])\n"
    )
    given = json.dumps(list(secrets_for(USER).values()))
    done = subprocess.run(
        [sys.executable, "-c", code, given], check=True, capture_output=True, text=True
    )
    assert CONSUMER_SECRET not in done.stdout
    return done.stdout.strip()


# -- the stand-in as a process: memory, and clients that are killed


@pytest.fixture
def process(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Start the stand-in as crash tests do; its origin and its ledger."""
    ledger = tmp_path / "ledger.jsonl"
    command = [sys.executable, "-m", "tests.fakes.x_standin", "--port", "0"]
    command += ["--ledger", str(ledger), "--spec", str(require_shared(SPEC))]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        word, port = child.stdout.readline().split()
        assert word == "READY"
        yield f"http://127.0.0.1:{port}", ledger
        child.kill()


def order(origin: str, **orders: object) -> dict[str, Any]:
    with requests.post(f"{origin}/_control", json=orders, timeout=PATIENCE) as answer:
        told: dict[str, Any] = answer.json()
        return told


@pytest.mark.parametrize("mode", ["100 MB", "gzip bomb"])
def test_an_endless_answer_takes_little_memory(process: tuple[str, Path], mode: str) -> None:
    origin, _ = process
    x = x_at(origin)
    draft = prepare(x, "a huge answer")
    order(origin, mode=mode)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(UnconfirmedError):
        x.publish(draft)

    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 50_000, f"{grown} KiB more"


CLIENT = """
import sys
from tests.contract.contract import prepare
from tests.fakes.x_setup import x_at

x = x_at(sys.argv[1])
draft = prepare(x, "from a process that is killed")
open(sys.argv[2], "w").write(draft.to_json())
sys.stdin.readline()
x.publish(draft)
print("published")
"""


@pytest.mark.parametrize("when", ["before", "after"])
def test_what_a_killed_client_had_sent_is_found_by_the_next_one(
    process: tuple[str, Path], tmp_path: Path, when: str
) -> None:
    origin, ledger = process
    command = [sys.executable, "-c", CLIENT, origin, str(tmp_path / "draft")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as client:
        order(origin, kill=[client.pid, when])
        said, _ = client.communicate("go\n", timeout=PATIENCE)

    while not (live := order(origin)["live"]):
        pass  # killed "before", it has sent all the same: the server goes on with the request
    found = x_at(origin).find(draft_from_json((tmp_path / "draft").read_text("utf-8")))
    assert (client.returncode, said) == (-signal.SIGKILL, "")
    assert found is not None
    assert [json.loads(line)["id"] for line in ledger.read_text("utf-8").splitlines()] == [found.id]
    assert len(live) == 1


def test_the_header_kills_too(process: tuple[str, Path]) -> None:
    origin, ledger = process
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as victim:
        headers = {"X-Test-Kill": f"{victim.pid}:before"}
        with requests.post(
            f"{origin}/2/tweets", json={}, headers=headers, timeout=PATIENCE
        ) as answer:
            assert answer.status_code == 401
        victim.wait(PATIENCE)

    assert victim.returncode == -signal.SIGKILL
    assert not ledger.exists()


def test_control_tells_how_things_stand(process: tuple[str, Path]) -> None:
    origin, ledger = process
    x = x_at(origin)
    ref = x.publish(prepare(x, "on the ledger https://example.org"))

    told = order(origin, lag=5, owns_app=True)

    assert told["live"] == [
        {"id": ref.id, "text": "on the ledger https://example.org", "parent": None}
    ]
    assert told["spend"] == 0.2
    assert told["violations"] == []
    assert json.loads(ledger.read_text("utf-8"))["id"] == ref.id


def test_importing_the_registry_imports_no_client_library() -> None:
    code = (
        "import sys, bot.platforms.registry as r\n"
        "print(sorted(set(sys.modules) & {'tweepy', 'mastodon', 'atproto', 'atproto_client'}))\n"
        "print(sorted(r.KINDS))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    )

    assert done.stdout.splitlines() == ["[]", "['bluesky', 'mastodon', 'x']"]


def test_an_unsafe_server_is_refused() -> None:
    with pytest.raises(Exception, match="https"):
        x_at("http://x.example")
