"""The switch that stops all sending."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update

from bot.authority.tables import pause
from bot.db.database import Repository

_LASTING = pause.c.resumed_at.is_(None)


@dataclass(frozen=True, slots=True)
class PauseState:
    """A pause that lasts."""

    reason: str
    by: str
    at: datetime


class Pauses(Repository):
    """At most one pause lasts at a time; all are kept."""

    def pause(self, reason: str, by: str, now: datetime) -> bool:
        """Stop all sending; False where it is paused already."""
        if self.current() is not None:
            return False
        with self._db.write() as connection:
            values = {"reason": reason, "by": by, "paused_at": now, "resumed_by": ""}
            connection.execute(pause.insert().values(values))
        return True

    def resume(self, by: str, now: datetime) -> bool:
        """Send again; False where nothing was paused."""
        with self._db.write() as connection:
            values = {"resumed_at": now, "resumed_by": by}
            return connection.execute(update(pause).where(_LASTING).values(values)).rowcount > 0

    def current(self) -> PauseState | None:
        """Return the pause that lasts."""
        query = select(pause).where(_LASTING).order_by(pause.c.id).limit(1)
        with self._db.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else PauseState(row.reason, row.by, row.paused_at)
