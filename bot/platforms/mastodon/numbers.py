"""Numbers of statuses, from whichever of three ways a server offers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from bot.errors import PlatformError, UnavailableError
from bot.platforms.http.answers import count_in
from bot.platforms.mastodon.api import Api
from bot.platforms.status import Metrics

#: DEFAULT_STATUSES_LIMIT of Mastodon's statuses controller; one more is a 422.
_BATCH = 20
_PAGES = 3


def read_numbers(api: Api, ids: Sequence[str]) -> Mapping[str, Metrics]:
    """Return the numbers that can be read; a deleted status is missing.

    Asks in batches where the server can (Mastodon from 4.3), else the account's timeline. What
    neither shows is asked by itself: a server that does not know batches may answer with an empty
    list, and that must not look like deletion.
    """
    found: dict[str, Metrics] = {}
    try:
        for start in range(0, len(ids), _BATCH):
            batch = ids[start : start + _BATCH]
            with api.calls():
                found |= _counted(api.client.statuses(list(batch)), batch)
    except UnavailableError:
        if len(ids) > 1:
            found |= _recent(api, ids)
    for id_ in ids:
        if id_ not in found:
            found |= _single(api, id_)
    return {id_: found[id_] for id_ in ids if id_ in found}


def _recent(api: Api, ids: Collection[str]) -> Mapping[str, Metrics]:
    found: dict[str, Metrics] = {}
    me, oldest = str(api.me()["id"]), None
    for _ in range(_PAGES):
        with api.calls():
            page = api.client.account_statuses(me, limit=40, max_id=oldest)
            found |= _counted(page, ids)
        if not page or set(ids) <= found.keys() or str(page[-1].get("id")) == oldest:
            break
        oldest = str(page[-1].get("id"))
    return found


def _single(api: Api, id_: str) -> Mapping[str, Metrics]:
    try:
        with api.calls():
            found = _counted([api.client.status(id_)], [id_])
            if not found:
                raise TypeError("another status")
            return found
    except PlatformError:
        if api.is_gone:
            return {}
        raise


def _counted(statuses: object, ids: Collection[str]) -> dict[str, Metrics]:
    if not isinstance(statuses, list) or not all(isinstance(one, dict) for one in statuses):
        raise TypeError("no list of statuses")
    return {
        str(status["id"]): Metrics(
            likes=count_in(status, "favourites_count"),
            reposts=count_in(status, "reblogs_count"),
            replies=count_in(status, "replies_count"),
            quotes=count_in(status, "quotes_count"),
        )
        for status in statuses
        if str(status.get("id")) in ids
    }
