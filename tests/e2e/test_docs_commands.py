"""Every command that README.md and docs/ show works when it is pasted, with any Python."""

from __future__ import annotations

import os
import re
import shutil
import string
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.docs.commands import (
    FRESH,
    HARD_DAYS,
    IN_ORDER,
    NOT_RUN,
    OTHER,
    SERVICES,
    SHELL,
    STAND_INS,
    campaign_at_work,
    left_out,
    meant,
    proof_for,
    shown,
    stop_accounts,
    typed,
    up_of,
)
from tests.docs.tree import blocks, files, read
from tests.fakes.bare import bare_python, copy_of_tree, give_venv
from tests.fakes.browser import PASSWORD
from tests.servers import free_port
from tests.servers.program import WarmProgram

PAGES = [path for path in files(".md") if path.parts[0] in {"README.md", "docs"}]
#: How a command begins that may be forked from what has imported the program. Others start a bare
#: Python, which starts the environment's: what `check` shows of that holds for every verb.
WARM = tuple(f"python3 run_bot.py {letter}" for letter in string.ascii_lowercase if letter != "c")
PROGRAM_CALLED = re.compile(r"run_bot\.py [a-zA-Z-]")
SHOWN = {command for path in PAGES for command in shown(read(path))}
COMMANDS = sorted(SHOWN - IN_ORDER)


@dataclass(frozen=True, slots=True)
class Machine:
    """A copy of the project and a campaign at work, where ``python3`` lacks the packages."""

    folder: Path
    #: A post that has gone out.
    post: str

    def start(
        self, command: str, data: str = "", token: str = "", stdin: int = subprocess.PIPE
    ) -> subprocess.Popen[str]:
        command = meant(command, self.folder, self.post)
        data = data or next((FRESH[one] for one in FRESH if command.startswith(one)), "data")
        python = "warm" if command.startswith(WARM) and not up_of(command) else "bare"
        if up_of(command):
            command = f"exec {command}"  # the shell must not stand between it and its signal
        environment = {
            **os.environ,
            "PATH": f"{self.folder / python / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "VERBATIM_DATA": str(self.folder / data),
            "VERBATIM_WEB": f"127.0.0.1:{free_port()}",
            "VERBATIM_MONITOR": "off",
            **({"VERBATIM_TOKEN": token} if token else {}),
        }
        return subprocess.Popen(
            ["sh", "-euc", command], cwd=self.folder / "project", env=environment,
            encoding="utf-8", stdin=stdin, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, start_new_session=True,  # no terminal: passwords come by stdin
        )  # fmt: skip


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, warm_program: WarmProgram) -> Machine:
    folder = tmp_path_factory.mktemp("machine")
    bare_python(folder / "bare")
    (folder / "warm" / "bin").mkdir(parents=True)
    warm_program.write_python(folder / "warm" / "bin")
    give_venv(copy_of_tree(folder / "project"))
    (folder / "project" / ".git" / "hooks").mkdir(parents=True)
    for name in ("backups", "new-backups"):
        (folder / name).mkdir(mode=0o700)
    post = campaign_at_work(folder / "stage", folder / "backups" / "2026-12-08.db")
    shutil.copytree(folder / "stage" / "data", folder / "data")
    return Machine(folder, post)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_block_is_commands_or_known_to_be_none(page: Path) -> None:
    languages = {language for language, _text in blocks(read(page))}

    assert languages <= SHELL | OTHER


@pytest.mark.parametrize("command", [one for one in COMMANDS if not left_out(one)])
def test_a_command_works_when_it_is_pasted(machine: Machine, command: str) -> None:
    up = up_of(command)
    with machine.start(command) as process:
        try:
            assert process.stderr is not None
            if up is not None:
                before = "".join(until(up[0], process.stderr))
                assert up[0] in before, before
                process.send_signal(up[1])
            out, err = process.communicate(f"{PASSWORD}\n{PASSWORD}\n", timeout=100)
        finally:
            process.kill()

    assert process.returncode == 0, out + err
    assert "Traceback" not in err


@pytest.mark.deep
@pytest.mark.parametrize("day", HARD_DAYS)
def test_the_commands_of_a_hard_day_work_in_their_order(machine: Machine, day: str) -> None:
    """On a campaign of its own, which has one operator unless the block makes her."""
    data = f"data of {day}"
    shutil.copytree(machine.folder / "stage" / "data", machine.folder / data)
    first = "python3 run_bot.py user add olga --role operator --as olga"
    commands = [command for command in HARD_DAYS[day] if not left_out(command)]
    if any("resume ACCOUNT" in command for command in commands):
        stop_accounts(machine.folder / data)

    for command in (*(() if first in commands else (first,)), *commands):
        token = proof_for(command, machine.folder / data) if command != first else ""
        code, told = typed(partial(machine.start, command, data, token))
        assert code == 0, (command, told)


def test_what_init_says_comes_next_works_where_it_was_said(machine: Machine) -> None:
    with machine.start("cd .. && python3 project/run_bot.py init 'a campaign'") as process:
        out, err = process.communicate()
    assert process.returncode == 0, err

    with machine.start(f"cd .. && {out.partition('next: ')[2]}") as process:
        out, err = process.communicate()

    assert process.returncode == 0, out + err
    assert "no problem in 2 posts" in out


def until(words: str, lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        yield line
        if words in line:
            return


def test_the_tables_name_nothing_that_no_page_shows() -> None:
    used = {start for command in SHOWN for start in left_out(command)}
    run = "\n".join(command for command in SHOWN if not left_out(command))

    assert used == set(NOT_RUN)
    assert [words for words in (*STAND_INS, *SERVICES, *FRESH) if words not in run] == []


def test_the_program_is_called_so_that_it_can_be_pasted() -> None:
    # In the container there is one Python, and `python` is its name.
    # A campaign that `init` begins has the bot beside it, its workflow in a folder of its own.
    right = re.compile(
        r"(docker compose exec verbatim python|python3) (\.{1,2}/?verbatim/)?run_bot\.py [a-zA-Z-]"
    )
    lines = [
        (str(path), line)
        for path in files(".md", ".yaml", ".yml", ".html", ".py")
        if path.parts[0] not in {"tests", "tools"}
        for line in read(path).splitlines()
    ]

    wrong = [(path, line) for path, line in lines if PROGRAM_CALLED.search(right.sub("", line))]

    assert wrong == []
