"""Reading an account's own timeline back to an attempt, to see whether a draft is live."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from bot.canonical import JsonObject
from bot.errors import PlatformError, UnavailableError, UnconfirmedError
from bot.platforms.http.exchange import count_in, iso_date, object_in
from bot.platforms.mastodon import NAME
from bot.platforms.mastodon.api import Api, a_status, own, statuses_in
from bot.platforms.mastodon.comparing import Match, compare
from bot.platforms.status import Metrics

#: Forty statuses a page: an account that made more since the attempt needs a person.
_MAX_PAGES = 10
_MAX_SOURCES = 20
#: DEFAULT_STATUSES_LIMIT of Mastodon's statuses controller; one more is a 422.
_BATCH = 20
#: What a probe calls numbers of several statuses at once.
BATCHES = "numbers in batches"
#: More than one, as some may be deleted until they are looked for.
_PROOFS = 5
#: Stands for a status that a probe saw listed.
_PROBED = "probed"
#: How servers say that they do not tell the source of a status; an outage is something else.
_NO_SOURCES = frozenset({400, 403, 404, 405, 410, 422, 501})


@dataclass(slots=True)
class Timeline:
    """One account's own statuses, as its server lists them."""

    api: Api
    #: A probe saw that statuses of the account's visibility are listed.
    is_proved: bool = False
    #: Unless a probe saw that it cannot, its server tells of several statuses at once.
    has_batches: bool = True
    #: Id of the account; empty before it was asked for.
    me: str = ""
    #: Id of what the server took last; empty before this process sent anything.
    last: str = ""

    def newest(self, me: str) -> list[Mapping[str, Any]]:
        return [status for listed in self.page(me) if (status := own(listed, me))]

    def before(self, me: str, visibility: str) -> JsonObject:
        """Note what is listed before an attempt: none of it can be what the attempt made.

        That one of ``proofs`` is listed later, too, shows that the server lists what it takes with
        this visibility: some list no private status at all. There is none where it does not list
        what it took last.
        """
        page = self.newest(me)
        proofs = [_id(status) for status in page if status.get("visibility") == visibility]
        if self.last:
            is_listed = any(_id(status) == self.last for status in page)
            proofs = [self.last, *proofs] if is_listed else []
        elif self.is_proved and not proofs:  # nothing is there yet that could be seen again
            proofs = [_PROBED]
        return {"before": sorted({_id(status) for status in page}), "proofs": proofs[:_PROOFS]}

    def find(self, body: JsonObject, me: str) -> Mapping[str, Any] | None:
        """Find what a draft describes; None only after all since its attempt was read without it.

        Raises:
            UnconfirmedError: a status has its words but is otherwise not the same, or the server
                does not show what would have to be seen.
            UnavailableError, UnauthorizedError: the read did not happen.
        """
        before, is_shown, doubts = set(body["before"]), _PROBED in body["proofs"], []
        sources = iter(range(_MAX_SOURCES))
        for status in self._statuses_since(me, datetime.fromisoformat(body["since"])):
            if _id(status) in before:
                is_shown |= _id(status) in body["proofs"]
                continue
            likeness, doubt = self._compare(status, body, sources)
            if likeness is Match.SAME:
                return status
            if likeness is Match.DOUBTFUL:
                doubts.append(f"{status.get('url') or status['id']} {doubt}")
        if doubts:
            raise UnconfirmedError(NAME, "; ".join(doubts))
        if not is_shown:
            text = (
                f"the server does not list the account's last {body['visibility']} status,"
                " so that it is not listed proves nothing"
            )
            raise UnconfirmedError(NAME, text)
        return None

    def _compare(
        self, status: Mapping[str, Any], body: JsonObject, sources: Iterator[int]
    ) -> tuple[Match, str]:
        likeness, doubt = compare(status, body)
        if likeness is not Match.MAYBE:
            return likeness, doubt
        if next(sources, None) is None:
            raise UnconfirmedError(NAME, "too much was posted since to compare all of it")
        return compare(self._with_source(status), body)

    def _with_source(self, status: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a status with its words as they were sent, where the server tells them."""
        try:
            ask = partial(self.api.client.status_source, _id(status))
            source = self.api.read(ask, object_in)
        except PlatformError:
            if self.api.exchange.status in _NO_SOURCES:
                return status
            raise
        return {**status, "source": source}

    def _statuses_since(self, me: str, since: datetime) -> Iterator[Mapping[str, Any]]:
        """Read own statuses back to then, newest first; UnconfirmedError for too few."""
        known: set[str] = set()
        oldest: str | None = None
        for _ in range(_MAX_PAGES):
            page = self.page(me, oldest)
            fresh = [status for status in page if _id(status) not in known]
            yield from (status for listed in fresh if (status := own(listed, me)))
            # Some servers list what is pinned on every page, wherever it belongs.
            last = next((each for each in reversed(page) if not each.get("pinned")), None)
            # A moment without a zone proves nothing.
            made_at = iso_date(str(last.get("created_at"))) if last else None
            if not page or (made_at and made_at < since):
                return
            if not fresh:
                break  # it ignores max_id
            known.update(_id(status) for status in fresh)
            oldest = _id(last or page[-1])
        raise UnconfirmedError(NAME, "the account's timeline cannot be read back to the attempt")

    def page(self, me: str, before: str | None = None) -> list[Mapping[str, Any]]:
        """Read one page as it is listed; boosts are on it, too."""
        # A server may show an own status, once it was boosted, as a boost.
        ask = partial(self.api.client.account_statuses, me, limit=40, max_id=before)
        return self.api.read(ask, lambda listed: [a_status(each) for each in _listed(listed)])

    def numbers(self, me: str, ids: Sequence[str]) -> Mapping[str, Metrics]:
        """Return the numbers that can be read; a deleted status is missing.

        Asks in batches where the server can (Mastodon from 4.3), else the account's timeline. What
        neither shows is asked by itself: a server that does not know batches may answer with an
        empty list, and that must not look like deletion. One that cannot be read has no numbers,
        and does not keep others from having theirs.
        """
        found, api, unread = dict[str, Metrics](), self.api, dict[str, PlatformError]()
        for page in self._pages_with(me, ids):
            statuses = (own(status, me) for status in page)
            found |= {_id(each): _numbers(each) for each in statuses if each and "id" in each}
            if set(ids) <= found.keys():
                break
        for id_ in ids:
            try:
                if id_ not in found and (status := api.status(id_)) is not None:
                    found[id_] = _numbers(status)
            except UnavailableError as error:
                unread[id_] = error
        if unread and not found:
            raise next(iter(unread.values()))
        found |= dict.fromkeys(unread, Metrics())
        return {id_: found[id_] for id_ in ids if id_ in found}

    def _pages_with(self, me: str, ids: Sequence[str]) -> Iterator[list[Mapping[str, Any]]]:
        client = self.api.client
        try:
            for start in range(0, len(ids), _BATCH) if self.has_batches else ():
                ask = partial(client.statuses, list(ids[start : start + _BATCH]))
                yield self.api.read(ask, statuses_in)
            has_batches = self.has_batches
        except UnavailableError:
            has_batches = False
        if not has_batches and len(ids) > 1:
            yield from self.api.pages(partial(client.account_statuses, me))


def _id(status: Mapping[str, Any]) -> str:
    return str(status["id"])


def _listed(page: Any) -> list[Any]:
    if not isinstance(page, list):
        raise TypeError("no list of statuses")
    return page


def _numbers(status: Mapping[str, Any]) -> Metrics:
    return Metrics(
        likes=count_in(status, "favourites_count"),
        reposts=count_in(status, "reblogs_count"),
        replies=count_in(status, "replies_count"),
        quotes=count_in(status, "quotes_count"),
    )
