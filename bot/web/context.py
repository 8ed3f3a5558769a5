"""All that the pages work with; `bot.app.service` puts it together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.authority.access import Access
from bot.authority.passkeys import Challenges
from bot.authority.signing_in import SignIn
from bot.authority.users import Person, Role
from bot.checks.checking import DeskCheck
from bot.clock import Clock
from bot.content.branches import ProposalBranches
from bot.content.model import Campaign, Mode
from bot.delivery.decisions import Desk
from bot.delivery.model import Delivery
from bot.engagement.report import Reporter
from bot.errors import Problem
from bot.operations.model import ServiceStatus
from bot.operations.personal_address import PersonalAddresses
from bot.planning.corrections import Corrections
from bot.planning.store import Store
from bot.platforms.spec import PlatformSpec
from bot.rendering.rendered import RenderedCampaign, prices_for

#: Who acts in a rehearsal that has no users: nothing leaves the machine, so nobody must sign in.
GUEST = Person("guest", frozenset(Role))


@dataclass(frozen=True, slots=True)
class DeskAddress:
    """What the dashboard is called where it listens."""

    #: Values of ``Host`` that are answered.
    hosts: frozenset[str] = frozenset()
    #: Nobody but this machine reaches it.
    is_private: bool = True
    #: Reached through TLS only: cookies may say so.
    is_secure: bool = False


@dataclass(slots=True)
class RehearsedDays:
    """The days of a rehearsal, each with what its database was when it began; the last is the end.

    All who look see the same day.
    """

    moments: tuple[datetime, ...]
    #: Opens a day, by its number from 0.
    context_of: Callable[[int], AppContext]
    current: int = 0


@dataclass(frozen=True, slots=True)
class AppContext:
    """One dashboard over one store."""

    store: Store
    clock: Clock
    #: Every platform by its name.
    specs: Mapping[str, PlatformSpec]
    rendered: Callable[[], RenderedCampaign]
    #: Warnings and notices of the files in force.
    warnings: Callable[[], tuple[Problem, ...]]
    #: What is wrong with the files on disk; empty where they are in force.
    broken: Callable[[], str]
    access: Access
    sign_in: SignIn
    #: Of passkeys; each is taken once.
    challenges: Challenges
    corrections: Corrections
    status: Callable[[], ServiceStatus]
    deskcheck: DeskCheck
    reporter: Callable[[], Reporter]
    #: Where each user is told what waits for them.
    addresses: PersonalAddresses
    #: Where people may propose posts; None where the operator does not allow it.
    proposals: ProposalBranches | None = None
    address: DeskAddress = DeskAddress()
    #: Of a finished rehearsal only.
    days: RehearsedDays | None = None

    @property
    def campaign(self) -> Campaign:
        return self.rendered().campaign

    @property
    def desk(self) -> Desk:
        return Desk(self.store, self.clock, lambda: self.campaign, self.corrections.platform)

    def price_of(self, row: Delivery, action: str) -> float:
        """Return what the budget of a delivery's account books for a call in US dollars."""
        return prices_for(self.specs[row.platform], self.campaign.schedule).get(action, 0.0)

    def guest(self) -> Person | None:
        """Return who acts without signing in; None in live mode, or once there is a user."""
        rehearses = self.campaign.schedule.mode is Mode.REHEARSAL
        has_guest = self.address.is_private and rehearses and not self.access.has_users()
        return GUEST if has_guest else None
