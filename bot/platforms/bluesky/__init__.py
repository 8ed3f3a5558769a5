"""Bluesky, and any other server of the AT protocol with its posts."""

from bot.platforms.base import Connection, Platform
from bot.platforms.bluesky.spec import SPEC

__all__ = ["SPEC", "connect"]


def connect(connection: Connection) -> Platform:
    from bot.platforms.bluesky import adapter  # atproto, 0.8 s: only who posts there should pay

    return adapter.connect(connection)
