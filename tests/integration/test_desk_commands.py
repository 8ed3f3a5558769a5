"""Users, corrections and the rehearsal's dashboard from the command line."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from bot.cli.main import run
from tests.conftest import ROOT
from tests.fakes.browser import PASSWORD
from tests.fakes.campaign_tree import CampaignTree
from tests.fakes.shipped import APPROVERS, open_shipped, planned
from tests.integration.store_rows import due
from tests.servers import free_port
from tests.waiting import PATIENCE, wait_until


@pytest.fixture
def campaign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    CampaignTree(tmp_path, shipped=True)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "password").write_text(PASSWORD + "\n", encoding="utf-8")
    return tmp_path


def output(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    return captured.out + captured.err


def test_users_come_change_and_go(campaign: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add = ["user", "add", "anna", "--role", "approver", "--password-file", "password", "--as", "op"]

    assert run(["user", "list"]) == 0
    assert "no users" in output(capsys)
    assert run(add) == 0
    assert run(add) == 1
    assert "already" in output(capsys)
    assert run(["user", "roles", "anna", "--role", "viewer", "--role", "editor", "--as", "op"]) == 0
    assert run(["user", "password", "anna", "--password-file", "password", "--as", "op"]) == 0
    assert run(["user", "sign-out", "anna", "--as", "op"]) == 0
    output(capsys)
    assert run(["user", "list", "--json"]) == 0
    assert json.loads(output(capsys)) == [{"name": "anna", "roles": ["editor", "viewer"]}]
    assert run(["user", "remove", "anna", "--as", "op"]) == 0
    assert run(["audit", "verify"]) == 0


def test_a_user_without_a_role_or_with_a_weak_password_is_refused(
    campaign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (campaign / "password").write_text("too short", encoding="utf-8")

    assert run(["user", "add", "anna", "--as", "op"]) == 2
    words = ["user", "add", "anna", "--role", "viewer", "--password-file", "password", "--as", "op"]
    assert run(words) == 1
    assert "15 characters or more" in output(capsys)


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Leave a campaign behind whose first post is out."""
    with open_shipped(tmp_path) as bot:
        row = next(one for one in planned(bot) if one.platform == "mastodon")
        bot.approve(row.post_id, by=APPROVERS)
        bot.wait(due(row))
    monkeypatch.chdir(tmp_path)
    return row.post_id


def test_a_correction_and_a_retraction_from_the_command_line(
    published: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ["--why", "We named three.", "--as", "anna"]

    assert run(["correct", published, "--text", "Four signed it.", *words]) == 0
    assert f"approve correction-1-of-{published}" in output(capsys)
    assert run(["retract", published, *words]) == 0
    assert "deleted: coalition-mastodon" in output(capsys)
    assert run(["retract", published, *words]) == 1
    assert "nothing of it is out" in output(capsys)
    assert run(["corrections", "--html", "list.html"]) == 0
    assert "We named three." in output(capsys)
    assert run(["corrections", "--json"]) == 0
    kinds = [one["kind"] for one in json.loads(output(capsys))]
    page = (tmp_path / "list.html").read_text(encoding="utf-8")

    assert kinds == ["retraction", "correction"]
    assert "Four signed it." in page
    assert "anna" not in page


def test_a_rehearsal_is_served_until_ctrl_c(campaign: Path) -> None:
    port = free_port()
    words = [sys.executable, str(ROOT / "run_bot.py"), "rehearse", "--days", "2", "--serve"]
    environment = {**os.environ, "VERBATIM_WEB": f"127.0.0.1:{port}", "VERBATIM_MONITOR": "off"}
    with subprocess.Popen(words, cwd=campaign, env=environment, stderr=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL) as process:  # fmt: skip
        try:
            page = _page(port, process)
            process.send_signal(signal.SIGINT)
            code = process.wait(PATIENCE)
        finally:
            process.kill()

    assert "Rehearsal" in page
    assert "Next" in page
    assert code == 0


def _page(port: int, process: subprocess.Popen[bytes]) -> str:
    def is_open() -> bool:
        assert process.poll() is None
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return True
        return False

    wait_until(is_open, "a dashboard")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("GET", "/")
    page = connection.getresponse().read().decode()
    connection.close()
    return page
