"""X (formerly Twitter), through tweepy and the API v2."""

from collections.abc import Mapping

from bot.platforms.base import AskCode, Connection, Platform
from bot.platforms.x.spec import SPEC

__all__ = ["SPEC", "authorize", "connect"]


def connect(connection: Connection) -> Platform:
    from bot.platforms.x import adapter  # tweepy, 0.1 s: only who posts there should pay

    return adapter.X(connection)


def authorize(connection: Connection, ask: AskCode) -> Mapping[str, str]:
    """Return the secrets that a person's code stands for; see `x.client`."""
    from bot.platforms.x import client

    return client.authorize(connection, ask)
