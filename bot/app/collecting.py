"""Reads the numbers that are due, for the verb `collect`."""

from __future__ import annotations

from pathlib import Path

from bot.app.connections import Connections
from bot.app.content import TRAITS
from bot.app.desk import office
from bot.app.storage import settings
from bot.engagement.collector import Collector, Tally


def collect_now(config: Path, posts: Path, data: Path) -> Tally:
    """Read what is due now; a running service does the same by itself.

    Raises:
        OperatorError: there is no database yet, or no content that is whole.
    """
    with office(config, posts, data) as place:
        connections = Connections(
            place.store, place.clock, settings(), lambda: place.campaign,
            place.store.directory / "rehearsed.db",
        )  # fmt: skip
        try:
            return Collector(
                place.store, place.clock, lambda: place.campaign, connections.platform,
                TRAITS.__getitem__,
            ).run()  # fmt: skip
        finally:
            connections.close()
