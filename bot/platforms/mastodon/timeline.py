"""Reading an account's own timeline back to an attempt, to see whether a draft is live."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import mastodon

from bot.errors import PlatformError, UnconfirmedError
from bot.platforms.http.exchange import Exchange
from bot.platforms.mastodon.readback import Resemblance, is_source, made_at, ref_of, resemblance
from bot.platforms.mastodon.spec import NAME
from bot.platforms.status import Draft

#: Forty statuses a page: an account that made more since the attempt needs a person.
_MAX_PAGES = 10
_MAX_SOURCES = 20
#: How servers say that they do not tell the source of a status; an outage is something else.
_NO_SOURCES = frozenset({403, 404, 405, 410, 501})


@dataclass(frozen=True, slots=True)
class MastodonTimeline:
    """One account's statuses, as its own server tells them."""

    client: mastodon.Mastodon
    calls: Callable[[], AbstractContextManager[None]]
    exchange: Exchange

    def find(self, draft: Draft, *, me: str, since: datetime) -> Mapping[str, Any] | None:
        """Find what a draft describes; None only after all since then was read without it.

        Raises:
            UnconfirmedError: a status has its words but other pictures, or the server does not
                let us see so far back.
            UnavailableError, UnauthorizedError: the read did not happen.
        """
        sources = 0
        for seen in self._since(me, since):
            alike = resemblance(seen, draft.wire)
            if alike is Resemblance.MAYBE and sources < _MAX_SOURCES:
                sources += 1
                alike = self._by_source(seen, draft)
            if alike is Resemblance.SAME:
                return seen
            if alike is Resemblance.DOUBTFUL:
                address = seen.get("url") or seen.get("id")
                raise UnconfirmedError(NAME, f"{address} has its words, but other pictures")
        return None

    def _by_source(self, seen: Mapping[str, Any], draft: Draft) -> Resemblance:
        try:
            with self.calls():
                source: Any = self.client.status_source(str(seen["id"]))
                is_same = isinstance(source, dict) and is_source(source, draft.wire)
        except PlatformError:
            if self.exchange.status in _NO_SOURCES:
                return Resemblance.OTHER
            raise
        if not is_same:
            return Resemblance.OTHER
        return Resemblance.DOUBTFUL if draft.wire["media_ids"] else Resemblance.SAME

    def _since(self, me: str, since: datetime) -> Iterator[Mapping[str, Any]]:
        """Read the account's own statuses back to ``since``, newest first.

        Raises:
            UnconfirmedError: the server does not let us see so far back.
        """
        known: set[str] = set()
        oldest: str | None = None
        for _ in range(_MAX_PAGES):
            page = self._page(me, oldest)
            fresh = [one for one in page if str(one["id"]) not in known]
            yield from fresh
            if not page or _is_before(page[-1], since):
                return
            if not fresh:
                break  # it ignores max_id
            known.update(str(one["id"]) for one in fresh)
            oldest = str(page[-1]["id"])
        raise UnconfirmedError(NAME, "the account's timeline cannot be read back to the attempt")

    def _page(self, me: str, before: str | None) -> list[Mapping[str, Any]]:
        with self.calls():
            page = self.client.account_statuses(me, exclude_reblogs=True, limit=40, max_id=before)
            if not isinstance(page, list):
                raise TypeError("no list of statuses")
            for one in page:
                ref_of(one)
            return list(page)


def _is_before(seen: Mapping[str, Any], since: datetime) -> bool:
    made = made_at(seen)
    return made is not None and made < since
