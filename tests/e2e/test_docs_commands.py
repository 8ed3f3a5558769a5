"""Every command that README.md and docs/ show works when it is pasted, with any Python."""

from __future__ import annotations

import os
import pty
import re
import shlex
import shutil
import signal
import string
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.authority.users import Role
from bot.clock import SystemClock
from bot.operations.opening import open_store
from tests.docs.tree import blocks, files, read
from tests.fakes.bare import bare_python, copy_of_tree, give_venv
from tests.fakes.browser import PASSWORD
from tests.fakes.people import token_of, who_decides
from tests.fakes.shipped import APPROVERS, open_shipped, planned
from tests.servers import free_port
from tests.servers.program import WarmProgram

PAGES = [path for path in files(".md") if path.parts[0] in {"README.md", "docs"}]
SHELL = {"sh", "bash", "shell", "console"}
#: Blocks that are no commands.
OTHER = {"yaml", "mermaid", "layers", "text"}

#: How a command that is not run begins, and why it is not.
NOT_RUN = {
    "make run": "installs packages, into the environment that runs this test",
    "make test": "runs this test",
    "sudo install": "needs root, and writes below /etc",
    "docker compose": "needs Docker; `make image-check` runs the image without it",
    "docker buildx": "likewise; tests/setup/test_release.py reads what `make image` gives it",
    "docker run": "likewise",
    "docker inspect": "likewise",
    "make image": "likewise",
    "make sbom": "installs packages; tests/setup/test_release.py makes one",
    "git tag": "needs the key of whoever releases",
    "git push": "needs the repository's server",
    "git verify-tag": "needs a signed tag",
    "pg_dump": "needs PostgreSQL; tests/faults/test_restore_postgresql.py runs it",
    "pg_restore": "likewise",
    "python3 run_bot.py restore /backups/2026-12-08.dump": "likewise",
    "umask": "stands before it; the variable names a file of PostgreSQL",
    "python3 run_bot.py move": "needs PostgreSQL; tests/integration/test_moving.py runs it",
    "python3 run_bot.py audit verify --log": "needs a log and a head; tests/attacks runs it",
    "python3 run_bot.py verify --record": "needs a record and its key; tests/public runs it",
    "python3 run_bot.py publish-source": "needs a live account; test_live_run.py runs it on a PDS",
    "python3 run_bot.py archive pages": "calls others' servers; tests/evidence runs it",
    "python3 run_bot.py archive links": "likewise",
    "python3 run_bot.py archive link-copy": "needs a copy that the files name; tests/evidence",
    "python3 run_bot.py kit": "needs passages released for partners; tests/public runs it",
    "python3 run_bot.py login": "needs an account's server; tests/e2e/test_login.py runs it",
    "python3 run_bot.py hide-reply": "needs replies; tests/delivery/test_interactions.py",
    "python3 run_bot.py revoke-quote": "needs quotes; tests/delivery/test_interactions.py",
    "python3 run_bot.py resume ACCOUNT": "needs a stopped account; tests/integration/test_hints.py",
    "python3 run_bot.py probe": "needs an account's server; tests/contract runs it",
    "python3 run_bot.py user add anna": "needs the password typed in the line before; tests/cli",
    "python3 run_bot.py user pin": "needs a code of a passkey; tests/browser/test_passkeys.py",
    "VERBATIM_": "is a setting; tests/docs/test_settings_docs.py proves its name",
}
#: What readers replace by their own, and what stands for it here; names in braces are a
#: `Machine`'s.
STAND_INS = {
    "/backups/$": "{folder}/new-backups/$",
    "/srv/": "{folder}/",
    "/backups/2026": "{folder}/backups/2026",
    "--post open-air-prison": "--post {post}",
    "/backups/first": "{folder}/new-backups/first",
    "/backups/before": "{folder}/new-backups/before",
    "VERB": "check",
    " POST": " {post}",
    "ACCOUNT": "coalition-mastodon",
    "--days 30 --serve": "--days 2 --serve",
}
#: What ends only when it is told to: what it says when it is up, and how it is told.
SERVICES = {
    "python3 run_bot.py run": ('"running"', signal.SIGTERM),
    "python3 run_bot.py rehearse": ("The dashboard is at", signal.SIGINT),
}
#: How a command begins that may be forked from what has imported the program. Others start a bare
#: Python, which starts the environment's: what `check` shows of that holds for every verb.
WARM = tuple(f"python3 run_bot.py {letter}" for letter in string.ascii_lowercase if letter != "c")
#: Begin in a data directory of their own: a rehearsal's, and one for a live backup.
FRESH = {"python3 run_bot.py run": "fresh", "python3 run_bot.py restore": "restored"}


