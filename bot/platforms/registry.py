"""Every platform, by its name in the files; adding one is one line here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.core.model import PlatformSpec
from bot.platforms.base import Connect, Connection, Platform
from bot.platforms.bluesky.spec import SPEC as BLUESKY
from bot.platforms.mastodon.spec import SPEC as MASTODON
from bot.platforms.x.spec import SPEC as X


@dataclass(frozen=True, slots=True)
class Kind:
    """A platform: how it differs, and how to get an adapter for one account."""

    traits: PlatformSpec
    connect: Connect


def _x(connection: Connection) -> Platform:
    from bot.platforms.x import adapter  # tweepy, 0.1 s: only who posts there should pay

    return adapter.connect(connection)


def _mastodon(connection: Connection) -> Platform:
    from bot.platforms.mastodon import adapter  # Mastodon.py, 0.2 s: the same

    return adapter.connect(connection)


def _bluesky(connection: Connection) -> Platform:
    from bot.platforms.bluesky import adapter  # atproto, 0.8 s: the same

    return adapter.connect(connection)


KINDS: Mapping[str, Kind] = {
    "x": Kind(X, _x),
    "mastodon": Kind(MASTODON, _mastodon),
    "bluesky": Kind(BLUESKY, _bluesky),
}
