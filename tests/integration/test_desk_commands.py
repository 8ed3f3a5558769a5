"""Users, corrections and the rehearsal's dashboard from the command line."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from bot.app.content import Paths
from bot.app.workspace import open_users
from bot.authority.users import Person
from bot.cli.main import run
from tests.conftest import ROOT
from tests.fakes.browser import PASSWORD
from tests.fakes.campaign_tree import CampaignTree
from tests.fakes.shipped import APPROVERS, open_shipped, planned
from tests.integration.store_rows import due
from tests.servers.program import WarmProgram
from tests.waiting import PATIENCE


@pytest.fixture
def campaign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    CampaignTree(tmp_path, shipped=True)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "password").write_text(PASSWORD + "\n", encoding="utf-8")
    return tmp_path


def output(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    return captured.out + captured.err


ADD = ("user", "add", "--password-file", "password", "--as", "olga")


@pytest.fixture
def olga(campaign: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make the first user, an operator; return her token, which stands in the environment."""
    assert run([*ADD, "olga", "--role", "operator"]) == 0
    with open_users(Paths(Path("schedule.yaml"), Path("posts"), Path("data"))) as users:
        token = users.new_token(Person("olga", frozenset()), "a test")
    monkeypatch.setenv("VERBATIM_TOKEN", token)
    return token


def test_the_first_user_needs_no_proof_and_can_make_others(
    campaign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["user", "list"]) == 0
    assert "no users" in output(capsys)
    assert run([*ADD, "anna", "--role", "approver"]) == 1
    assert "give --role operator too" in output(capsys)
    assert run([*ADD, "olga", "--role", "operator"]) == 0

    assert run([*ADD, "anna", "--role", "approver"]) == 1
    assert "prove that you are olga" in output(capsys)


def test_users_come_change_and_go(
    campaign: Path, olga: str, capsys: pytest.CaptureFixture[str], warm_program: WarmProgram
) -> None:
    by = ["--as", "olga"]

    def say(*words: str) -> str:
        """Run a verb in a terminal, with olga's password: her token does not do."""
        program = [*warm_program.python, str(ROOT / "run_bot.py"), *words]
        return in_terminal(program, campaign, PASSWORD)

    assert "anna may sign in" in say(*ADD, "anna", "--role", "approver")
    assert "already" in say(*ADD, "anna", "--role", "approver")
    roles = ("--role", "viewer", "--role", "editor")
    assert "anna is editor, viewer" in say("user", "roles", "anna", *roles, *by)
    changed = say("user", "password", "anna", "--password-file", "password", *by)
    assert "another password" in changed
    assert run(["user", "sign-out", "anna", *by]) == 0
    assert "anna signs in" in say("user", "reset", "anna", *by)
    output(capsys)
    assert run(["user", "list", "--json"]) == 0
    assert json.loads(output(capsys))[0] == {
        "name": "anna", "roles": ["editor", "viewer"], "codes": False, "passkeys": [],
    }  # fmt: skip
    assert "anna is removed" in say("user", "remove", "anna", *by)
    assert run(["audit", "verify"]) == 0


def test_a_person_proves_themselves_by_the_password_in_a_terminal(
    campaign: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run([*ADD, "olga", "--role", "operator"]) == 0
    words = [sys.executable, str(ROOT / "run_bot.py"), "user", "sign-out", "olga", "--as", "olga"]

    wrong, right = (in_terminal(words, campaign, typed) for typed in ("not it", PASSWORD))

    assert "do not belong together" in wrong
    assert PASSWORD not in right
    assert "session(s) of olga ended" in right


def in_terminal(words: list[str], folder: Path, typed: str) -> str:
    """Run a verb in a terminal, and type a line once it asks; return all that it showed."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(words, cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs,
                          start_new_session=True) as process:  # fmt: skip
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # a terminal whose other side has ended cannot be read
            while part := os.read(ours, 4096):
                shown += part
                if shown.endswith(b": ") and typed:
                    os.write(ours, f"{typed}\n".encode())
                    typed = ""
        process.wait(PATIENCE)
    os.close(ours)
    return shown.decode()


def test_a_user_without_a_role_or_with_a_weak_password_is_refused(
    campaign: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (campaign / "password").write_text("too short", encoding="utf-8")

    assert run([*ADD, "olga"]) == 2
    assert run([*ADD, "olga", "--role", "operator"]) == 1
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


def test_a_quote_is_revoked_from_the_command_line_where_there_can_be_one(
    published: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["deliveries", "--json"]) == 0
    rows = json.loads(output(capsys))
    row = next(one for one in rows if (one["state"], one["platform"]) == ("SENT", "mastodon"))
    words = ["https://other.example/1", "--why", "It mocks them.", "--as", "anna"]

    assert run(["revoke-quote", row["id"], *words]) == 1
    assert "not done: mastodon: nobody quotes in a rehearsal" in output(capsys)
    assert run(["hide-reply", row["id"], *words]) == 1
    assert "Mastodon has no way to hide a reply" in output(capsys)
    assert run(["audit", "show"]) == 0
    log = output(capsys)
    assert "anna: revoke quote" in log
    assert "other.example" not in log
