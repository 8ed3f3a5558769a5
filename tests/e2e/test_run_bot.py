"""`python3 run_bot.py` with any Python: here, in the project's `.venv`, or one line of advice."""

from __future__ import annotations

import ast
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import run_bot
from tests.conftest import ROOT
from tests.docs.tree import files, read
from tests.fakes.bare import bare_python, give_venv

#: Stands for the bot: tells what the Python that runs it was given.
BOT = """\
import json, os, sys

def main():
    told = {"argv": sys.argv, "cwd": os.getcwd(), "home": os.environ.get("A_NAME")}
    print(json.dumps({**told, "prefix": sys.prefix}))
    sys.exit(7)
"""
#: As an older Python would start it.
OLD = """\
import runpy, sys
del sys.argv[0]
sys.version_info = (3, 6, 15)
runpy.run_path(sys.argv[0], run_name="__main__")
"""


class Project:
    """A folder with ``run_bot.py`` and a bot that only tells how it was started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "a project"
        (self.folder / "bot" / "cli").mkdir(parents=True)
        (self.folder / "bot" / "__init__.py").touch()
        (self.folder / "bot" / "cli" / "__init__.py").touch()
        (self.folder / "bot" / "cli" / "main.py").write_text(BOT, encoding="utf-8")
        self.script = Path(shutil.copy(ROOT / "run_bot.py", self.folder))
        self.bare = bare_python(folder / "bare")
        self.elsewhere = folder / "elsewhere"
        self.elsewhere.mkdir()

    def call(self, *words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words, cwd=self.elsewhere, env={**os.environ, **environment}, capture_output=True,
            encoding="utf-8", check=False, timeout=60,
        )  # fmt: skip

    def advises(self, done: subprocess.CompletedProcess[str]) -> bool:
        """Return whether it said in one line what to do, and ended with 1."""
        setup = f"`make setup` first: cd {shlex.quote(str(self.folder))} && make setup\n"
        one_line = done.stderr.endswith(setup) and done.stderr.count("\n") == 1
        return (done.returncode, done.stdout, one_line) == (1, "", True)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_it_can_be_read_by_an_old_python() -> None:
    ast.parse(read("run_bot.py"), feature_version=(3, 6))


def test_it_looks_for_all_packages_that_the_bot_imports() -> None:
    trees = [ast.parse(read(path)) for path in files(".py") if path.parts[0] == "bot"]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    names |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    imported = {name.partition(".")[0] for name in names} - {*sys.stdlib_module_names, "bot"}

    assert sorted(run_bot.PACKAGES) == sorted(imported)


def test_a_python_with_the_packages_runs_the_bot_itself(project: Project) -> None:
    done = project.call(sys.executable, project.script, "check")

    assert done.returncode == 7
    assert f'"prefix": "{sys.prefix}"' in done.stdout


@pytest.mark.parametrize("way", [[], ["-I"], ["-c", OLD]], ids=["bare", "isolated", "old"])
def test_one_without_them_goes_on_in_the_venv_with_the_same_words(
    project: Project, way: list[str]
) -> None:
    give_venv(project.folder)
    words = ["check", "--posts", "a b", "", "-x", "–"]

    done = project.call(project.bare, *way, project.script, *words, A_NAME="kept")

    assert (done.returncode, done.stderr) == (7, "")
    told = json.loads(done.stdout)
    assert told["argv"] == [str(project.script), *words]
    assert (told["cwd"], told["home"]) == (str(project.elsewhere), "kept")
    assert told["prefix"] == str(project.folder / ".venv")


def test_without_a_venv_one_line_says_what_to_do(project: Project) -> None:
    assert project.advises(project.call(project.bare, project.script, "check"))


def test_a_python_that_is_too_old_does_not_run_the_bot(project: Project) -> None:
    assert project.advises(project.call(sys.executable, "-c", OLD, project.script, "check"))


def test_the_advice_is_right_from_anywhere(project: Project) -> None:
    done = project.call(project.bare, project.script, "check")
    command = done.stderr.partition("first: ")[2]

    made = project.call("sh", "-c", command.replace("make setup", "pwd"))

    assert made.stdout == f"{project.folder}\n"


def test_a_venv_without_packages_is_tried_once(project: Project) -> None:
    bare_python(project.folder / ".venv")

    assert project.advises(project.call(project.bare, project.script, "check"))
    own = project.folder / ".venv" / "bin" / "python"
    assert project.advises(project.call(own, project.script, "check"))


@pytest.mark.parametrize("broken", ["gone", "empty", "not to be run", "a folder", "a bare one"])
def test_a_broken_venv_is_as_none(project: Project, broken: str) -> None:
    python = project.folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    if broken == "gone":
        python.symlink_to("no-python-any-more")
    elif broken == "a folder":
        python.mkdir()
    elif broken == "a bare one":
        python.symlink_to(project.bare)
    else:
        python.touch(mode=0o755 if broken == "empty" else 0o644)

    assert project.advises(project.call(project.bare, project.script, "check"))


def test_a_link_to_it_from_elsewhere_finds_the_project(project: Project) -> None:
    give_venv(project.folder)
    link = project.elsewhere / "verbatim"
    link.symlink_to(project.script)

    assert project.call(project.bare, link, "check").returncode == 7


def test_the_second_start_is_the_same_process(project: Project) -> None:
    give_venv(project.folder)
    (project.folder / "bot" / "cli" / "main.py").write_text(
        "def main():\n import os, signal\n os.kill(os.getpid(), signal.SIGTERM)\n"
    )

    done = project.call(project.bare, project.script, "run")

    assert done.returncode == -signal.SIGTERM


def test_on_windows_the_exit_code_is_handed_on(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = project.folder / ".venv" / "Scripts" / "python.exe"
    python.parent.mkdir(parents=True)
    python.symlink_to(project.bare)
    script = project.folder / "verb.py"
    script.write_text("import sys; sys.exit(40 + len(sys.argv))", encoding="utf-8")
    monkeypatch.setattr(run_bot, "IS_WINDOWS", True)
    monkeypatch.setattr(run_bot, "ROOT", project.folder)
    monkeypatch.setattr(sys, "argv", [str(script), "check"])

    with pytest.raises(SystemExit) as left:
        run_bot.restart()

    assert left.value.code == 42
