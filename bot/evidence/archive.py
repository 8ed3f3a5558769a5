"""Keeps pages and own posts in the database, time-stamped, and looks after links."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot import VERSION
from bot.authority.audit import AuditRow
from bot.canonical import JsonObject, sha256_hex
from bot.clock import Clock
from bot.content.model import Campaign, Investigation
from bot.delivery.lifecycle import OUT
from bot.delivery.links import LOOKED, TO_COPY, LinkLook, LinkState, looks
from bot.delivery.store import KEPT, DeliveryStore
from bot.errors import DecisionError, StoreError
from bot.evidence.fetching import FetchError, Hop, PageFetcher
from bot.evidence.page_text import page_text
from bot.evidence.warc import page_in, page_warc, posts_warc, time_stamp
from bot.rendering.similarity import similar_pairs
from bot.settings.environment import Settings

#: Between two looks at one link.
APART = timedelta(days=7)
#: Seconds between two pages that are fetched one after another.
PACE = 2.0
#: A page whose words are less alike than this says something else.
_ALIKE = 0.5
_GONE = frozenset({404, 410})


@dataclass(frozen=True, slots=True)
class KeptFile:
    """One WARC file that was kept, by the row of the log that says so."""

    #: An investigation, or an account.
    subject: str
    at: datetime
    sha256: str
    size: int
    #: SHA-256 of the authority's reply; empty where there is no time-stamp.
    time_stamp: str
    #: Of a page; empty for posts.
    address: str = ""
    title: str = ""
    payload_sha256: str = ""
    #: Posts that are in it, as a whole.
    statuses: int = 0

    @property
    def name(self) -> str:
        """Of the file; two files never have the same."""
        return f"{self.subject}-{self.at:%Y%m%d}-{self.sha256[:8]}.warc.gz"


def kept(store: DeliveryStore) -> tuple[KeptFile, ...]:
    """Return all that was kept, newest first."""
    return tuple(map(_kept, store.audit.of(KEPT)))


def _kept(row: AuditRow) -> KeptFile:
    return KeptFile(row.subject, row.at, **row.detail)


@dataclass(frozen=True, slots=True)
class Archive:
    """Fetches nothing but the addresses of investigations."""

    store: DeliveryStore
    clock: Clock
    fetcher: PageFetcher
    #: Address of the RFC 3161 authority; empty for none.
    authority: str = ""

    def keep_page(self, each: Investigation, *, by: str) -> tuple[KeptFile, bool]:
        """Keep the page that an investigation is at; return what is kept, and if that is new.

        Raises:
            DecisionError: it has no address, the page is not there, or it gets no time-stamp.
        """
        if not each.address:
            raise DecisionError(f"{each.id} has no address")
        hops = self._fetched(each)
        if not isinstance(hops, tuple):
            raise DecisionError(f"{each.id}: {hops}")
        page = hops[-1]
        known = next((one for one in kept(self.store) if one.address == each.address), None)
        if known and known.payload_sha256 == sha256_hex(page.body):
            return known, False
        detail = {
            "address": each.address, "title": page_text(page).title,
            "payload_sha256": sha256_hex(page.body),
        }  # fmt: skip
        return self._keep(each.id, page_warc(hops, self.fetcher.agent), detail, by), True

    def keep_posts(self, account: str, *, by: str) -> KeptFile | None:
        """Keep all statuses that are or were out on an account; None where that is no more."""
        rows = [*self.store.outbox.each(states=OUT, account=account)]
        known = next((one for one in kept(self.store) if one.subject == account), None)
        moved = max((row.updated_at for row in rows), default=None)
        if moved is None or (known and known.at >= moved):
            return None
        content = posts_warc(rows, self.store.media.get, self.fetcher.agent, self.clock.now())
        return self._keep(account, content, {"statuses": len(rows)}, by)

    def _keep(self, subject: str, content: bytes, detail: JsonObject, by: str) -> KeptFile:
        now, put = self.clock.now(), self.store.media.put
        reply = time_stamp(content, self.authority, self.fetcher) if self.authority else b""
        detail = {
            **detail, "sha256": put(content, now), "size": len(content),
            "time_stamp": put(reply, now) if reply else "",
        }  # fmt: skip
        return _kept(self.store.audit.write(by, KEPT, subject, detail=detail, now=now))

    def look(self, each: Investigation) -> LinkLook:
        """Look whether a page is still what it was when it was kept; the log has what was found."""
        found = self._fetched(each)
        if not isinstance(found, tuple):
            return found
        known = next((one for one in kept(self.store) if one.address == each.address), None)
        before = None
        with suppress(StoreError):
            before = page_in(self.store.media.get(known.sha256)) if known else None
        return self._note(each, *state_of(found, before))

    def _fetched(self, each: Investigation) -> tuple[Hop, ...] | LinkLook:
        """Return the answers that end with a page, or the look that found none."""
        try:
            hops = self.fetcher.fetch(each.address)
        except FetchError as error:
            return self._note(each, error.state, str(error))
        status = hops[-1].status
        if status == 200:
            return hops
        state = LinkState.GONE if status in _GONE else LinkState.UNREACHABLE
        return self._note(each, state, f"answered {status}")

    def _note(self, each: Investigation, state: LinkState, told: str) -> LinkLook:
        detail = {"address": each.address, "state": state.value}
        now = self.clock.now()
        row = self.store.audit.write("links", LOOKED, each.id, why=told, detail=detail, now=now)
        return LinkLook(each.address, state, row.why, now)

    def look_at_next(self, campaign: Campaign) -> LinkLook | None:
        """Look at one link whose last look was a week ago; called once a minute, that is polite."""
        now, known = self.clock.now(), looks(self.store)
        for each in campaign.investigations.values():
            last = known.get(each.address)
            if each.address and (last is None or last.at <= now - APART):
                return self.look(each)
        return None


def archive_of(store: DeliveryStore, clock: Clock, known: Settings, campaign: Campaign) -> Archive:
    """Return what keeps a campaign's evidence; it says which campaign asks."""
    agent = f"Verbatim/{VERSION} (keeps evidence for the campaign {campaign.schedule.campaign})"
    return Archive(store, clock, PageFetcher(clock, agent, known.links_proxy), known.time_stamps)


