"""`login`: secrets are asked for in silence, tried on a server, and kept privately."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT, require_shared
from tests.e2e.bot_process import BotProcess
from tests.fakes.campaign_tree import CampaignTree
from tests.fakes.x_oauth import CONSUMER_KEY, CONSUMER_SECRET, secrets_for
from tests.fakes.x_standin import USER, XStandin
from tests.servers.mastodon import MastodonAccount, MastodonServer
from tests.servers.program import WarmProgram

pytestmark = pytest.mark.server


def login(folder: Path, token: str) -> subprocess.CompletedProcess[str]:
    return BotProcess(folder).call("login", "masto", "--json", told=f"{token}\n")


def login_by_code(
    warm: WarmProgram, folder: Path, account: str, given: list[str], allow: Callable[[str], str]
) -> tuple[dict[str, str], str]:
    """Type these, leave the next secret empty, and type the code of the page that is named.

    Returns:
        What is kept, by the names of the files, and all that was shown.
    """
    words = [*warm.python, str(ROOT / "run_bot.py"), "login", account, "--json"]
    with subprocess.Popen(
        words, cwd=folder, env=BotProcess(folder).environment,
        encoding="utf-8", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True,  # no terminal: what is typed comes by stdin
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write("".join(f"{line}\n" for line in (*given, "")))
        process.stdin.flush()
        shown = []
        for line in process.stderr:
            shown.append(line)
            if "://" in line and "sent to" not in line:
                process.stdin.write(f"{allow(line.strip())}\n")
                process.stdin.flush()
        out = process.communicate()[0]

    assert process.returncode == 0, "".join(shown)
    files = map(Path, json.loads(out)["files"].values())
    return {path.name: path.read_text(encoding="utf-8") for path in files}, "".join(shown) + out


@pytest.fixture
def account(mastodon_server: MastodonServer) -> MastodonAccount:
    return mastodon_server.account()


@pytest.fixture
def campaign(tmp_path: Path, mastodon_server: MastodonServer) -> Path:
    tree = CampaignTree(tmp_path)
    tree.change("schedule.yaml", "https://mastodon.social", mastodon_server.origin)
    return tmp_path


def test_good_secrets_are_kept_in_private_files(campaign: Path, account: MastodonAccount) -> None:
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


def test_who_has_no_token_on_mastodon_gets_one_by_a_code(
    campaign: Path,
    account: MastodonAccount,
    mastodon_server: MastodonServer,
    warm_program: WarmProgram,
) -> None:
    def allow(address: str) -> str:
        assert address.startswith(f"{mastodon_server.origin}/oauth/authorize?")
        return f"mockcode_{account.username}"  # whoever signs in there is shown it

    kept, shown = login_by_code(warm_program, campaign, "masto", [], allow)

    [token] = kept.values()
    verified = mastodon_server.ask("GET", "/api/v1/accounts/verify_credentials", token=token)
    assert verified["id"] == account.id
    assert account.username in shown
    assert token not in shown


@pytest.mark.parametrize("half", [[], [secrets_for(USER)["ACCESS_TOKEN"]]], ids=["none", "half"])
def test_who_has_an_app_on_x_gets_its_tokens_by_a_pin(
    tmp_path: Path, half: list[str], warm_program: WarmProgram
) -> None:
    """Also who has lost the token's secret: X gives out the same token again."""
    with XStandin(spec_file=require_shared("conformance/x-api-openapi.json")) as x:
        tree = CampaignTree(tmp_path)
        tree.change(
            "schedule.yaml", "{platform: bluesky}", f'{{platform: x, server: "{x.origin}"}}'
        )

        def allow(address: str) -> str:
            return x.oauth.allow(address, USER)

        typed = [CONSUMER_KEY, CONSUMER_SECRET, *half]
        kept, shown = login_by_code(warm_program, tmp_path, "blue", typed, allow)

    assert kept == {f"VERBATIM_BLUE_{name}": value for name, value in secrets_for(USER).items()}
    assert not [value for value in kept.values() if value in shown]
