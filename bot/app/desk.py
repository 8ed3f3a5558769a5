"""A person's side of the bot: opens what is there, decides, looks ahead."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.app.content import prove_files, prove_kept, rendered_for
from bot.app.storage import clock_of, create_store, existing_store, has_store, mode_of, settings
from bot.checks.checking import CheckedContent
from bot.clock import Clock, SystemClock
from bot.content.model import Campaign, Mode
from bot.delivery.decisions import Desk
from bot.planning.outlook import Outlook, outlook_of
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


@contextmanager
def office(config: Path, posts: Path, data: Path) -> Iterator[Workspace]:
    """Open the database of the schedule's mode.

    While the files on disk have errors, the last good ones are in force here too: a pause must
    not wait for a typing error to be mended.

    Raises:
        OperatorError: there is no database yet, or no content that is whole.
    """
    content = prove_files(config, posts)
    with _opened(content, mode_of(content.loaded, data), data) as place:
        yield place


@contextmanager
def open_readonly(config: Path, posts: Path, data: Path) -> Iterator[Workspace]:
    """Open what there is to look at; before the first `run` that is an empty scratch database."""
    content = prove_files(config, posts)
    mode = mode_of(content.loaded, data)
    if has_store(mode, data, settings()):
        with _opened(content, mode, data) as place:
            yield place
        return
    clock = SystemClock()
    with TemporaryDirectory() as scratch:
        store = create_store(mode, Path(scratch), known=Settings(), clock=clock)
        try:
            yield Workspace(store, clock, content.rendered)
        finally:
            store.close()


@contextmanager
def _opened(content: CheckedContent, mode: Mode, data: Path) -> Iterator[Workspace]:
    store = existing_store(mode, data, known=settings(), clock=SystemClock())
    try:
        clock = clock_of(store)
        kept = prove_kept(store, clock) if content.errors else None
        yield Workspace(store, clock, rendered_for(kept or content, store))
    finally:
        store.close()


def look_ahead(config: Path, posts: Path, data: Path, *, days: int) -> Outlook:
    """Return what the coming days hold, without changing anything."""
    with open_readonly(config, posts, data) as place:
        return outlook_of(place.store, place.clock, place.rendered, days=days)
