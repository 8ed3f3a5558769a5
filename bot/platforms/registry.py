"""Every platform, by its name in the files; adding one is one line here."""

from dataclasses import dataclass

from bot.platforms import bluesky, mastodon, x
from bot.platforms.base import Authorize, Connect
from bot.platforms.spec import PlatformSpec


@dataclass(frozen=True, slots=True)
class RegisteredPlatform:
    """A platform: what is known of it, and how to get secrets and an adapter for one account."""

    spec: PlatformSpec
    connect: Connect
    authorize: Authorize = lambda _connection, _ask: {}


PLATFORMS: dict[str, RegisteredPlatform] = {
    "x": RegisteredPlatform(x.SPEC, x.connect, x.authorize),
    "mastodon": RegisteredPlatform(mastodon.SPEC, mastodon.connect, mastodon.authorize),
    "bluesky": RegisteredPlatform(bluesky.SPEC, bluesky.connect),
}
