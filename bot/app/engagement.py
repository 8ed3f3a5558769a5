"""Reports, reads and digests over an open database."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bot.app.content import TRAITS
from bot.app.desk import Workspace
from bot.app.storage import settings
from bot.clock import Clock
from bot.engagement.report import Reporter
from bot.operations.digest import Digest, make_sender
from bot.planning.outlook import Outlook, outlook_of
from bot.planning.store import Store
from bot.platforms.spec import PlatformSpec
from bot.rendering.rendered import RenderedCampaign

#: Days that a digest looks ahead.
_WEEK = 7


def reporter(place: Workspace) -> Reporter:
    """Return what makes reports of the open database."""
    return Reporter(place.store, place.clock, place.campaign, TRAITS)


def digest(place: Workspace) -> Digest:
    """Return what writes and sends the week's summary."""
    addresses = tuple(map(str, settings().alerts))
    return digest_of(place.store, place.clock, lambda: place.rendered, TRAITS, addresses)


def digest_of(
    store: Store,
    clock: Clock,
    rendered: Callable[[], RenderedCampaign],
    specs: Mapping[str, PlatformSpec],
    addresses: tuple[str, ...],
) -> Digest:
    """Return the digest of a campaign whose files may change."""

    def ahead() -> Outlook:
        return outlook_of(store, clock, rendered(), days=_WEEK)

    def reporter_now() -> Reporter:
        return Reporter(store, clock, rendered().campaign, specs)

    return Digest(store, clock, reporter_now, ahead, make_sender(addresses))
