"""The outbox: the only source of truth about sending. Its parts are in four files, by who asks."""

from __future__ import annotations

from bot.delivery.leases import Leases
from bot.delivery.moves import Moves
from bot.delivery.readback import ReadBacks
from bot.delivery.reads import OutboxReads


class Outbox(OutboxReads, Moves, Leases, ReadBacks):
    """All deliveries, what happens to them, and their history."""
