"""The customer's command as its own process: exit codes, pipes, odd places to be called from."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.timeout(180)

POSTS = """\
posts:
  - id: due
    text: "Words that are due soon enough."
    at: {at}
    author: Ed
  - id: later
    quote: {{source: letter, text: "This text stands here so that you can see how a quotation is \
proved."}}
    queue: main
    author: Ed
"""


class Program:
    """``run_bot.py`` in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.service: subprocess.Popen[bytes] | None = None

    def call(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(ROOT / "run_bot.py"), *words],
            cwd=self.folder, env=self._environment(environment), capture_output=True,
            encoding="utf-8", timeout=120, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def shell(self, line: str) -> subprocess.CompletedProcess[str]:
        program = f"{sys.executable} {ROOT / 'run_bot.py'}"
        return subprocess.run(
            ["bash", "-c", line.replace("BOT", program)],
            cwd=self.folder, env=self._environment({}), capture_output=True, encoding="utf-8",
            timeout=120, check=False,
        )  # fmt: skip

    @staticmethod
    def _environment(changed: dict[str, str]) -> dict[str, str]:
        known = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return {name: value for name, value in (known | changed).items() if value != "unset"}

    def do(self, *words: str) -> Any:
        done = self.call(*words, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.service = subprocess.Popen(
                [sys.executable, str(ROOT / "run_bot.py"), "run"], cwd=self.folder, stderr=log,
                stdout=log, env=self._environment({"VERBATIM_WEB": "off"}),
            )  # fmt: skip

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        assert self.service is not None
        self.service.send_signal(number)
        code = self.service.wait(60)
        self.service = None
        return code

    def wait_until(self, is_so: Callable[[], bool], *, every: float = 0.3) -> None:
        deadline = time.monotonic() + 90
        while not is_so():
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(every)


@pytest.fixture(scope="module")
def new_campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write what ``init`` writes; every test works on a copy."""
    folder = tmp_path_factory.mktemp("new")
    done = Program(folder).call("init", "campaign")
    assert done.returncode == 0, done.stderr
    return folder / "campaign"


@pytest.fixture
def program(tmp_path: Path, new_campaign: Path) -> Iterator[Program]:
    shutil.copytree(new_campaign, tmp_path / "campaign")
    made = Program(tmp_path / "campaign")
    yield made
    if made.service is not None:
        made.service.kill()
        made.service.wait(10)


def quiet(done: subprocess.CompletedProcess[str]) -> bool:
    return "Traceback" not in done.stderr and "Exception ignored" not in done.stderr


def test_a_day_in_the_life_of_the_service(program: Program, may_sleep: None) -> None:
    due = datetime.now(UTC) + timedelta(seconds=25)
    posts = program.folder / "posts" / "first.yaml"
    posts.write_text(POSTS.format(at=due.strftime("%Y-%m-%d %H:%M:%S+00:00")), encoding="utf-8")
    program.start()
    program.wait_until(lambda: (program.folder / "data" / "rehearsal.db").exists())
    program.wait_until(lambda: len(program.do("deliveries")) > 1)
    assert program.do("status")["running"] is True
    program.do("pause", "--reason", "a test", "--as", "Ann")

    program.wait_until(lambda: bool(program.do("held")))
    (held,) = program.do("held")
    assert (held["post"], held["reason"]) == ("due", "paused")
    program.do("resume", "--as", "Ann")
    program.do("resolve", held["id"], "send", "--as", "Ann", "--why", "still true")
    program.wait_until(lambda: program.do("deliveries", held["id"])["state"] == "SENT")

    assert program.stop() == 0
    rows = program.do("audit", "show")
    assert [row["verb"] for row in rows] == ["pause", "resume", "send"]
    assert program.do("audit", "verify")["broken_at"] is None
    assert "stopped in order" in (program.folder / "log").read_text()


def test_ctrl_c_ends_the_service_in_order(program: Program, may_sleep: None) -> None:
    program.start()
    log = program.folder / "log"
    program.wait_until(lambda: '"running"' in log.read_text())

    assert program.stop(signal.SIGINT) in {0, 130}
    assert "Traceback" not in log.read_text()


def test_a_second_service_stands_by_and_takes_over(program: Program, may_sleep: None) -> None:
    program.start()
    log = program.folder / "log"
    program.wait_until(lambda: '"running"' in log.read_text())
    first = program.service
    assert first is not None
    program.start()
    program.wait_until(lambda: "standing by" in log.read_text())

    first.kill()
    first.wait(10)
    program.wait_until(lambda: log.read_text().count('"running"') == 2)

    assert program.stop() == 0


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("check",), 0),
        (("status",), 1),
        (("nonsense",), 2),
        (("check", "--config", "none.yaml"), 1),
        (("run", "--data", "/dev/null/x"), 1),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_the_exit_code_says_whose_turn_it_is(
    program: Program, words: tuple[str, ...], code: int
) -> None:
    done = program.call(*words)

    assert done.returncode == code, done.stderr
    assert quiet(done)


def test_interrupted_is_130(program: Program, may_sleep: None) -> None:
    program.start()
    assert program.service is not None
    other = subprocess.Popen(
        [sys.executable, str(ROOT / "run_bot.py"), "rehearse", "--days", "800"],
        cwd=program.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    made = program.folder / "data" / "rehearse" / "verbatim.db"
    program.wait_until(made.exists, every=0.01)  # the days are lived in less than a second

    other.send_signal(signal.SIGINT)
    _out, error = other.communicate(timeout=60)

    assert other.returncode == 130, error
    assert b"Traceback" not in error


@pytest.mark.parametrize(
    ("line", "codes"),
    [
        ("BOT check | true; exit ${PIPESTATUS[0]}", {0}),
        ("BOT schema posts | head -c 10 >/dev/null; exit ${PIPESTATUS[0]}", {0}),
        ("BOT plan --days 300 --json | head -1 >/dev/null; exit ${PIPESTATUS[0]}", {0}),
        ("BOT check >&-", {0}),
        ("BOT check >&- 2>&-", {0}),
        ("BOT rehearse --days 2 >&-", {0}),
        ("BOT nonsense 2>&-", {2}),
        ("BOT check </dev/null", {0}),
        ("BOT check <&-", {0}),
        ("BOT check >/dev/full", {1}),
        ("BOT check --config none.yaml | true; exit ${PIPESTATUS[0]}", {1}),
        ("BOT plan --ics none/plan.ics", {1}),
    ],
)
def test_pipes_that_end_early_are_no_error(program: Program, line: str, codes: set[int]) -> None:
    done = program.shell(line)

    assert done.returncode in codes, done.stderr
    assert quiet(done)


@pytest.mark.parametrize(
    "environment",
    [
        {"LANG": "C", "LC_ALL": "C"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "ascii"},
        {"TZ": "garbage/zone"},
        {"TZ": ":/etc/passwd"},
        {"HOME": "unset"},
        {"HOME": "/nonexistent"},
        {"TERM": "dumb", "COLUMNS": "1"},
        {"TERM": "unset", "PATH": "unset"},
        {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"},
        {"NO_COLOR": "1"},
    ],
    ids=lambda environment: " ".join(environment),
)
def test_odd_surroundings_change_nothing(program: Program, environment: dict[str, str]) -> None:
    done = program.call("preview", "--all", **environment)

    assert done.returncode == 0, done.stderr
    assert "how a quotation is" in done.stdout
    assert quiet(done)


@pytest.mark.parametrize(
    "environment", [{"VERBATIM_LEASE": "1"}, {"VERBATIM_NONSENSE": "1"}, {"VERBATIM_LEASE": "x"}]
)
def test_a_wrong_setting_is_told_and_is_a_person_s_turn(
    program: Program, environment: dict[str, str]
) -> None:
    done = program.call("run", **environment)

    assert done.returncode == 1
    assert "VERBATIM_" in done.stderr
    assert quiet(done)


def test_private_files_whatever_the_umask(program: Program) -> None:
    done = program.shell("umask 000; BOT rehearse --days 1")
    assert done.returncode == 0, done.stderr

    data = program.folder / "data"
    open_to_others = [path for path in [data, *data.rglob("*")] if path.stat().st_mode & 0o077]
    assert open_to_others == []


def test_it_is_called_from_anywhere(program: Program, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o555)
    campaign = program.folder
    done = subprocess.run(
        [sys.executable, str(ROOT / "run_bot.py"), "check",
         "--config", campaign / "schedule.yaml", "--posts", campaign / "posts"],
        cwd=elsewhere, env=Program._environment({}), capture_output=True, encoding="utf-8",
        check=False, timeout=60,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
