"""What a person does to users, and to what is out, from the command line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.app.connections import Connections
from bot.app.content import TRAITS, read_files
from bot.app.desk import office
from bot.app.storage import clock_of, create_store, mode_of, settings
from bot.authority.users import Access
from bot.clock import SystemClock
from bot.planning.corrections import Corrections, PublicCorrection
from bot.web.rendering import environment


@contextmanager
def access(config: Path, posts: Path, data: Path) -> Iterator[Access]:
    """Open the users of the schedule's mode; the first one may come before the first `run`.

    Raises:
        OperatorError: the schedule cannot be read, or the database not be used.
    """
    clock, known = SystemClock(), settings()
    store = create_store(mode_of(read_files(config, posts), data), data, known=known, clock=clock)
    try:
        yield Access(store, clock_of(store))
    finally:
        store.close()


@contextmanager
def open_corrections(config: Path, posts: Path, data: Path) -> Iterator[Corrections]:
    """Open what is out, with the accounts that it is on."""
    with office(config, posts, data) as place:
        rehearsed = place.store.directory / "rehearsed.db"
        connections = Connections(
            place.store, place.clock, settings(), lambda: place.campaign, rehearsed
        )
        try:
            rendered = place.rendered
            yield Corrections(place.store, place.clock, lambda: rendered, connections.platform)
        finally:
            connections.close()


def as_page(config: Path, posts: Path, data: Path, entries: tuple[PublicCorrection, ...]) -> str:
    """Write the list of corrections as a page that can be published; it names no person."""
    with office(config, posts, data) as place:
        schedule, zone = place.campaign.schedule, place.campaign.zone
    template = environment(TRAITS).get_template("corrections_public.html")
    return template.render(entries=entries, campaign=schedule.campaign, zone=zone)
