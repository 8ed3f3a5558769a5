"""`login`: secrets are asked for in silence, tried on a server, and kept privately."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.e2e.bot_process import BotProcess
from tests.fakes.campaign_tree import CampaignTree
from tests.servers.mastodon import MastodonServer

pytestmark = pytest.mark.server


def login(folder: Path, token: str) -> subprocess.CompletedProcess[str]:
    return BotProcess(folder).call("login", "masto", "--json", told=f"{token}\n")


@pytest.fixture
def campaign(tmp_path: Path, mastodon_server: MastodonServer) -> Path:
    tree = CampaignTree(tmp_path)
    tree.change("schedule.yaml", "https://mastodon.social", mastodon_server.origin)
    return tmp_path


def test_good_secrets_are_kept_in_private_files(
    campaign: Path, mastodon_server: MastodonServer
) -> None:
    account = mastodon_server.account()

    done = login(campaign, account.token)

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["handle"].startswith(account.username)
    [path] = map(Path, told["files"].values())
    assert path.read_text(encoding="utf-8") == account.token
    assert path.stat().st_mode & 0o077 == 0
    assert account.token not in done.stdout + done.stderr


def test_bad_secrets_are_told_and_not_kept(campaign: Path) -> None:
    done = login(campaign, "no-such-token-anywhere")

    assert done.returncode == 1
    assert "not accepted" in done.stderr
    assert "no-such-token-anywhere" not in done.stdout + done.stderr
    assert not (campaign / "data" / "secrets").exists()
