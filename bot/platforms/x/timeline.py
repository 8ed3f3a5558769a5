"""Reads the account's own timeline back to a known status, and numbers by id or from there."""

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot import visible
from bot.errors import UnavailableError
from bot.platforms.http.exchange import count_in, object_in, objects_in
from bot.platforms.spec import Charge
from bot.platforms.status import Metrics
from bot.platforms.x import NAME
from bot.platforms.x.client import Client, is_id

#: What is asked of each status, by X's names since 2026; the first is there of every one.
_FIELDS = "conversation_id,created_at,text,entities,attachments,note_post,reply_settings"
#: Statuses on a page that looks back, and the least and the most that X gives on one; a read is
#: paid by the status.
_PAGE, _SMALLEST_PAGE, _LARGEST_PAGE = 10, 5, 100
#: Between a lost answer and its read-back hardly anything else is posted.
_PAGES = 20
#: A picture's own short address; X puts it after the text.
_PICTURE = re.compile(r"/(?:photo|video)/\d+$")
_SCHEME = re.compile(r"https?://", re.IGNORECASE)
#: The slash that X adds to a bare host, and signs that may follow an address.
_LAST_SLASH = re.compile(r"/(?=[.,;:!?…”’\"')]*(?:\s|$))")
#: Ids in one request.
_BATCH = 100
#: Clicks are an author's own numbers, told for 30 days (X API, fundamentals/metrics).
_ALL_NUMBERS = "public_metrics,non_public_metrics"
#: Statuses this close are read in one page: the parts of a thread. Others would bring along what
#: lies between them, and each status of a page is paid for.
_TOGETHER_MS = 10 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Shown:
    """One status of a timeline, as far as it helps to know it again."""

    id: str
    text: str
    media_keys: frozenset[str]
    #: Id of the conversation's first status; its own where it is the first.
    root: str
    #: Id of the status that this one answers; None where it answers none or X does not say.
    parent: str | None
    #: Who may reply, in X's words; empty where it does not say.
    replies: str = ""


def newest_id(client: Client, user: str, action: str) -> str | None:
    """Ask for the newest id; None where the account has posted nothing."""
    page, _ = _page(client, user, Charge(action, _SMALLEST_PAGE), {})
    return max((status.id for status in page), key=int, default=None)


def statuses_since(client: Client, user: str, action: str, newest: str | None) -> list[Shown]:
    """Read all from a known one on, itself among them; UnavailableError where it is not all."""
    bounds = {"since_id": str(int(newest) - 1)} if newest else {}
    found: dict[str, Shown] = {}
    for _ in range(_PAGES):
        page, token = _page(client, user, Charge(action, _PAGE), bounds)
        fresh = [status for status in page if status.id not in found]
        found |= {status.id: status for status in fresh}
        if token is None:
            return list(found.values())
        if not fresh:
            break  # X has been seen to hand out tokens for ever
        bounds = {**bounds, "pagination_token": token}
    raise UnavailableError(NAME, f"the timeline does not end after {len(found)} statuses")


def _page(
    client: Client, user: str, charge: Charge, bounds: Mapping[str, str]
) -> tuple[list[Shown], str | None]:
    """Read one page, newest first, and the token of the next."""
    params = {**bounds, "max_results": str(charge.units)}
    answer = client.statuses(f"/2/users/{user}/tweets", params, charge, _FIELDS)
    data, meta = answer.get("data", []), answer.get("meta")
    if answer.get("errors"):
        raise _incomplete("the answer has errors besides its statuses")
    if not isinstance(data, list) or not isinstance(meta, dict):
        raise _incomplete("the answer is no page")
    if meta.get("result_count") != len(data):
        raise _incomplete(f"{len(data)} of {meta.get('result_count')!r} statuses came")
    token = meta.get("next_token")
    if token is not None and not isinstance(token, str):
        raise _incomplete("the next page has no readable name")
    return [read(status) for status in data], token


def _incomplete(what: str) -> UnavailableError:
    return UnavailableError(NAME, f"the timeline is not complete: {what}")


def read(raw: object) -> Shown:
    """Read one status.

    Raises:
        UnavailableError: something that was asked for is missing. X drops a field that it does not
            know silently, and a status must not look absent for that.
    """
    if not isinstance(raw, dict):
        raise _incomplete("a status is no object")
    values = (raw.get("id"), raw.get("text"), raw.get("conversation_id"))
    if not all(isinstance(value, str) for value in values) or not is_id(values[0]):
        raise _incomplete("a status lacks its id, text or conversation")
    # The long text where there is one; X calls it by either name.
    notes = (object_in(raw, name) for name in ("note_post", "note_tweet"))
    whole = next((note for note in notes if isinstance(note.get("text"), str)), raw)
    keys = object_in(raw, "attachments").get("media_keys")
    references = objects_in(raw, "referenced_posts") + objects_in(raw, "referenced_tweets")
    parents = (str(each.get("id")) for each in references if each.get("type") == "replied_to")
    return Shown(
        id=str(values[0]),
        text=canonical(_expanded(whole["text"], whole.get("entities", raw.get("entities")))),
        media_keys=frozenset(key for key in keys or () if isinstance(key, str)),
        root=str(values[2]),
        parent=next(parents, None),
        replies=str(raw.get("reply_settings") or ""),
    )


def canonical(text: str) -> str:
    """Write a text so that ours and X's rendering of it are the same.

    X composes (NFC), trims, and gives an address its scheme and a slash after its host.
    """
    plain = visible.normalized("NFC", " ".join(text.split()))
    return _LAST_SLASH.sub("", _SCHEME.sub("", plain))


def _expanded(text: str, entities: object) -> str:
    """Put the whole addresses back in, and take the picture's own away.

    The text's signs ``&``, ``<`` and ``>`` come escaped; addresses do not.
    """
    plain = html.unescape(text)
    for url in objects_in(entities, "urls")[:500]:
        short, whole = url.get("url"), url.get("expanded_url")
        if not isinstance(short, str) or not isinstance(whole, str) or not short:
            continue
        is_picture = isinstance(url.get("media_key"), str) or _PICTURE.search(whole)
        plain = plain.replace(short, "" if is_picture else whole)
    return plain


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
