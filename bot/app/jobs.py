"""What is done from time to time: reading numbers, the week's summary, keeping evidence."""

from collections.abc import Callable, Mapping
from contextlib import closing

from bot import VERSION
from bot.app.content import SPECS, Paths
from bot.app.workspace import open_workspace
from bot.clock import Clock
from bot.content.model import Campaign
from bot.engagement.collector import Collector, Tally
from bot.engagement.report import Reporter
from bot.evidence.archive import Archive
from bot.evidence.fetching import PageFetcher
from bot.operations.channels import Channels
from bot.operations.digest import Digest
from bot.operations.status import status_of
from bot.planning.outlook import outlook_of
from bot.planning.store import Store
from bot.platforms.spec import PlatformSpec
from bot.rendering.rendered import RenderedCampaign
from bot.settings.environment import Settings


def archive_of(store: Store, clock: Clock, known: Settings, campaign: Campaign) -> Archive:
    """Return what keeps a campaign's evidence; it says which campaign asks."""
    agent = f"Verbatim/{VERSION} (keeps evidence for the campaign {campaign.schedule.campaign})"
    return Archive(store, clock, PageFetcher(clock, agent, known.links_proxy), known.time_stamps)


def collect_now(paths: Paths) -> Tally:
    """Read what is due now, as a running service does; raises as `open_workspace`."""
    with open_workspace(paths) as workspace, closing(workspace.connections()) as connections:
        return Collector(
            workspace.store, workspace.clock, lambda: workspace.campaign, connections.platform,
            SPECS.__getitem__,
        ).run()  # fmt: skip


def digest_of(
    store: Store,
    clock: Clock,
    rendered: Callable[[], RenderedCampaign],
    specs: Mapping[str, PlatformSpec],
    channels: Channels,
) -> Digest:
    return Digest(
        store,
        clock,
        reporter=lambda: Reporter(store, clock, rendered().campaign, specs),
        ahead=lambda: outlook_of(store, clock, rendered(), days=7),
        channels=channels,
        matters=lambda: status_of(store, rendered().campaign.schedule, clock).matters,
    )
