"""Whether a status on the server is the one a draft describes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from html.parser import HTMLParser
from typing import Any

from bot.canonical import JsonObject
from bot.platforms.status import PostRef

_MENTION = re.compile(r"@([\w.-]+)@[\w.-]+")


class Resemblance(StrEnum):
    """How much a status looks like a draft."""

    SAME = "same"
    #: All but the text agrees: the source of the status decides.
    MAYBE = "maybe"
    #: The words agree, but not the pictures: nobody but a person can tell.
    DOUBTFUL = "doubtful"
    OTHER = "other"


def resemblance(seen: Mapping[str, Any], wire: JsonObject) -> Resemblance:
    """Compare a status as the server tells it with what was sent."""
    if seen.get("reblog"):
        return Resemblance.OTHER
    ids = {str(one.get("id")) for one in _objects(seen.get("media_attachments"))}
    wanted = set(wire["media_ids"])
    if wanted and ids == wanted:
        return Resemblance.SAME  # an upload can be attached only once
    if _text(seen.get("in_reply_to_id")) != _text(wire["in_reply_to_id"]):
        return Resemblance.OTHER
    if len(ids) != len(wanted):
        return Resemblance.OTHER
    if skeleton(_text(seen.get("spoiler_text"))) != skeleton(_text(wire["spoiler_text"])):
        return Resemblance.OTHER
    if not reads_as(_text(seen.get("content")), wire["status"]):
        return Resemblance.MAYBE
    return Resemblance.DOUBTFUL if wanted else Resemblance.SAME


def is_source(source: Mapping[str, Any], wire: JsonObject) -> bool:
    """Return whether a status's plain source is what was sent."""
    return skeleton(_text(source.get("text"))) == skeleton(wire["status"])


def reads_as(content: str, text: str) -> bool:
    """Return whether HTML shows this text, whatever a server made of links, quotes and breaks.

    A link counts by its whole address, since some servers show a shortened one, and by what is
    shown, since others link words without an address.
    """
    wanted = skeleton(text)
    return any(skeleton(shown) == wanted for shown in plain_texts(content))


def skeleton(text: str) -> str:
    """Keep what no server changes: letters and digits, and of a mention its local name."""
    kept = "".join(char for char in _MENTION.sub(r"@\1", text).casefold() if char.isalnum())
    return kept or "".join(text.split())


def plain_texts(content: str) -> tuple[str, str]:
    """Strip HTML, with links as their whole addresses, and as what is shown."""
    reader = _TextCollector()
    reader.feed(content)
    reader.close()
    return "".join(reader.addressed), "".join(reader.shown)


@dataclass(slots=True)
class _Link:
    href: str
    is_named: bool
    shown: list[str] = field(default_factory=list)


class _TextCollector(HTMLParser):
    """Collects the text of a status; mentions and hashtags stay as shown."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.addressed: list[str] = []
        self.shown: list[str] = []
        self._link: _Link | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("br", "p"):
            self.handle_data("\n")
        elif tag == "a":
            given = dict(attrs)
            names = (given.get("class") or "").split()
            self._link = _Link(given.get("href") or "", bool({"mention", "hashtag"} & set(names)))

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._link is not None:
            link, self._link = self._link, None
            shown = "".join(link.shown)
            is_named = link.is_named or shown.startswith(("#", "@")) or not link.href
            self.addressed.append(shown if is_named else link.href)

    def handle_data(self, data: str) -> None:
        self.shown.append(data)
        (self.addressed if self._link is None else self._link.shown).append(data)


def made_at(seen: Mapping[str, Any]) -> datetime | None:
    """Return when a status was made, where its server says so with a zone."""
    moment = seen.get("created_at")
    return moment if isinstance(moment, datetime) and moment.tzinfo else None


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return str(value) if value is not None else ""


def id_of(ref: PostRef) -> str:
    """Return the id; a person may have vouched with the address of a status."""
    return ref.id.rstrip("/").rsplit("/", 1)[-1]


def ref_of(seen: object, expected: str | None = None) -> PostRef:
    """Read a receipt; whoever calls takes a `TypeError` for an answer that tells nothing."""
    if not isinstance(seen, dict):
        raise TypeError("no status")
    found = seen.get("id")
    if type(found) is bool or not isinstance(found, str | int) or not str(found):
        raise TypeError("no status")
    if expected is not None and str(found) != expected:
        raise TypeError("another status")
    address = seen.get("url") or seen.get("uri")
    # It is shown as a link: nothing but a web page.
    if not isinstance(address, str) or not address.startswith(("https://", "http://")):
        address = ""
    return PostRef(str(found), address)
