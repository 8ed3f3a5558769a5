"""Guards that every test runs behind, and how tests ask for third-party data and tools."""

from __future__ import annotations

import ipaddress
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
import structlog
from hypothesis import HealthCheck, settings

from tests.fakes.compiled import share_compiled
from tests.fakes.variation import SEED
from tests.system_packages import package_of

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
#: Where the program keeps its data if nobody says otherwise (see `bot.settings`).
DEFAULT_DATA = ROOT / "data"

# How long an example takes is the machine's affair.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")

pytest_plugins = [
    "tests.fakes.bots",
    "tests.attacks.hostile",
    "tests.servers.postgres",
    "tests.servers.pds",
    "tests.servers.appview",
    "tests.servers.mastodon",
    "tests.servers.program",
]


#: A disk in memory, where there is one: what a test writes is synced for nobody's sake, and power
#: cuts are played (see tests/faults/disk.py).
FAST = Path("/dev/shm")  # noqa: S108 - folders of our own are made in it
_ENOUGH = 4_000_000_000


def pytest_configure() -> None:
    """Let all temporary folders be on the fast disk, those of child processes too."""
    share_compiled()
    # A shell that starts tests in the background lets them ignore it, and their children would too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if "TMPDIR" not in os.environ and FAST.is_dir() and shutil.disk_usage(FAST).free > _ENOUGH:
        os.environ["TMPDIR"] = tempfile.tempdir = str(FAST)


#: Folders whose tests take longest; they begin, so that no worker is left alone with one.
_LONGEST_FIRST = ("faults", "e2e", "browser", "contract", "integration", "property")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell how to get the same answers of stand-ins again."""
    if terminalreporter.stats.get("failed"):
        terminalreporter.write_line(f"the answers of stand-ins: VARIATION_SEED={SEED}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order tests by folder, those that take longest first."""
    last = len(_LONGEST_FIRST)
    rank = {folder: number for number, folder in enumerate(_LONGEST_FIRST)}
    items.sort(key=lambda item: rank.get(item.path.relative_to(ROOT / "tests").parts[0], last))


class ForbiddenInTestsError(BaseException):
    """A test did what no test may do.

    Not an `Exception`: a client library must not swallow it as a failed connection.
    """


def require_shared(name: str) -> Path:
    """Find third-party data, such as ``conformance/GraphemeBreakTest.txt``, beside the checkout."""
    path = SHARED / name
    if not path.exists():
        lacks(f"third-party data ../shared/{name} is not beside this checkout")
    return path


def require_tool(program: str) -> str:
    """Return the path of a program of docs/system-packages.md, or of what stands in for it.

    Skips the test where it is not installed; fails it in CI.

    Raises:
        LookupError: the table does not name it.
    """
    package = package_of(program)
    path = package.find()
    if path is None:
        lacks(package.reason_without)
    return path


def lacks(reason: str) -> NoReturn:
    """Skip the test for want of what it needs from outside the checkout; fail it in CI."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse to connect, or to look a name up, anywhere but on this machine."""
    real = socket.socket

    def guarded(call: Callable[..., Any], address_at: int) -> Callable[..., Any]:
        def checked(self: socket.socket, *args: Any) -> Any:
            if self.family in (socket.AF_INET, socket.AF_INET6):
                _require_loopback(args[address_at][0])
            return call(self, *args)

        return checked

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, guarded(getattr(real, name), 0))
    monkeypatch.setattr(socket.socket, "sendto", guarded(real.sendto, -1))
    look_up = socket.getaddrinfo

    def guarded_look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        if str(host or "").rstrip(".").endswith(".invalid"):  # RFC 6761: never exists
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        _require_loopback(host)
        return look_up(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", guarded_look_up)


def _require_loopback(host: str | bytes | None) -> None:
    name = host.decode() if isinstance(host, bytes) else host or "localhost"
    if name == "localhost" or name.endswith(".localhost") or name == "0.0.0.0":
        return
    try:
        is_loopback = ipaddress.ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        is_loopback = False
    if not (is_loopback or name == "::"):
        raise ForbiddenInTestsError(f"a test may connect to this machine only, not to {name}")


@pytest.fixture(autouse=True)
def _short_logs() -> Iterator[None]:
    """Write log lines without rich tracebacks, which take longer than the tests."""
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.processors.JSONRenderer()],
        logger_factory=structlog.PrintLoggerFactory(),
    )
    yield
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def _umask_kept() -> Iterator[None]:
    """Undo what the program does to its own process, or later tests make private files only."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)


@pytest.fixture(autouse=True)
def _no_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    real = time.sleep

    def refuse(seconds: float) -> None:
        # subprocess polls a child that it waits for with a timeout; no test waits by that.
        if sys._getframe(1).f_globals.get("__name__") != "subprocess":
            raise ForbiddenInTestsError(f"a test may not sleep ({seconds} s); wait for an event")
        real(seconds)

    monkeypatch.setattr(time, "sleep", refuse)


@pytest.fixture
def may_sleep(_no_sleep: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lift the guard on `time.sleep`, for the rare test that polls another process."""
    monkeypatch.setattr(time, "sleep", _REAL_SLEEP)


_REAL_SLEEP = time.sleep


@pytest.fixture(autouse=True)
def _default_data_untouched(tmp_path: Path) -> Iterator[None]:
    """Refuse to open anything in the data directory of whoever works in this checkout.

    Not while `tmp_path` is cleared: the guard sees a name there, and not in which folder it is.
    """
    _data_guard.on = True
    yield
    _data_guard.on = False


class _DataGuard:
    """An audit hook cannot be removed, so it is one for ever that can be turned on and off."""

    EVENTS = frozenset({"open", "os.mkdir", "os.remove", "os.rename", "sqlite3.connect"})

    def __init__(self) -> None:
        self.on = False
        self.root = str(DEFAULT_DATA)

    def __call__(self, event: str, args: tuple[object, ...]) -> None:
        if not self.on or event not in self.EVENTS or not isinstance(args[0], str | bytes | Path):
            return
        path = os.path.abspath(os.fsdecode(args[0]))  # noqa: PTH100 - Path.resolve() opens files
        if path == self.root or path.startswith(self.root + os.sep):
            raise ForbiddenInTestsError(f"a test may not touch {path}; use tmp_path")


_data_guard = _DataGuard()
sys.addaudithook(_data_guard)


@pytest.fixture(autouse=True)
def _no_settings_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away the developer's own VERBATIM_ settings and secrets, and the machine's proxies."""
    names = [name for name in os.environ if name.startswith(("VERBATIM_", "CREDENTIALS_DIRECTORY"))]
    proxies = [name for name in os.environ if name.lower().endswith("_proxy")]
    for name in names + proxies:
        monkeypatch.delenv(name)
