"""Whoever adds a platform adds all that belongs to it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.content.model import Account
from bot.platforms.base import Connection
from bot.platforms.registry import PLATFORMS
from bot.platforms.status import Status
from tests.conftest import ROOT
from tests.contract.contract import CountingMeter, picture_of, png

EVERY = pytest.mark.parametrize("name", sorted(PLATFORMS))


@EVERY
def test_a_platform_is_registered_under_its_own_name(name: str) -> None:
    assert PLATFORMS[name].spec.name == name
    assert PLATFORMS[name].spec.label


@EVERY
def test_a_platform_has_its_contract_and_its_page(name: str) -> None:
    assert (ROOT / "tests" / "contract" / f"test_{name}_contract.py").exists()
    assert (ROOT / "docs" / "platforms" / f"{name}.md").exists()


@EVERY
def test_a_platform_connects_without_asking_anything_of_the_network(name: str) -> None:
    spec = PLATFORMS[name].spec
    account = Account("coalition", name, server="http://127.0.0.1:9", handle="coalition.example")
    secrets = {secret: f"value-{secret.lower()}" for secret in spec.secrets}

    platform = PLATFORMS[name].connect(Connection(account, secrets, CountingMeter()))
    platform.close()

    assert platform.spec == spec


@EVERY
def test_whatever_is_charged_has_a_price(name: str) -> None:
    spec = PLATFORMS[name].spec
    status = Status("see https://example.org", pictures=(picture_of(png(), "a square"),))
    booleans = [key.name for key in spec.account_keys if key.kind is bool]
    accounts = [Account("a", name), Account("a", name, own=dict.fromkeys(booleans, True))]

    charged = {one.action for one in (*spec.charges(status), *spec.charges(Status("words")))}
    charged |= {spec.read_action(account) for account in accounts} if spec.prices else set()

    assert charged <= set(spec.prices)


def test_a_check_waits_for_no_library_that_it_does_not_need(tmp_path: Path) -> None:
    """Importing atproto takes most of a second, pydantic-settings a tenth of a whole check."""
    code = (
        "import sys\n"
        "from bot.cli.main import run\n"
        f"code = run(['check', '--data', {str(tmp_path)!r}])\n"
        "libraries = {'tweepy', 'mastodon', 'atproto', 'atproto_client', 'requests', 'httpx',\n"
        "             'sqlalchemy', 'PIL', 'pydantic_settings', 'asyncio', 'rich', 'jinja2'}\n"
        "print(code, sorted(set(sys.modules) & libraries))"
    )
    env = {name: value for name, value in os.environ.items() if not name.startswith("VERBATIM_")}

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True, env=env
    )

    assert done.stdout.splitlines()[-1] == "0 []"
