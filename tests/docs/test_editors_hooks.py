"""What editors' commits and pull requests run is there, and is what the bot understands."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from bot.cli.main import run
from tests.conftest import ROOT, require_tool
from tests.docs.tree import read

WORKFLOW = ".github/workflows/check-posts.yml"


def workflow_commands() -> list[str]:
    jobs = yaml.safe_load(read(WORKFLOW))["jobs"]
    return [line for step in jobs["check"]["steps"] for line in step["run"].splitlines()]


def test_the_workflow_uses_nobody_else_s_actions_and_only_reads() -> None:
    workflow = yaml.safe_load(read(WORKFLOW))

    assert all("uses" not in step for step in workflow["jobs"]["check"]["steps"])
    assert workflow["permissions"] == {"contents": "read"}


@pytest.mark.parametrize("told", ["workflow", "pre-commit"])
def test_what_they_run_is_a_check_of_the_bot_s(
    told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERBATIM_DATA", str(tmp_path))  # an editor has no data of a service
    # An archive of the project is no repository.
    campaign = tmp_path / "campaign"
    shutil.copytree(ROOT / "posts", campaign / "posts")
    shutil.copy(ROOT / "schedule.yaml", campaign)
    git, who = require_tool("git"), ("-c", "user.name=a", "-c", "user.email=a@example.org")
    for each in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "all"]):
        subprocess.run([git, *each], cwd=campaign, check=True)
    monkeypatch.chdir(campaign)
    hook = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"][0]["hooks"][0]["entry"]
    command = workflow_commands()[-1] if told == "workflow" else hook
    words = shlex.split(command)
    # What GitHub gives a job, and a base that one commit has too.
    given = {"$GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"), "HEAD^1": "HEAD"}
    words = [given.get(word, word) for word in words]

    assert words[:2] == ["python3", "run_bot.py"]
    assert run(words[2:]) == 0