def shown(page: str) -> Iterator[str]:
    """Yield the commands of a page: lines of its blocks, and what its sentences say to run."""
    for language, text in blocks(page):
        lines = text.replace("\\\n", " ").splitlines() if language in SHELL else []
        if language == "console":
            lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
        for line in lines:
            command = re.sub(r"(^|\s+)# .*", "", line).strip()
            if command:
                yield command
    yield from re.findall(r"`(python3 run_bot\.py [^`]+)`", page)


def hard_days() -> Iterator[tuple[str, list[str]]]:
    """Yield each block of "Hard days", by its heading and number: its commands belong together."""
    _, _, page = read(OPERATING).partition("\n## Hard days\n")
    for part in page.partition("\n## ")[0].split("\n### ")[1:]:
        shells = [text for language, text in blocks(part) if language in SHELL]
        for number, text in enumerate(shells):
            yield f"{part.splitlines()[0]} {number}", list(shown(f"```sh\n{text}\n```\n"))


PROGRAM_CALLED = re.compile(r"run_bot\.py [a-zA-Z-]")
OPERATING = Path("docs/operating.md")
HARD_DAYS = dict(hard_days())
IN_ORDER = {command for commands in HARD_DAYS.values() for command in commands}
SHOWN = {command for path in PAGES for command in shown(read(path))}
COMMANDS = sorted(SHOWN - IN_ORDER)


def left_out(command: str) -> list[str]:
    return [start for start in NOT_RUN if command.startswith(start)]


@dataclass(frozen=True, slots=True)
class Machine:
    """A copy of the project and a campaign at work, where ``python3`` lacks the packages."""

    folder: Path
    #: A post that has gone out.
    post: str

    def start(
        self, command: str, data: str = "", token: str = "", stdin: int = subprocess.PIPE
    ) -> subprocess.Popen[str]:
        for written, meant in STAND_INS.items():
            command = command.replace(written, meant.format(folder=self.folder, post=self.post))
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


def up_of(command: str) -> tuple[str, signal.Signals] | None:
    return next((told for start, told in SERVICES.items() if command.startswith(start)), None)


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


def campaign_at_work(folder: Path, backup: Path) -> str:
    """Plan, let a post go out and others be held, as of now; return that post."""
    now = datetime.now(UTC)
    with open_shipped(folder, start=now - timedelta(days=8), plans=False) as bot:
        bot.services.contents.refresh()
        # So far ahead that every post of a queue is yet to come.
        bot.services.planner.apply(bot.services.contents.rendered, days=200)
        first = planned(bot)[0]
        bot.approve(first.post_id, by=APPROVERS)
        bot.wait(now)
        bot.store.backup(backup)
        return first.post_id


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

    for command in (*(() if first in commands else (first,)), *commands):
        token = proof_for(command, machine.folder / data) if command != first else ""
        code, shown = typed(machine, command, data, token)
        assert code == 0, (command, shown)


def typed(machine: Machine, command: str, data: str, token: str) -> tuple[int, str]:
    """Run a command in a terminal in which somebody types the password again and again.

    Who makes or removes users must have one. Each prompt throws away what was typed before it.
    """
    keyboard, terminal = pty.openpty()
    os.set_blocking(keyboard, False)
    done = threading.Event()

    def type_on() -> None:
        while not done.wait(0.2):
            with suppress(BlockingIOError):
                os.write(keyboard, f"{PASSWORD}\n".encode())

    fingers = threading.Thread(target=type_on)
    fingers.start()
    try:
        with machine.start(command, data, token, stdin=terminal) as process:
            out, err = process.communicate(timeout=300)
    finally:
        done.set()
        fingers.join()
        os.close(keyboard)
        os.close(terminal)
    return process.returncode, out + err


def proof_for(command: str, data: Path) -> str:
    """Return a token of whoever decides here; at a terminal they would type their password."""
    name = who_decides(shlex.split(command))
    with closing(open_store(f"sqlite:///{data / 'rehearsal.db'}", create=False)) as store:
        operator = frozenset({Role.OPERATOR})
        return token_of(store, SystemClock(), name, operator) if name else ""


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
