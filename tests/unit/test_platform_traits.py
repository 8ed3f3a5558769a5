"""What is known of a platform before anything of it is connected."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from bot.core.model import Traits

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("name", "library"), [("mastodon", "mastodon"), ("bluesky", "atproto_client")]
)
def test_traits_are_read_without_the_client_library(name: str, library: str) -> None:
    """Importing atproto takes most of a second; `check` should not wait for it."""
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys, bot.platforms.{name}.traits; print({library!r} in sys.modules)",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert told.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("name", "length", "folds", "cards", "secret"),
    [
        ("mastodon", 500, True, False, "ACCESS_TOKEN"),
        ("bluesky", 300, False, True, "APP_PASSWORD"),
    ],
)
def test_traits_say_how_platforms_differ(
    name: str, length: int, folds: bool, cards: bool, secret: str
) -> None:
    traits: Traits = import_module(f"bot.platforms.{name}.traits").TRAITS

    assert traits.name == name
    assert traits.limits.max_length == length
    assert (traits.folds_warning, traits.has_link_cards) == (folds, cards)
    assert traits.secrets == (secret,)
    assert traits.measure("word", traits.limits) == 4
