"""Looks through the whole database once a day: from a broken one nothing may be sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.log import get_logger
from bot.planning.store import Store

log = get_logger(__name__)


@dataclass(slots=True)
class Inspector:
    """Remembers what was found until the service is started again, on a sound database."""

    store: Store
    #: What is broken; empty while nothing is known to be.
    damage: str = ""

    def run(self) -> None:
        """Look through all of it; may take seconds where it is large.

        Raises:
            StoreError: it cannot be looked at now, which is no proof of anything.
        """
        found = self.store.find_damage()
        if found and not self.damage:
            log.critical("the database is broken; nothing is sent", damage=found)
            self.damage = found

    def unless_broken(self, job: Callable[[], None]) -> Callable[[], None]:
        """Leave a broken database alone: each write could break more of it."""

        def run() -> None:
            if not self.damage:
                job()

        return run
