"""Numbers of statuses: looked up by id, or from the own timeline where that costs a fifth."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.errors import UnavailableError
from bot.platforms.http.answers import count_in, object_in, objects_in
from bot.platforms.spec import Charge
from bot.platforms.status import Metrics
from bot.platforms.x.client import Client, is_id
from bot.platforms.x.spec import NAME

#: Ids in one request.
_BATCH = 100
#: Clicks are an author's own numbers, told for 30 days (X API, fundamentals/metrics).
_ALL_NUMBERS = "public_metrics,non_public_metrics"
#: Statuses this close are read in one page: the parts of a thread. Others would bring along what
#: lies between them, and each status of a page is paid for.
_TOGETHER_MS = 10 * 60 * 1000
_SMALLEST_PAGE, _LARGEST_PAGE = 5, 100


def look_up(client: Client, ids: Sequence[str]) -> Mapping[str, Metrics | None]:
    """Read numbers by id; None where a status is gone.

    A status that X will not show for another reason (an inner error, a withheld one) is still
    there, with numbers that are not told.

    Raises:
        UnavailableError: X left an id unmentioned.
    """
    found: dict[str, Metrics | None] = {}
    wanted = list(dict.fromkeys(ids))
    for start in range(0, len(wanted), _BATCH):
        numbers, withheld = _batch(client, wanted[start : start + _BATCH], _ALL_NUMBERS)
        # Too old for the author's own numbers: the public ones cost nothing more that day.
        found |= numbers
        if withheld:
            found |= _batch(client, withheld, "public_metrics")[0]
    return found


def _batch(
    client: Client, ids: Sequence[str], fields: str
) -> tuple[Mapping[str, Metrics | None], list[str]]:
    """Read one request's worth; name too whose numbers were withheld for a field of it."""
    charge = Charge("read", len(ids), tuple(ids))
    answer = client.statuses("/2/tweets", {"ids": ",".join(ids)}, charge, fields)
    present = {
        status["id"]: _metrics(status)
        for status in objects_in(answer, "data")
        if is_id(status.get("id"))
    }
    missing: dict[str, Metrics | None] = {}
    withheld: list[str] = []
    for error in objects_in(answer, "errors"):  # they come beside the data in a good answer
        id_ = error.get("resource_id", error.get("value"))
        kind = str(error.get("type", "")).rpartition("/")[2]
        if is_id(id_):
            missing[str(id_)] = None if kind == "resource-not-found" else Metrics()
        # A field was asked for that the status's author may not see.
        is_withheld = kind == "not-authorized-for-field" and error.get("resource_id") in ids
        if is_withheld and id_ not in present:
            withheld.append(str(id_))
    numbers = {**missing, **present}
    if silent := [id_ for id_ in ids if id_ not in numbers]:
        raise UnavailableError(NAME, f"nothing is said about {len(silent)} of {len(ids)} statuses")
    return {id_: numbers[id_] for id_ in ids}, withheld


def reply_setting(client: Client, id_: str) -> str:
    """Read who may reply to a status, in X's words; empty where it does not tell."""
    charge = Charge("read", 1, (id_,))
    answer = client.statuses("/2/tweets", {"ids": id_}, charge, "reply_settings")
    told = (status.get("reply_settings") for status in objects_in(answer, "data"))
    return str(next(told, None) or "")


def read_own(client: Client, user: str, ids: Sequence[str]) -> Mapping[str, Metrics | None]:
    """Read numbers in stretches of the own timeline, each bounded by the ids that are asked for.

    What the timeline does not show is looked up by id: only that tells deletion from lag.
    """
    found: dict[str, Metrics | None] = {}
    for stretch in _stretches(set(ids)):
        found |= own_page(client, user, stretch)
    absent = [id_ for id_ in ids if id_ not in found]
    return {**found, **look_up(client, absent)}


def own_page(client: Client, user: str, ids: Sequence[str]) -> Mapping[str, Metrics]:
    """Return the numbers of all in the stretch of the own timeline that these ids span."""
    size = min(_LARGEST_PAGE, max(_SMALLEST_PAGE, len(ids)))
    params = {
        "since_id": str(int(ids[0]) - 1),
        "until_id": str(int(ids[-1]) + 1),
        "max_results": str(size),
    }
    route, charge = f"/2/users/{user}/tweets", Charge("owned_read", size)
    answer = client.statuses(route, params, charge, _ALL_NUMBERS)
    shown = answer.get("data", [])
    if not isinstance(shown, list) or not all(isinstance(status, dict) for status in shown):
        raise UnavailableError(NAME, "the timeline is no list of statuses")
    # Those between that are not asked for, too: nobody else should have made any.
    return {status["id"]: _metrics(status) for status in shown if is_id(status.get("id"))}


def _stretches(ids: set[str]) -> Iterator[list[str]]:
    """Cut ids where time passed between them; an id holds its milliseconds from bit 22 on."""
    stretch: list[str] = []
    for id_ in sorted(ids, key=int):
        if stretch and (int(id_) >> 22) - (int(stretch[-1]) >> 22) > _TOGETHER_MS:
            yield stretch
            stretch = []
        stretch.append(id_)
    if stretch:
        yield stretch


def _metrics(status: Mapping[str, Any]) -> Metrics:
    """Read the numbers of one status; X renamed some, and both names are about."""
    public = object_in(status, "public_metrics")
    return Metrics(
        likes=count_in(public, "like_count"),
        reposts=count_in(public, "repost_count", "retweet_count"),
        replies=count_in(public, "reply_count"),
        quotes=count_in(public, "quote_count"),
        bookmarks=count_in(public, "bookmark_count"),
        impressions=count_in(public, "impression_count"),
        clicks=count_in(object_in(status, "non_public_metrics"), "url_link_clicks"),
    )
