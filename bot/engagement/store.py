"""What is stored of numbers, as the services of `engagement` and all above see it."""

from __future__ import annotations

from bot.delivery.sent_log import OutboxContext
from bot.delivery.store import DeliveryStore
from bot.engagement.digests import Digests
from bot.engagement.snapshots import Followers, Snapshots


class EngagementStore(DeliveryStore):
    """Snapshots of statuses and accounts, and the digests that told of them."""

    def __init__(self, context: OutboxContext) -> None:
        super().__init__(context)
        self.snapshots = Snapshots(context)
        self.followers = Followers(context)
        self.digests = Digests(context)
