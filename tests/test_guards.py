"""Each guard of conftest.py bites."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
import warnings

import pytest

from tests.conftest import DEFAULT_DATA, ForbiddenInTestsError, require_shared, require_tool

# Blocks that RFC 5737 and RFC 3849 keep for examples: nobody is there.
OUTSIDE = ["192.0.2.1", "198.51.100.7", "2001:db8::1"]


@pytest.mark.parametrize("host", OUTSIDE)
def test_connecting_outside_this_machine_raises(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET

    with socket.socket(family) as sock, pytest.raises(ForbiddenInTestsError, match="this machine"):
        sock.connect((host, 9))


def test_sending_a_datagram_outside_this_machine_raises() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock,
        pytest.raises(ForbiddenInTestsError),
    ):
        sock.sendto(b"x", (OUTSIDE[0], 9))


def test_a_library_cannot_swallow_the_guard() -> None:
    with pytest.raises(ForbiddenInTestsError):
        urllib.request.urlopen("http://example.org/")


def test_a_name_that_never_exists_does_not_exist() -> None:
    with pytest.raises(socket.gaierror):
        socket.create_connection(("nobody.invalid", 443))


def test_connecting_to_this_machine_works() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        assert client.getpeername() == server.getsockname()


def test_sleeping_raises() -> None:
    with pytest.raises(ForbiddenInTestsError, match="may not sleep"):
        time.sleep(0)


def test_a_test_that_asks_may_sleep(may_sleep: None) -> None:
    time.sleep(0)


def test_waiting_for_a_child_with_a_timeout_is_no_sleep() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)

    with pytest.raises(subprocess.TimeoutExpired):
        child.wait(timeout=0.01)

    child.communicate(b"\n", timeout=300)
    assert child.returncode == 0


def test_the_default_data_path_raises() -> None:
    with pytest.raises(ForbiddenInTestsError, match="use tmp_path"):
        sqlite3.connect(DEFAULT_DATA / "verbatim.db")
    with pytest.raises(ForbiddenInTestsError, match="use tmp_path"):
        DEFAULT_DATA.mkdir()
    with pytest.raises(ForbiddenInTestsError, match="use tmp_path"):
        (DEFAULT_DATA / "sent.log").open("a")


def test_a_warning_is_an_error() -> None:
    with pytest.raises(UserWarning, match="careful"):
        warnings.warn("careful", stacklevel=1)


def test_no_setting_of_the_developer_reaches_a_test() -> None:
    assert [name for name in os.environ if name.startswith("VERBATIM_")] == []


def test_missing_data_is_a_skip_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)

    with pytest.raises(pytest.skip.Exception, match=r"\.\./shared/no-such"):
        require_shared("no-such")


def test_missing_data_and_tools_are_failures_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")

    with pytest.raises(pytest.fail.Exception, match="no-such"):
        require_shared("no-such")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(pytest.fail.Exception, match=r"faketime \(Debian's name\) is not installed"):
        require_tool("faketime")


def test_a_program_that_no_set_up_installs_may_not_be_asked_for() -> None:
    with pytest.raises(LookupError, match=r"system-packages\.md"):
        require_tool("no-such-program")
