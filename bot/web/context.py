"""All that the pages work with; `bot.app.web` puts it together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.authority.users import Access, Person, Role
from bot.checks.checking import DeskCheck
from bot.clock import Clock
from bot.content.model import Campaign, Mode
from bot.delivery.decisions import Desk
from bot.engagement.report import Report, Reporter
from bot.errors import Problem
from bot.planning.corrections import Corrections
from bot.planning.store import Store
from bot.platforms.spec import PlatformSpec
from bot.rendering.rendered import RenderedCampaign

#: Who acts in a rehearsal that has no users: nothing leaves the machine, so nobody must sign in.
GUEST = Person("guest", frozenset(Role))


@dataclass(frozen=True, slots=True)
class AppContext:
    """One dashboard over one store."""

    store: Store
    clock: Clock
    #: Every platform by its name.
    specs: Mapping[str, PlatformSpec]
    rendered: Callable[[], RenderedCampaign]
    #: Warnings and notices of the files in force.
    remarks: Callable[[], tuple[Problem, ...]]
    #: What is wrong with the files on disk; empty where they are in force.
    broken: Callable[[], str]
    access: Access
    corrections: Corrections
    deskcheck: DeskCheck
    reporter: Callable[[], Reporter]
    #: Values of ``Host`` that are answered.
    hosts: frozenset[str]
    #: Reached through TLS only: cookies may say so.
    secure: bool = False
    #: Listens on this machine only.
    loopback: bool = True

    @property
    def campaign(self) -> Campaign:
        return self.rendered().campaign

    @property
    def desk(self) -> Desk:
        return Desk(self.store, self.clock, lambda: self.campaign)

    def report(self, *, since: datetime | None, post: str | None) -> Report:
        """Return what came of what is out; asks no server."""
        return self.reporter().report(since=since, post=post)

    def guest(self) -> Person | None:
        """Return who acts without signing in; None in live mode, or once there is a user."""
        rehearses = self.campaign.schedule.mode is Mode.REHEARSAL
        return GUEST if self.loopback and rehearses and not self.access.has_users() else None
