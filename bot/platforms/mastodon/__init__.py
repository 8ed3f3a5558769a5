"""Mastodon, and servers that speak its API."""

from collections.abc import Mapping

from bot.platforms.base import AskCode, Connection, Platform
from bot.platforms.mastodon.spec import SPEC

__all__ = ["SPEC", "authorize", "connect"]


def connect(connection: Connection) -> Platform:
    """Return the adapter of one account."""
    from bot.platforms.mastodon import adapter

    return adapter.connect(connection)


def authorize(connection: Connection, ask: AskCode) -> Mapping[str, str]:
    """Return the secrets that a person's code stands for; see `mastodon.signing_in`."""
    from bot.platforms.mastodon import signing_in

    return signing_in.authorize(connection, ask)
