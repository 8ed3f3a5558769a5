"""A person's side of the bot: opens what is there, decides, looks ahead."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.clock import Clock, SystemClock
from bot.core.campaign import Campaign
from bot.errors import ContentError
from bot.services.composing import Composition
from bot.services.contents import errors_of
from bot.services.desk import Desk
from bot.services.outlook import Forecaster, Outlook
from bot.services.planner import Planner
from bot.settings import Settings
from bot.store import Store
from bot.wiring.content import compose_loaded, prove_files
from bot.wiring.storage import create_store, existing_store, has_store, settings


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

    Raises:
        OperatorError: there is no database yet, or no content that is whole.
    """
    clock, known = SystemClock(), settings()
    loaded = prove_files(config, posts, clock=clock)
    if loaded.campaign is None:
        raise ContentError(errors_of(loaded))
    mode = loaded.campaign.schedule.mode
    store = existing_store(mode, data, known=known, clock=clock)
    try:
        yield Office(store, clock, compose_loaded(loaded, store))
    finally:
        store.close()


@contextmanager
def looking(config: Path, posts: Path, data: Path) -> Iterator[Office]:
    """Open what there is to look at; before the first `run` that is an empty scratch database."""
    clock, known = SystemClock(), settings()
    loaded = prove_files(config, posts, clock=clock)
    if loaded.campaign is None:
        raise ContentError(errors_of(loaded))
    mode = loaded.campaign.schedule.mode
    with TemporaryDirectory() as scratch:
        store = (
            existing_store(mode, data, known=known, clock=clock)
            if has_store(mode, data, known)
            else create_store(mode, Path(scratch), known=Settings(), clock=clock)
        )
        try:
            yield Office(store, clock, compose_loaded(loaded, store))
        finally:
            store.close()


def look_ahead(config: Path, posts: Path, data: Path, *, days: int) -> Outlook:
    """Tell what the coming days hold, without changing anything."""
    with looking(config, posts, data) as place:
        plan = Planner(place.store, place.clock).outlook(place.composition, days=days)
        return Forecaster(place.store, place.clock).tell(place.composition, plan, days=days)
