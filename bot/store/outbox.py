"""The outbox: the only source of truth about sending. Its parts are in four files, by who asks."""

from __future__ import annotations

from bot.store.leases import Leases
from bot.store.planning import PlanChanges
from bot.store.readback import ReadBacks
from bot.store.reads import Reads


class Outbox(Reads, PlanChanges, Leases, ReadBacks):
    """All deliveries, what happens to them, and their history."""
