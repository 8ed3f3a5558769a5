"""A person's side of the bot: opens what is there, to decide and to look."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.app.connections import Connections
from bot.app.content import Paths, prove_files, prove_kept, read_files, rendered_for
from bot.app.storage import (
    clock_of,
    create_store,
    existing_store,
    has_store,
    owner_for,
    remember_owner,
)
from bot.app.storage import settings as read_settings
from bot.authority.access import Access
from bot.checks.checking import CheckedContent
from bot.clock import Clock, SystemClock
from bot.content.model import Campaign, Mode
from bot.delivery.decisions import Desk
from bot.planning.corrections import Corrections
from bot.planning.store import Store
from bot.rendering.rendered import RenderedCampaign
from bot.settings import Settings


@dataclass(frozen=True, slots=True)
class Workspace:
    """What a verb of the command line works with."""

    store: Store
    clock: Clock
    #: Rendered campaign in force: the files on disk, or the last good ones.
    rendered: RenderedCampaign

    @property
    def campaign(self) -> Campaign:
        return self.rendered.campaign

    @property
    def desk(self) -> Desk:
        return Desk(self.store, self.clock, lambda: self.campaign)

    def connections(self) -> Connections:
        """Return the accounts' adapters; whoever asks closes them."""
        rehearsed = self.store.directory / "rehearsed.db"
        return Connections(
            self.store, self.clock, read_settings(), lambda: self.campaign, rehearsed
        )


@contextmanager
def open_workspace(paths: Paths) -> Iterator[Workspace]:
    """Open the database of the schedule's mode.

    While the files on disk have errors, the last good ones are in force here too: a pause must
    not wait for a typing error to be mended.

    Raises:
        OperatorError: there is no database yet, or no content that is whole.
    """
    signers = read_settings().content_signers
    content = prove_files(paths.config, paths.posts, signers=signers)
    with _opened(content, owner_for(paths, content.loaded).mode, paths.data) as workspace:
        yield workspace


@contextmanager
def open_readonly(paths: Paths, *, as_written: bool = False) -> Iterator[Workspace]:
    """Open what there is to look at; before the first `run` that is an empty scratch database.

    Files with errors are no content where it is to be ``as_written``.
    """
    signers = read_settings().content_signers
    content = prove_files(paths.config, paths.posts, signers=signers)
    mode = owner_for(paths, content.loaded).mode
    if has_store(mode, paths.data, read_settings()):
        with _opened(content, mode, paths.data, as_written=as_written) as workspace:
            yield workspace
        return
    clock = SystemClock()
    with (
        TemporaryDirectory() as scratch,
        closing(create_store(mode, Path(scratch), known=Settings(), clock=clock)) as store,
    ):
        yield Workspace(store, clock, content.rendered)


@contextmanager
def _opened(
    content: CheckedContent, mode: Mode, data: Path, *, as_written: bool = False
) -> Iterator[Workspace]:
    known = read_settings()
    with closing(existing_store(mode, data, known=known, clock=SystemClock())) as store:
        clock = clock_of(store)
        kept = prove_kept(store, clock) if content.errors and not as_written else None
        yield Workspace(store, clock, rendered_for(kept or content, store))


@contextmanager
def open_users(paths: Paths) -> Iterator[Access]:
    """Open the users of the schedule's mode; the first one may come before the first `run`.

    Raises:
        OperatorError: the schedule cannot be read, or the database not be used.
    """
    owner = owner_for(paths, read_files(paths.config, paths.posts))
    store = create_store(owner.mode, paths.data, known=read_settings(), clock=SystemClock())
    with closing(store):
        remember_owner(paths.data, owner)
        yield Access(store, clock_of(store))


@contextmanager
def open_corrections(paths: Paths) -> Iterator[Corrections]:
    """Open what is out, with the accounts that it is on."""
    with open_workspace(paths) as workspace, closing(workspace.connections()) as connections:
        store, clock, rendered = workspace.store, workspace.clock, workspace.rendered
        yield Corrections(store, clock, lambda: rendered, connections.platform)
