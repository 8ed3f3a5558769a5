"""Looks statuses up by id: whether they are live, and their numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.core.model import Charge, Metrics, PostRef
from bot.errors import UnavailableError
from bot.platforms.x.client import Call, Client
from bot.platforms.x.outcomes import NAME, Task

#: Ids in one request.
BATCH = 100


def look_up(client: Client, ids: Sequence[str]) -> Mapping[str, Metrics | None]:
    """Read numbers by id; None where a status is gone.

    A status that X will not show for another reason (an inner error, a withheld one) is still
    there, with numbers that are not told.

    Raises:
        UnavailableError: X left an id unmentioned.
    """
    found: dict[str, Metrics | None] = {}
    for batch in _batches(list(dict.fromkeys(ids))):
        found |= _batch(client, batch)
    return found


def _batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]


def _batch(client: Client, ids: Sequence[str]) -> Mapping[str, Metrics | None]:
    answer = client.ask(
        Call(
            Task.READ,
            "GET",
            "/2/tweets",
            Charge("read", len(ids), tuple(ids)),
            params={"ids": ",".join(ids), "post.fields": "public_metrics"},
        )
    )
    told = {**_missing(answer), **_present(answer)}
    if silent := [one for one in ids if one not in told]:
        raise UnavailableError(NAME, f"nothing is said about {len(silent)} of {len(ids)} statuses")
    return {one: told[one] for one in ids}


def _present(answer: Mapping[str, Any]) -> Mapping[str, Metrics]:
    return {one["id"]: metrics_of(one) for one in _objects(answer, "data") if _is_id(one.get("id"))}


def _missing(answer: Mapping[str, Any]) -> Mapping[str, Metrics | None]:
    """Read the errors that come beside the data in a good answer."""
    found: dict[str, Metrics | None] = {}
    for one in _objects(answer, "errors"):
        id_ = one.get("resource_id", one.get("value"))
        if _is_id(id_):
            kind = str(one.get("type", "")).rpartition("/")[2]
            found[str(id_)] = None if kind == "resource-not-found" else Metrics()
    return found


def _objects(answer: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    raw = answer.get(name)
    return [one for one in raw if isinstance(one, dict)] if isinstance(raw, list) else []


def _is_id(value: object) -> bool:
    return isinstance(value, str) and value.isdigit()


def metrics_of(status: Mapping[str, Any]) -> Metrics:
    """Read the public numbers of one status; what is not told is None."""
    raw = status.get("public_metrics")
    told = raw if isinstance(raw, dict) else {}
    return Metrics(
        likes=_count(told, "like_count"),
        reposts=_count(told, "repost_count", "retweet_count"),
        replies=_count(told, "reply_count"),
        quotes=_count(told, "quote_count"),
        bookmarks=_count(told, "bookmark_count"),
        impressions=_count(told, "impression_count"),
    )


def _count(told: Mapping[str, Any], *names: str) -> int | None:
    """Take the first that is a number; X renamed some, and both names are about."""
    for name in names:
        value = told.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
    return None


def numbers(client: Client, refs: Sequence[PostRef]) -> Mapping[PostRef, Metrics]:
    """Read current numbers; a deleted status is missing from the answer."""
    told = look_up(client, [ref.id for ref in refs]) if refs else {}
    return {ref: found for ref in refs if (found := told[ref.id]) is not None}
