"""X (formerly Twitter), through tweepy and the API v2."""

from __future__ import annotations

from bot.platforms.base import Connection, Platform
from bot.platforms.x.spec import SPEC

__all__ = ["SPEC", "connect"]


def connect(connection: Connection) -> Platform:
    """Return the adapter of one account."""
    from bot.platforms.x import adapter  # tweepy, 0.1 s: only who posts there should pay

    return adapter.connect(connection)
