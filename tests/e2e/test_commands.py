"""The customer's command as its own process: exit codes, pipes, odd places to be called from."""

from __future__ import annotations

import fcntl
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.e2e.bot_process import BotProcess
from tests.servers.program import WarmProgram
from tests.waiting import in_time

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
def new_program(
    tmp_path: Path, new_campaign: Path, warm_program: WarmProgram
) -> Iterator[Callable[[], Program]]:
    """Return a maker of programs, each in a campaign of its own."""
    made: list[Program] = []

    def make() -> Program:
        for one in made:
            one.kill()
        folder = tmp_path / f"campaign-{len(made)}"
        shutil.copytree(new_campaign, folder)
        made.append(Program(folder, warm_program))
        return made[-1]

    yield make
    made[-1].kill()


@pytest.fixture
def program(new_program: Callable[[], Program]) -> Program:
    return new_program()


def quiet(done: subprocess.CompletedProcess[str]) -> bool:
    return "Traceback" not in done.stderr and "Exception ignored" not in done.stderr


def test_a_day_in_the_life_of_the_service(
    new_program: Callable[[], Program],
) -> None:
    def paused_before(due: datetime) -> Program:
        program = new_program()
        at = due.strftime("%Y-%m-%d %H:%M:%S+00:00")
        (program.folder / "posts" / "first.yaml").write_text(POSTS.format(at=at), encoding="utf-8")
        program.start()
        program.wait_until(lambda: len(program.look()) > 1, "planned", before=due)
        program.do("pause", "--reason", "a test", "--as", "Ann")
        return program

    program = in_time(paused_before, lead=12)
    assert program.do("status")["running"] is True
    program.wait_until(lambda: dict(program.look())["due"] == "HELD", "held")
    (held,) = program.do("held")
    assert (held["post"], held["reason"]) == ("due", "paused")
    program.do("resume", "--as", "Ann")
    program.do("resolve", held["id"], "send", "--as", "Ann", "--why", "still true")
    program.wait_until(lambda: dict(program.look())["due"] == "SENT", "sent")
    assert program.do("deliveries", held["id"])["state"] == "SENT"

    assert program.stop() == 0
    assert program.do("status")["running"] is False, "who ends in order is not missed"
    rows = program.do("audit", "show")
    assert [row["verb"] for row in rows if row["who"] == "Ann"] == ["pause", "resume", "send"]
    assert program.do("audit", "verify")["broken_at"] is None
    assert "stopped in order" in program.log


def test_ctrl_c_ends_the_service_in_order(program: Program) -> None:
    program.start()
    program.wait_for_log('"running"')

    assert program.stop(signal.SIGINT) in {0, 130}
    assert "Traceback" not in program.log


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
    starts_python = words[0] in {"check", "nonsense"}
    done = program.call(*words) if starts_python else program.warm_call(*words)

    assert done.returncode == code, done.stderr
    assert quiet(done)


def test_interrupted_is_130(program: Program) -> None:
    program.start()
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


@pytest.mark.parametrize(
    "environment", [{"VERBATIM_LEASE": "1"}, {"VERBATIM_NONSENSE": "1"}, {"VERBATIM_LEASE": "x"}]
)
def test_a_wrong_setting_is_told_and_is_a_person_s_turn(
    program: Program, environment: dict[str, str]
) -> None:
    done = program.warm_call("run", **environment)

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
        cwd=elsewhere, env=program.environment, capture_output=True, encoding="utf-8",
        check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
