"""What is known of the pages that posts link to: their state, and copies that are linked instead.

Each look and each decision is a row of the audit log.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from bot.authority.audit import AuditRow
from bot.authority.store import AuthorityStore
from bot.content.model import Campaign, Investigation

#: Verbs of the log: a look at a link, and the decision to link to a copy.
LOOKED, TO_COPY = "link", "link to copy"


class LinkState(StrEnum):
    """What a look at a link found."""

    THERE = "there"
    GONE = "gone"
    MOVED = "moved"
    TITLE = "another title"
    TEXT = "much other text"
    #: Nothing is proved: it was slow, endless, refused or broken.
    UNREACHABLE = "could not be read"
    PRIVATE = "no public address"


@dataclass(frozen=True, slots=True)
class LinkLook:
    """The last look at one address."""

    address: str
    state: LinkState
    #: More of it, for people.
    told: str
    at: datetime

    @property
    def is_gone(self) -> bool:
        """Whether readers surely find nothing there."""
        return self.state in {LinkState.GONE, LinkState.PRIVATE}

    @property
    def is_there(self) -> bool:
        return self.state is LinkState.THERE

    def __str__(self) -> str:
        return f"{self.state}{f' ({self.told})' if self.told else ''}, {self.at:%Y-%m-%d}"


def looks(store: AuthorityStore, *, until: datetime | None = None) -> dict[str, LinkLook]:
    """Return the last look at each address, before a moment where one is given."""
    return looks_in(store.audit.of(LOOKED)[::-1], until)


def looks_in(rows: Iterable[AuditRow], until: datetime | None = None) -> dict[str, LinkLook]:
    """Do the same with rows that were read, oldest first."""
    found = (
        LinkLook(row.detail["address"], LinkState(row.detail["state"]), row.why, row.at)
        for row in rows
        if until is None or row.at < until
    )
    return {each.address: each for each in found}


def copies_in(rows: Iterable[AuditRow]) -> dict[str, tuple[str, str]]:
    """Return, by investigation, the address and the copy that is linked to in its place."""
    return {row.subject: (row.detail["address"], row.detail["archived"]) for row in rows}


def with_copies(campaign: Campaign, store: AuthorityStore) -> Campaign:
    """Return the campaign with the copies that people decided to link to.

    A decision is of one address and one copy: where the files say another, it does not hold.
    """
    decided = copies_in(store.audit.of(TO_COPY)[::-1])
    if not decided:
        return campaign

    def linked(each: Investigation) -> Investigation:
        is_decided = decided.get(each.id) == (each.address, each.archived)
        return replace(each, address=each.archived) if is_decided else each

    known = {name: linked(each) for name, each in campaign.investigations.items()}
    return replace(campaign, investigations=known)
