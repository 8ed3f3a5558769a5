"""Mastodon, and servers that speak its API."""

from collections.abc import Mapping

from bot.platforms.base import AskCode, Connection, Platform
from bot.platforms.mastodon.spec import SPEC

__all__ = ["SPEC", "authorize", "connect"]


def connect(connection: Connection) -> Platform:
    from bot.platforms.mastodon import adapter

    return adapter.connect(connection)


def authorize(connection: Connection, ask: AskCode) -> Mapping[str, str]:
    """Return the secrets that a person's code stands for; see `mastodon.api`."""
    from bot.platforms.mastodon import api

    return api.authorize(connection, ask)
