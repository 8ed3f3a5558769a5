"""The customer's command as its own process: exit codes, pipes, odd places to be called from."""

from __future__ import annotations

import fcntl
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.e2e.bot_process import BotProcess


class Program(BotProcess):
    """A campaign as ``init`` writes it, with a shell."""

    def shell(self, line: str) -> subprocess.CompletedProcess[str]:
        program = f"{sys.executable} {ROOT / 'run_bot.py'}"
        return subprocess.run(
            ["bash", "-c", line.replace("BOT", program)],
            cwd=self.folder, env=self.environment, capture_output=True, encoding="utf-8",
            check=False,
        )  # fmt: skip


@pytest.fixture(scope="module")
def new_campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write what ``init`` writes; every test works on a copy."""
    folder = tmp_path_factory.mktemp("new")
    done = Program(folder).call("init", "campaign")
    assert done.returncode == 0, done.stderr
    return folder / "campaign"


@pytest.fixture
def program(tmp_path: Path, new_campaign: Path) -> Program:
    return Program(shutil.copytree(new_campaign, tmp_path / "campaign"))


def quiet(done: subprocess.CompletedProcess[str]) -> bool:
    return "Traceback" not in done.stderr and "Exception ignored" not in done.stderr


def test_interrupted_is_130(program: Program) -> None:
    with subprocess.Popen(
        [sys.executable, str(ROOT / "run_bot.py"), "rehearse", "--days", "800", "--json"],
        cwd=program.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as other:  # fmt: skip
        assert other.stdout is not None
        # Nobody reads what it tells, so it cannot end before it is interrupted.
        fcntl.fcntl(other.stdout, fcntl.F_SETPIPE_SZ, 4096)
        made = program.folder / "data" / "rehearse" / "verbatim.db"
        program.wait_until(made.exists, "a rehearsal", every=0.01)

        other.send_signal(signal.SIGINT)
        assert other.wait() == 130
        assert other.stderr is not None
        error = other.stderr.read()

    assert b"Traceback" not in error


@pytest.mark.parametrize(
    ("line", "codes"),
    [
        ("BOT check | true; exit ${PIPESTATUS[0]}", {0}),
        ("BOT schema posts | head -c 10 >/dev/null; exit ${PIPESTATUS[0]}", {0}),
        ("BOT plan --days 300 --json | head -1 >/dev/null; exit ${PIPESTATUS[0]}", {0}),
        pytest.param("BOT check >&-", {0}, marks=pytest.mark.deep),
        ("BOT check >&- 2>&-", {0}),
        pytest.param("BOT rehearse --days 2 >&-", {0}, marks=pytest.mark.deep),
        ("BOT nonsense 2>&-", {2}),
        pytest.param("BOT check </dev/null", {0}, marks=pytest.mark.deep),
        ("BOT check <&-", {0}),
        ("BOT check >/dev/full", {1}),
        pytest.param(
            "BOT check --config none.yaml | true; exit ${PIPESTATUS[0]}",
            {1},
            marks=pytest.mark.deep,
        ),
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
        {"LANG": "C", "LC_ALL": "C", "TZ": "garbage/zone", "HOME": "unset"},
        {
            "LC_ALL": "C",
            "PYTHONUTF8": "0",
            "PYTHONCOERCECLOCALE": "0",
            "TERM": "dumb",
            "COLUMNS": "1",
        },
        {
            "PYTHONIOENCODING": "ascii",
            "TZ": ":/etc/passwd",
            "HOME": "/nonexistent",
            "NO_COLOR": "1",
        },
        {
            "TERM": "unset",
            "PATH": "unset",
            "http_proxy": "http://127.0.0.1:9",
            "https_proxy": "http://127.0.0.1:9",
        },
    ],
    ids=lambda environment: " ".join(environment),
)
def test_odd_surroundings_change_nothing(program: Program, environment: dict[str, str]) -> None:
    done = program.call("preview", "--all", **environment)

    assert done.returncode == 0, done.stderr
    assert "how a quotation is" in done.stdout
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
        cwd=elsewhere, env=program.environment, capture_output=True, encoding="utf-8",
        check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
