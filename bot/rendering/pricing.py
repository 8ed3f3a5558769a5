"""What publishing costs, in US dollars, by the prices in force."""

from __future__ import annotations

from collections.abc import Mapping

from bot.content.model import Schedule
from bot.platforms.spec import PlatformSpec
from bot.platforms.status import Status


def prices_for(spec: PlatformSpec, schedule: Schedule) -> Mapping[str, float]:
    """Return US dollars by action; what the schedule names overrides the platform's own."""
    return {**spec.prices, **schedule.prices.get(spec.name, {})}


def cost_of(status: Status, spec: PlatformSpec, schedule: Schedule) -> float:
    """Add up in US dollars what publishing one status will cost."""
    prices = prices_for(spec, schedule)
    return sum(prices.get(one.action, 0.0) * one.units for one in spec.charges(status))
