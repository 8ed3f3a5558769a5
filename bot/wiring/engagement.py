"""Reports, reads and digests over an open database."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from bot.clock import Clock
from bot.core.model import Traits
from bot.core.rendered import RenderedCampaign
from bot.services.digest import Digest
from bot.services.mailing import post_office
from bot.services.outlook import Outlook, outlook_of
from bot.services.reporter import Report, Reporter
from bot.store import Store
from bot.wiring.content import TRAITS
from bot.wiring.desk import Office
from bot.wiring.storage import settings

#: Days that a digest looks ahead.
_WEEK = 7


def reporter(place: Office) -> Reporter:
    """Give what makes reports of the open database."""
    return Reporter(place.store, place.clock, place.campaign, TRAITS)


def digest(place: Office) -> Digest:
    """Give what writes and sends the week's summary."""
    return digest_of(
        place.store, place.clock, lambda: place.composition, TRAITS,
        tuple(map(str, settings().alerts)),
    )  # fmt: skip


def digest_of(
    store: Store,
    clock: Clock,
    composition: Callable[[], RenderedCampaign],
    traits: Mapping[str, Traits],
    addresses: tuple[str, ...],
) -> Digest:
    """Give the digest of a campaign whose files may change."""

    def report(*, since: datetime | None = None) -> Report:
        return Reporter(store, clock, composition().campaign, traits).report(since=since)

    def ahead() -> Outlook:
        return outlook_of(store, clock, composition(), days=_WEEK)

    return Digest(store, clock, report, ahead, post_office(addresses))
