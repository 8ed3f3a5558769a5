"""Reads statuses as X shows them, and tells whether one is ours."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: A picture's own short address; X puts it after the text.
_PICTURE = re.compile(r"/(?:photo|video)/\d+$")
_SCHEME = re.compile(r"https?://", re.IGNORECASE)
#: The slash that X adds to a bare host, and signs that may follow an address.
_LAST_SLASH = re.compile(r"/(?=[.,;:!?…”’\"')]*(?:\s|$))")


class IncompleteError(Exception):
    """An answer lacks what was asked for, so nothing may be concluded from it."""


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


def read(raw: object) -> Shown:
    """Read one status.

    Raises:
        IncompleteError: something that was asked for is missing. X drops a field that it does not
            know silently, and a status must not look absent for that.
    """
    if not isinstance(raw, dict):
        raise IncompleteError("a status is no object")
    values = (raw.get("id"), raw.get("text"), raw.get("conversation_id"))
    if not all(isinstance(value, str) for value in values) or not str(values[0]).isdigit():
        raise IncompleteError("a status lacks its id, text or conversation")
    text, entities = _whole(raw)
    return Shown(
        id=str(values[0]),
        text=canonical(_expanded(text, entities)),
        media_keys=_media_keys(raw),
        root=str(values[2]),
        parent=_parent(raw),
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
    for url in _urls(entities):
        short, whole = url.get("url"), url.get("expanded_url")
        if not isinstance(short, str) or not isinstance(whole, str) or not short:
            continue
        is_picture = isinstance(url.get("media_key"), str) or _PICTURE.search(whole)
        plain = plain.replace(short, "" if is_picture else whole)
    return plain


def _urls(entities: object) -> list[dict[str, Any]]:
    urls = entities.get("urls") if isinstance(entities, dict) else None
    return [url for url in urls if isinstance(url, dict)] if isinstance(urls, list) else []


def _media_keys(raw: Mapping[str, Any]) -> frozenset[str]:
    attachments = raw.get("attachments")
    keys = attachments.get("media_keys") if isinstance(attachments, dict) else None
    return frozenset(key for key in keys or () if isinstance(key, str))


def _parent(raw: Mapping[str, Any]) -> str | None:
    for name in ("referenced_posts", "referenced_tweets"):
        references = raw.get(name)
        for one in references if isinstance(references, list) else ():
            if isinstance(one, dict) and one.get("type") == "replied_to":
                return str(one.get("id"))
    return None
