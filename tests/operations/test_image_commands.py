"""Every command that docs/operating.md shows works in the built image, typed as `exec` types it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.docs.commands import (
    HARD_DAYS,
    IN_ORDER,
    NOT_RUN,
    OPERATING,
    campaign_at_work,
    meant,
    proof_for,
    shown,
    stop_accounts,
    typed,
    up_of,
)
from tests.docs.tree import read
from tests.fakes.browser import PASSWORD
from tests.operations.image_tree import TREE
from tests.operations.machine import NOBODY
from tests.operations.page import COMMANDS_HEAD
from tests.servers import free_port

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not TREE, reason="IMAGE_TREE names no tree of an image"),
]

#: How a command is typed that runs in the container.
EXEC = "docker compose exec verbatim "
#: Others are typed beside compose.yaml, and not in the container.
ON_THE_HOST = {"echo": "writes a file beside compose.yaml, on the host"}
ALL = {command.removeprefix(EXEC) for command in shown(read(OPERATING))}
#: What ran.
RAN: list[str] = []


def why_not(command: str) -> str:
    """Return why a command is not run in the image; empty where it is."""
    before = ""
    for start, written in {**NOT_RUN, **ON_THE_HOST}.items():
        whole = written == "likewise"
        before = written.replace("likewise", before if whole else before.partition(";")[0])
        if command.startswith(start):
            return before
    return ""


RUN = {command for command in ALL if not why_not(command)}


@dataclass(frozen=True, slots=True)
class ImageMachine:
    """The built image's tree with a campaign at work in its ``/data``."""

    #: What is mounted at ``/data``.
    folder: Path
    #: A post that has gone out.
    post: str

    def start(
        self, command: str, data: str = "data", token: str = "", stdin: int = subprocess.PIPE
    ) -> subprocess.Popen[str]:
        variables = {
            "PATH": os.environ["PATH"], "NETWORK": "host", "VERBATIM_HOST_ID": "image",
            "VERBATIM_DATA": f"/data/{data}", "VERBATIM_WEB": f"127.0.0.1:{free_port()}",
            "VERBATIM_MONITOR": "off", **({"VERBATIM_TOKEN": token} if token else {}),
        }  # fmt: skip
        image = ["sh", str(ROOT / "tools" / "image_run.sh"), TREE, str(self.folder)]
        return subprocess.Popen(
            [*image, "sh", "-euc", meant(command, Path("/data"), self.post)], env=variables,
            stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
            start_new_session=True,  # no terminal: passwords come by stdin
        )  # fmt: skip

    def give(self) -> None:
        """Let all of it be the container's user's."""
        for path in (self.folder, *self.folder.rglob("*")):
            shutil.chown(path, int(NOBODY), int(NOBODY))


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImageMachine]:
    folder = tmp_path_factory.mktemp("image")
    stage, mounted = folder / "stage", folder / "mounted"
    for path in (mounted, mounted / "backups", mounted / "new-backups"):
        path.mkdir(mode=0o700)
    post = campaign_at_work(stage, mounted / "backups" / "2026-12-08.db")
    for name in ("data", *(f"data of {day}" for day in HARD_DAYS)):
        shutil.copytree(stage / "data", mounted / name)
    machine = ImageMachine(mounted, post)
    machine.give()
    yield machine
    if (page := os.environ.get("OPERABILITY")) and set(RAN) == RUN:
        before = Path(page).read_text(encoding="utf-8").partition(COMMANDS_HEAD)[0]
        Path(page).write_text(before + section(), encoding="utf-8")


def section() -> str:
    """Return the end of docs/operability.md."""
    left = {command: reason for command in sorted(ALL) if (reason := why_not(command))}
    rows = "".join(f"| `{command}` | {reason} |\n" for command, reason in left.items())
    return (
        f"{COMMANDS_HEAD}\n{len(RUN)} commands of [operating.md](operating.md) were run in it and"
        " did what they say, those of a hard day in their order.\nThese were not:\n\n"
        f"| command | why not |\n| --- | --- |\n{rows}"
    )


@pytest.mark.parametrize("command", sorted(RUN - IN_ORDER))
def test_a_command_works_in_the_image(machine: ImageMachine, command: str) -> None:
    assert up_of(command) is None, "a service is run by test_operability.py"
    data = "restored" if "restore" in command else "data"

    with machine.start(command, data) as process:
        out, err = process.communicate(f"{PASSWORD}\n{PASSWORD}\n", timeout=300)

    assert process.returncode == 0, out + err
    assert "Traceback" not in err
    RAN.append(command)


@pytest.mark.parametrize("day", HARD_DAYS)
def test_a_hard_day_works_in_the_image(machine: ImageMachine, day: str) -> None:
    data = f"data of {day}"
    first = "python3 run_bot.py user add olga --role operator --as olga"
    commands = [command for command in HARD_DAYS[day] if not why_not(command)]
    if any("resume ACCOUNT" in command for command in commands):
        stop_accounts(machine.folder / data)

    for command in (*(() if first in commands else (first,)), *commands):
        token = proof_for(command, machine.folder / data) if command != first else ""
        machine.give()
        code, told = typed(partial(machine.start, command, data, token))
        assert code == 0, (command, told)
    RAN.extend(commands)
