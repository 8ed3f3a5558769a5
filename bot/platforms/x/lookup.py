"""Looks statuses up by id: whether they are live, and their numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.errors import UnavailableError
from bot.platforms.spec import Charge
from bot.platforms.status import Metrics, PostRef
from bot.platforms.x.client import Call, Client
from bot.platforms.x.outcomes import Task
from bot.platforms.x.spec import NAME

#: Ids in one request.
BATCH = 100
#: Clicks are an author's own numbers, told for 30 days (X API, fundamentals/metrics).
ALL_NUMBERS = "public_metrics,non_public_metrics"
_PUBLIC = "public_metrics"


def look_up(client: Client, ids: Sequence[str]) -> Mapping[str, Metrics | None]:
    """Read numbers by id; None where a status is gone.

    A status that X will not show for another reason (an inner error, a withheld one) is still
    there, with numbers that are not told.

    Raises:
        UnavailableError: X left an id unmentioned.
    """
    found: dict[str, Metrics | None] = {}
    for batch in _batches(list(dict.fromkeys(ids))):
        told, withheld = _batch(client, batch, ALL_NUMBERS)
        # Too old for the author's own numbers: the public ones cost nothing more that day.
        found |= told
        if withheld:
            found |= _batch(client, withheld, _PUBLIC)[0]
    return found


def _batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]


def _batch(
    client: Client, ids: Sequence[str], fields: str
) -> tuple[Mapping[str, Metrics | None], list[str]]:
    """Read one request's worth; name too whose numbers were withheld for a field of it."""
    answer = client.ask(
        Call(
            Task.READ,
            "GET",
            "/2/tweets",
            Charge("read", len(ids), tuple(ids)),
            params={"ids": ",".join(ids), "post.fields": fields},
        )
    )
    present, missing = _present(answer), _missing(answer)
    told = {**missing, **present}
    if silent := [one for one in ids if one not in told]:
        raise UnavailableError(NAME, f"nothing is said about {len(silent)} of {len(ids)} statuses")
    withheld = [one for one in _withheld(answer) if one in ids and one not in present]
    return {one: told[one] for one in ids}, withheld


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


def _withheld(answer: Mapping[str, Any]) -> list[str]:
    """Name the statuses of which a field was asked for that their author may not see."""
    return [
        str(one["resource_id"])
        for one in _objects(answer, "errors")
        if _is_id(one.get("resource_id"))
        and str(one.get("type", "")).endswith("/not-authorized-for-field")
    ]


def _objects(answer: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    raw = answer.get(name)
    return [one for one in raw if isinstance(one, dict)] if isinstance(raw, list) else []


def _is_id(value: object) -> bool:
    return isinstance(value, str) and value.isdigit()


def metrics_of(status: Mapping[str, Any]) -> Metrics:
    """Read the numbers of one status; what is not told is None."""
    told, own = (_numbers_in(status, name) for name in ("public_metrics", "non_public_metrics"))
    return Metrics(
        likes=_count(told, "like_count"),
        reposts=_count(told, "repost_count", "retweet_count"),
        replies=_count(told, "reply_count"),
        quotes=_count(told, "quote_count"),
        bookmarks=_count(told, "bookmark_count"),
        impressions=_count(told, "impression_count"),
        clicks=_count(own, "url_link_clicks"),
    )


def _numbers_in(status: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    raw = status.get(name)
    return raw if isinstance(raw, dict) else {}


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
