"""Whoever adds a platform adds all that belongs to it."""

from __future__ import annotations

import pytest

from bot.core.campaign import Account
from bot.core.model import Picture, Status
from bot.platforms.base import Connection
from bot.platforms.registry import KINDS
from tests.conftest import ROOT
from tests.contract.contract import CountingMeter

EVERY = pytest.mark.parametrize("name", sorted(KINDS))


@EVERY
def test_a_platform_is_registered_under_its_own_name(name: str) -> None:
    assert KINDS[name].traits.name == name
    assert KINDS[name].traits.label


@EVERY
def test_a_platform_has_its_contract_and_its_page(name: str) -> None:
    assert (ROOT / "tests" / "contract" / f"test_{name}_contract.py").exists()
    assert (ROOT / "docs" / "platforms" / f"{name}.md").exists()


@EVERY
def test_a_platform_connects_without_asking_anything_of_the_network(name: str) -> None:
    traits = KINDS[name].traits
    account = Account("coalition", name, server="http://127.0.0.1:9", handle="coalition.example")
    secrets = {secret: f"value-{secret.lower()}" for secret in traits.secrets}

    platform = KINDS[name].connect(Connection(account, secrets, CountingMeter()))
    platform.close()

    assert platform.traits == traits


PICTURE = Picture("0" * 64, "image/png", "What it shows", 3, 2, 99)


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.traits.prices])
@pytest.mark.parametrize("text", ["Words.", "Words: https://example.org/letter"])
def test_whatever_publishing_charges_has_a_price(name: str, text: str) -> None:
    traits = KINDS[name].traits

    charged = {one.action for one in traits.charges(Status(text, pictures=(PICTURE,)))}

    assert charged
    assert charged <= traits.prices.keys()