def paced(
    every: Iterable[Investigation], wait: Callable[[float], object]
) -> Iterator[Investigation]:
    """Yield those with an address, with a pause between two."""
    for number, each in enumerate(each for each in every if each.address):
        if number:
            wait(PACE)
        yield each


def state_of(hops: tuple[Hop, ...], before: Hop | None) -> tuple[LinkState, str]:
    """Return what became of a page, and more of it for people."""
    page = hops[-1]
    if _place(page.address) != _place(hops[0].address):
        return LinkState.MOVED, f"leads to {page.address}"
    if before is None or before.body == page.body:
        return LinkState.THERE, ""
    old, new = page_text(before), page_text(page)
    if old.title != new.title:
        return LinkState.TITLE, f"“{new.title}”; it was “{old.title}”"
    if not (old.words or new.words):
        return LinkState.TEXT, "another file"
    if not similar_pairs([old.words, new.words], _ALIKE):
        return LinkState.TEXT, "most of its words are others"
    return LinkState.THERE, ""


def _place(address: str) -> str:
    """Return an address without what makes no other page of it."""
    bare = address.partition("://")[2].partition("#")[0]
    return bare.removeprefix("www.").rstrip("/").casefold()


def link_to_copy(
    store: DeliveryStore, clock: Clock, each: Investigation, *, by: str, why: str
) -> None:
    """Let posts link to the copy that the files name, from now on; their approvals begin anew.

    Raises:
        DecisionError: the files name none, or it is linked to already.
    """
    if not each.archived:
        raise DecisionError(f"{each.id} has no `archived:` in the files; an editor names the copy")
    if each.archived == each.address:
        raise DecisionError(f"{each.id} is linked to its copy already")
    detail: Mapping[str, str] = {"address": each.address, "archived": each.archived}
    store.audit.write(by, TO_COPY, each.id, why=why, detail=detail, now=clock.now())
