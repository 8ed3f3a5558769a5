"""Mastodon, and servers that speak its API."""

from __future__ import annotations

from bot.platforms.base import Connection, Platform
from bot.platforms.mastodon.spec import SPEC

__all__ = ["SPEC", "connect"]


def connect(connection: Connection) -> Platform:
    """Return the adapter of one account."""
    from bot.platforms.mastodon import adapter

    return adapter.connect(connection)
