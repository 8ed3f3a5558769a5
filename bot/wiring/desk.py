"""A person's side of the bot: opens what is there, decides, looks ahead."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.clock import Clock, SystemClock
from bot.content.loading import Loaded
from bot.core.campaign import Campaign
from bot.services.composing import Composition
from bot.services.desk import Desk
from bot.services.outlook import Outlook, outlook_of
from bot.settings import Settings
from bot.store import Store
from bot.wiring.content import compose_loaded, prove_files, prove_kept
from bot.wiring.storage import clock_of, create_store, existing_store, has_store, mode_of, settings


@dataclass(frozen=True, slots=True)
class Office:
    """What a verb of the command line works with."""

    store: Store
    clock: Clock
    #: Rendered campaign in force: the files on disk, or the last good ones.
    composition: Composition

    @property
    def campaign(self) -> Campaign:
        return self.composition.campaign

    @property
    def desk(self) -> Desk:
        return Desk(self.store, self.clock, lambda: self.campaign)


@contextmanager
def office(config: Path, posts: Path, data: Path) -> Iterator[Office]:
    """Open the database of the schedule's mode.

    While the files on disk have errors, the last good ones are in force here too: a pause must
    not wait for a typing error to be mended.

    Raises:
        OperatorError: there is no database yet, or no content that is whole.
    """
    clock, known = SystemClock(), settings()
    loaded = prove_files(config, posts, clock=clock)
    store = existing_store(mode_of(loaded, data), data, known=known, clock=clock)
    try:
        shared = clock_of(store)
        yield Office(store, shared, _in_force(loaded, store, shared))
    finally:
        store.close()


def _in_force(loaded: Loaded, store: Store, clock: Clock) -> Composition:
    kept = prove_kept(store, clock) if loaded.campaign is None else None
    return compose_loaded(kept or loaded, store)


@contextmanager
def looking(config: Path, posts: Path, data: Path) -> Iterator[Office]:
    """Open what there is to look at; before the first `run` that is an empty scratch database."""
    clock, known = SystemClock(), settings()
    loaded = prove_files(config, posts, clock=clock)
    mode = mode_of(loaded, data)
    if has_store(mode, data, known):
        with office(config, posts, data) as place:
            yield place
        return
    with TemporaryDirectory() as scratch:
        store = create_store(mode, Path(scratch), known=Settings(), clock=clock)
        try:
            yield Office(store, clock, compose_loaded(loaded, store))
        finally:
            store.close()


def look_ahead(config: Path, posts: Path, data: Path, *, days: int) -> Outlook:
    """Tell what the coming days hold, without changing anything."""
    with looking(config, posts, data) as place:
        return outlook_of(place.store, place.clock, place.composition, days=days)
