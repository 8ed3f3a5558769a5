"""Puts together what keeps evidence, out of settings."""

from bot import VERSION
from bot.clock import Clock
from bot.content.model import Campaign
from bot.evidence.archive import Archive
from bot.evidence.fetching import PageFetcher
from bot.planning.store import Store
from bot.settings import Settings


def archive_of(store: Store, clock: Clock, known: Settings, campaign: Campaign) -> Archive:
    """Return what keeps a campaign's evidence; it says which campaign asks."""
    agent = f"Verbatim/{VERSION} (keeps evidence for the campaign {campaign.schedule.campaign})"
    return Archive(store, clock, PageFetcher(clock, agent, known.links_proxy), known.time_stamps)
