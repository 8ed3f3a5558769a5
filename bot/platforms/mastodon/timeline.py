"""Reading an account's own timeline back to an attempt, to see whether a draft is live."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from html.parser import HTMLParser
from typing import Any

from bot.canonical import JsonObject
from bot.errors import PlatformError, UnconfirmedError
from bot.platforms.http.answers import objects_in
from bot.platforms.mastodon.api import Api, ref_of
from bot.platforms.mastodon.spec import NAME

#: Forty statuses a page: an account that made more since the attempt needs a person.
_MAX_PAGES = 10
_MAX_SOURCES = 20
#: How servers say that they do not tell the source of a status; an outage is something else.
_NO_SOURCES = frozenset({403, 404, 405, 410, 501})
_MENTION = re.compile(r"@([\w.-]+)@[\w.-]+")


class _Match(StrEnum):
    """How far a status agrees with a draft."""

    SAME = "same"
    #: All but the text agrees: the source of the status decides.
    MAYBE = "maybe"
    #: The words agree, but not the pictures: nobody but a person can tell.
    DOUBTFUL = "doubtful"
    OTHER = "other"


def find_on_timeline(api: Api, body: JsonObject, me: str) -> Mapping[str, Any] | None:
    """Find what a draft describes; None only after all since its attempt was read without it.

    Raises:
        UnconfirmedError: a status has its words but other pictures, or the server does not
            let us see so far back.
        UnavailableError, UnauthorizedError: the read did not happen.
    """
    sources = 0
    for status in _statuses_since(api, me, datetime.fromisoformat(body["since"])):
        match = _match(status, body)
        if match is _Match.MAYBE and sources < _MAX_SOURCES:
            sources += 1
            match = _match_by_source(api, status, body)
        if match is _Match.SAME:
            return status
        if match is _Match.DOUBTFUL:
            address = status.get("url") or status.get("id")
            raise UnconfirmedError(NAME, f"{address} has its words, but other pictures")
    return None


def _match(status: Mapping[str, Any], body: JsonObject) -> _Match:
    """Compare a status as the server tells it with what was sent."""
    if status.get("reblog"):
        return _Match.OTHER
    ids = {str(media.get("id")) for media in objects_in(status, "media_attachments")}
    wanted = set(body["media_ids"])
    if wanted and ids == wanted:
        return _Match.SAME  # an upload can be attached only once
    if _text(status.get("in_reply_to_id")) != _text(body["in_reply_to_id"]):
        return _Match.OTHER
    if len(ids) != len(wanted):
        return _Match.OTHER
    if _skeleton(_text(status.get("spoiler_text"))) != _skeleton(_text(body["spoiler_text"])):
        return _Match.OTHER
    if not reads_as(_text(status.get("content")), body["status"]):
        return _Match.MAYBE
    return _Match.DOUBTFUL if wanted else _Match.SAME


def _match_by_source(api: Api, status: Mapping[str, Any], body: JsonObject) -> _Match:
    try:
        with api.calls():
            source: Any = api.client.status_source(str(status["id"]))
    except PlatformError:
        if api.exchange.status in _NO_SOURCES:
            return _Match.OTHER
        raise
    plain = _text(source.get("text")) if isinstance(source, dict) else None
    if plain is None or _skeleton(plain) != _skeleton(body["status"]):
        return _Match.OTHER
    return _Match.DOUBTFUL if body["media_ids"] else _Match.SAME


def _statuses_since(api: Api, me: str, since: datetime) -> Iterator[Mapping[str, Any]]:
    """Read the account's own statuses back to ``since``, newest first.

    Raises:
        UnconfirmedError: the server does not let us see so far back.
    """
    known: set[str] = set()
    oldest: str | None = None
    for _ in range(_MAX_PAGES):
        page = _page(api, me, oldest)
        fresh = [status for status in page if str(status["id"]) not in known]
        yield from fresh
        # A moment without a zone proves nothing.
        made_at = page[-1].get("created_at") if page else None
        if not page or (isinstance(made_at, datetime) and made_at.tzinfo and made_at < since):
            return
        if not fresh:
            break  # it ignores max_id
        known.update(str(status["id"]) for status in fresh)
        oldest = str(page[-1]["id"])
    raise UnconfirmedError(NAME, "the account's timeline cannot be read back to the attempt")


def _page(api: Api, me: str, before: str | None) -> list[Mapping[str, Any]]:
    with api.calls():
        page = api.client.account_statuses(me, exclude_reblogs=True, limit=40, max_id=before)
        if not isinstance(page, list):
            raise TypeError("no list of statuses")
        for status in page:
            ref_of(status)
        return list(page)


def reads_as(content: str, text: str) -> bool:
    """Return whether HTML shows this text, whatever a server made of links, quotes and breaks.

    A link counts by its whole address, since some servers show a shortened one, and by what is
    shown, since others link words without an address.
    """
    wanted = _skeleton(text)
    return any(_skeleton(shown) == wanted for shown in plain_texts(content))


def _skeleton(text: str) -> str:
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


def _text(value: object) -> str:
    return str(value) if value is not None else ""
