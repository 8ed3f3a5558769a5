"""Every platform, by its name in the files; adding one is one line here."""

from __future__ import annotations

from dataclasses import dataclass

from bot.platforms import bluesky, mastodon, x
from bot.platforms.base import Connect
from bot.platforms.spec import PlatformSpec


@dataclass(frozen=True, slots=True)
class Kind:
    """A platform: what is known of it, and how to get an adapter for one account."""

    traits: PlatformSpec
    connect: Connect


KINDS: dict[str, Kind] = {
    "x": Kind(x.SPEC, x.connect),
    "mastodon": Kind(mastodon.SPEC, mastodon.connect),
    "bluesky": Kind(bluesky.SPEC, bluesky.connect),
}
