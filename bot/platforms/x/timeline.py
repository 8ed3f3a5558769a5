"""Reads the account's own timeline: the newest status, and all since a known one."""

import html
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.errors import UnavailableError
from bot.platforms.http.answers import object_in, objects_in
from bot.platforms.spec import Charge
from bot.platforms.x.client import Client
from bot.platforms.x.spec import NAME

#: What is asked of each status, by X's names since 2026; the first is there of every one.
_FIELDS = "conversation_id,created_at,text,entities,attachments,note_post,reply_settings"
#: X gives 5 at least; a read is paid by the status.
_PAGE = 10
_SMALL_PAGE = 5
#: Between a lost answer and its read-back hardly anything else is posted.
_PAGES = 20
#: A picture's own short address; X puts it after the text.
_PICTURE = re.compile(r"/(?:photo|video)/\d+$")
_SCHEME = re.compile(r"https?://", re.IGNORECASE)
#: The slash that X adds to a bare host, and signs that may follow an address.
_LAST_SLASH = re.compile(r"/(?=[.,;:!?…”’\"')]*(?:\s|$))")


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
    page, _ = _page(client, user, Charge(action, _SMALL_PAGE), {})
    return max((status.id for status in page), key=int, default=None)


def statuses_since(client: Client, user: str, action: str, newest: str | None) -> list[Shown]:
    """Read all statuses from a known one on; it is among them, if it is still live.

    Raises:
        UnavailableError: the answer is not complete, or there is too much of it.
    """
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
    if not all(isinstance(value, str) for value in values) or not str(values[0]).isdigit():
        raise _incomplete("a status lacks its id, text or conversation")
    text, entities = _whole(raw)
    keys = object_in(raw, "attachments").get("media_keys")
    replies = [
        str(reference.get("id"))
        for name in ("referenced_posts", "referenced_tweets")
        for reference in objects_in(raw, name)
        if reference.get("type") == "replied_to"
    ]
    return Shown(
        id=str(values[0]),
        text=canonical(_expanded(text, entities)),
        media_keys=frozenset(key for key in keys or () if isinstance(key, str)),
        root=str(values[2]),
        parent=replies[0] if replies else None,
        replies=str(raw.get("reply_settings") or ""),
    )


def canonical(text: str) -> str:
    """Write a text so that ours and X's rendering of it are the same.

    X composes (NFC), trims, and gives an address its scheme and a slash after its host.
    """
    plain = unicodedata.normalize("NFC", " ".join(text.split()))
    return _LAST_SLASH.sub("", _SCHEME.sub("", plain))


def _whole(raw: Mapping[str, Any]) -> tuple[str, object]:
    """Take the long text where there is one; X calls it by either name."""
    for name in ("note_post", "note_tweet"):
        note = raw.get(name)
        if isinstance(note, dict) and isinstance(note.get("text"), str):
            return note["text"], note.get("entities", raw.get("entities"))
    return raw["text"], raw.get("entities")


def _expanded(text: str, entities: object) -> str:
    """Put the whole addresses back in, and take the picture's own away.

    The text's signs ``&``, ``<`` and ``>`` come escaped; addresses do not.
    """
    plain = html.unescape(text)
    for url in objects_in(entities, "urls"):
        short, whole = url.get("url"), url.get("expanded_url")
        if not isinstance(short, str) or not isinstance(whole, str) or not short:
            continue
        is_picture = isinstance(url.get("media_key"), str) or _PICTURE.search(whole)
        plain = plain.replace(short, "" if is_picture else whole)
    return plain
