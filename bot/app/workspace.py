"""A person's side of the bot: opens what is there, to decide and to look."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

from bot.app import storage
from bot.app.connections import Connections
from bot.app.content import SPECS, Paths, prove_kept, read_files, read_schedule, rendered_for
from bot.authority.access import Access
from bot.clock import Clock
from bot.content.ceilings import bounded
from bot.content.files import SCHEDULE
from bot.content.model import Campaign, Mode, Schedule
from bot.content.values import no_such
from bot.delivery.decisions import Desk
from bot.errors import DecisionError
from bot.operations.channels import channels_of
from bot.planning.corrections import Corrections
from bot.planning.store import Store
from bot.rendering.rendered import RenderedCampaign
from bot.settings.environment import Settings


@dataclass(frozen=True, slots=True)
class Workspace:
    """What a verb of the command line works with."""

    store: Store
    clock: Clock
    #: Rendered campaign in force: the files on disk, or the last good ones, within the ceilings.
    rendered: RenderedCampaign
    #: The same as the files say it.
    written: Campaign

    @property
    def campaign(self) -> Campaign:
        return self.rendered.campaign

    @property
    def desk(self) -> Desk:
        return Desk(self.store, self.clock, lambda: self.campaign)

    @property
    def mode(self) -> Mode:
        return self.campaign.schedule.mode

    def require_post(self, name: str) -> None:
        """Raise `DecisionError` with the nearest id where no post is, or was, called so."""
        written = [post.id for post in self.campaign.posts]
        if name not in written and not self.store.outbox.find(post_id=name):
            raise DecisionError(no_such("post", name, written))

    def connections(self) -> Connections:
        """Return the accounts' adapters; whoever asks closes them."""
        return Connections(self.store, self.clock, storage.settings(), lambda: self.campaign)


@contextmanager
def open_workspace(paths: Paths, *, only_reads: bool = False) -> Iterator[Workspace]:
    """Open the database of the schedule's mode.

    While the files on disk have errors, the last good ones are in force here too: a pause must
    not wait for a typing error to be mended.

    Args:
        only_reads: Before the first `run` an empty scratch database will do.

    Raises:
        OperatorError: there is no database yet, or no content that is whole.
    """
    with ExitStack() as stack:
        before = storage.owner_of(paths.data)
        known = stack.enter_context(storage.known_store(paths))
        content = storage.prove_content_with(known, paths)
        owner = storage.owner_for(paths, content.loaded)
        mode = owner.mode
        if known and owner == before:  # somebody may have confirmed another mode meanwhile
            store = known
        elif only_reads and not storage.has_store(mode, paths.data):
            scratch = Path(stack.enter_context(TemporaryDirectory()))
            store = stack.enter_context(closing(storage.create_store(mode, scratch, Settings())))
        else:
            store = stack.enter_context(closing(storage.existing_store(mode, paths.data)))
        clock = storage.clock_of(store)
        kept = prove_kept(store, clock) if content.errors else None
        rendered = rendered_for(kept or content, store)
        in_force = bounded(rendered.campaign, storage.settings(), SPECS)
        yield Workspace(store, clock, replace(rendered, campaign=in_force), rendered.campaign)


#: Open what there is to look at.
open_readonly = partial(open_workspace, only_reads=True)


@dataclass(frozen=True, slots=True)
class EmergencyDesk:
    """An open database, and the schedule in force if there is any: no file is read."""

    store: Store
    clock: Clock
    schedule: Schedule | None
    #: Of the database.
    mode: Mode

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.schedule.timezone if self.schedule else "UTC")

    @property
    def desk(self) -> Desk:
        """Return the decisions; those that need content refuse."""

        def no_campaign() -> Campaign:
            raise DecisionError("this needs the campaign, and its files were not read")

        return Desk(self.store, self.clock, no_campaign)


@contextmanager
def open_emergency(paths: Paths) -> Iterator[EmergencyDesk]:
    """Open the database that is there, whatever the files say; OperatorError if none is known."""
    owner = storage.owner_of(paths.data) or storage.owner_for(
        paths, read_files(paths.config, paths.posts)
    )
    with closing(storage.existing_store(owner.mode, paths.data)) as store:
        last = store.contents.last()
        schedule = read_schedule(last[1][SCHEDULE].encode(), storage.settings()) if last else None
        yield EmergencyDesk(store, storage.clock_of(store), schedule, owner.mode)


@contextmanager
def open_users(paths: Paths) -> Iterator[Access]:
    """Open the users of the schedule's mode; the first one may come before the first `run`.

    Raises:
        OperatorError: the schedule cannot be read, or the database not be used.
    """
    owner = storage.owner_for(paths, read_files(paths.config, paths.posts))
    with closing(storage.create_store(owner.mode, paths.data, storage.settings())) as store:
        storage.remember_owner(paths.data, owner)
        yield Access(store, storage.clock_of(store))


@contextmanager
def open_corrections(paths: Paths, *, only_reads: bool = False) -> Iterator[Corrections]:
    """Open what is out, with the accounts that it is on; before the first `run`, only to read."""
    with (
        open_workspace(paths, only_reads=only_reads) as workspace,
        closing(workspace.connections()) as connections,
    ):
        store, clock, rendered = workspace.store, workspace.clock, workspace.rendered
        channels = channels_of(tuple(map(str, storage.settings().alerts)))
        yield Corrections(store, clock, lambda: rendered, connections.platform, channels.announce)
