"""All that the bot remembers, as planning and everything above it sees it."""

from __future__ import annotations

from bot.delivery.repository import OutboxContext
from bot.engagement.store import EngagementStore
from bot.planning.apply import PlanChanges


class Store(EngagementStore):
    """Each subject's repositories, and the one way in which a plan changes the outbox."""

    def __init__(self, context: OutboxContext) -> None:
        super().__init__(context)
        self.plan = PlanChanges(context)
