"""Numbers of statuses, from whichever of three ways a server offers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import mastodon

from bot.errors import PlatformError, UnavailableError
from bot.platforms.status import Metrics

#: DEFAULT_STATUSES_LIMIT of Mastodon's statuses controller; one more is a 422.
_BATCH = 20
_PAGES = 3


@dataclass(frozen=True, slots=True)
class Numbers:
    """Reads in batches where the server can (Mastodon from 4.3), else from the account's timeline.

    What neither shows is asked one by one: a server that does not know batches may answer with
    an empty list, and that must not look like deletion.
    """

    client: mastodon.Mastodon
    calls: Callable[[], AbstractContextManager[None]]
    is_gone: Callable[[], bool]
    me: Callable[[], str]

    def read(self, ids: Sequence[str]) -> Mapping[str, Metrics]:
        """Read what can be read; a deleted status is missing."""
        found: dict[str, Metrics] = {}
        try:
            for start in range(0, len(ids), _BATCH):
                found |= self._batch(ids[start : start + _BATCH])
        except UnavailableError:
            if len(ids) > 1:
                found |= self._recent(set(ids))
        for one in ids:
            if one not in found:
                found |= self._single(one)
        return {one: found[one] for one in ids if one in found}

    def _batch(self, ids: Sequence[str]) -> Mapping[str, Metrics]:
        with self.calls():
            return _counted(self.client.statuses(list(ids)), set(ids))

    def _recent(self, ids: set[str]) -> Mapping[str, Metrics]:
        found: dict[str, Metrics] = {}
        me, oldest = self.me(), None
        for _ in range(_PAGES):
            with self.calls():
                page = self.client.account_statuses(me, limit=40, max_id=oldest)
                found |= _counted(page, ids)
            if not page or ids <= found.keys() or str(page[-1].get("id")) == oldest:
                break
            oldest = str(page[-1].get("id"))
        return found

    def _single(self, one: str) -> Mapping[str, Metrics]:
        try:
            with self.calls():
                found = _counted([self.client.status(one)], {one})
                if not found:
                    raise TypeError("another status")
                return found
        except PlatformError:
            if self.is_gone():
                return {}
            raise


def _counted(told: object, ids: set[str]) -> dict[str, Metrics]:
    if not isinstance(told, list) or not all(isinstance(one, dict) for one in told):
        raise TypeError("no list of statuses")
    return {str(one["id"]): _metrics(one) for one in _known(told, ids)}


def _known(told: Iterable[Mapping[str, Any]], ids: set[str]) -> Iterable[Mapping[str, Any]]:
    return (one for one in told if str(one.get("id")) in ids)


def _metrics(seen: Mapping[str, Any]) -> Metrics:
    def count(name: str) -> int | None:
        value = seen.get(name)
        return value if type(value) is int and value >= 0 else None

    return Metrics(
        likes=count("favourites_count"),
        reposts=count("reblogs_count"),
        replies=count("replies_count"),
        quotes=count("quotes_count"),
    )
