"""What the X stand-in knows: statuses, pictures, spend; and its ledger on disk."""

from __future__ import annotations

import html
import json
import os
import re
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

#: US dollars a unit, 22 August 2026; written here again, so that the bot's own table is checked.
PRICES: Mapping[str, float] = {
    "post": 0.015,
    "post_with_url": 0.20,
    "delete": 0.010,
    "hide_reply": 0.20,
    "media_upload": 0.005,
    "media_metadata": 0.005,
    "read": 0.005,
    "owned_read": 0.001,
    "user_read": 0.010,
}
#: Addresses as X finds them: with a scheme, or a bare domain of a few well-known endings.
_URL = re.compile(
    r"https?://[^\s<>\"”’]+|(?<![\w@./])(?:[a-z0-9-]+\.)+(?:org|com|net|info|eu|uk)(?![\w.-])(?:/\S*)?",
    re.IGNORECASE,
)
_LIGHT = ((0x0, 0x10FF), (0x2000, 0x200D), (0x2010, 0x201F), (0x2032, 0x2037))


@dataclass(slots=True)
class XStatus:
    id: str
    user: str
    text: str
    media: tuple[str, ...] = ()
    parent: str | None = None
    #: The first status of the conversation; its own id where there is no parent.
    root: str = ""
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    #: `time.monotonic` from which the timeline shows it.
    visible_at: float = 0.0
    deleted: bool = False
    #: Who may reply, in X's words.
    replies: str = "everyone"
    is_hidden: bool = False
    numbers: dict[str, int] = field(default_factory=dict)
    #: What only its author is told, for 30 days.
    own_numbers: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class XMedia:
    id: str
    size: int
    sha256: str
    alt: str = ""


class World:
    """All state; whoever calls holds the server's lock."""

    def __init__(self, ledger: Path | None = None, *, lag: float = 0.0) -> None:
        self.statuses: dict[str, XStatus] = {}
        self.media: dict[str, XMedia] = {}
        self.lag = lag
        #: The apps are owned by their accounts, so that their own timelines cost less.
        self.owns_app = False
        #: Longer statuses are allowed, as to Premium accounts.
        self.max_length = 280
        self.used: Counter[str] = Counter()
        self._reads: set[tuple[str, str, str]] = set()
        #: The UTC day by which X bills; a test may move it.
        self.today: Callable[[], date] = lambda: datetime.now(UTC).date()
        self._ledger = ledger
        self._last_id = 1_990_000_000_000_000_000

    # -- writing

    def create(self, user: str, text: str, media: Sequence[str], parent: str | None) -> XStatus:
        status = XStatus(self._new_id(), user, unicodedata.normalize("NFC", text).strip())
        status.media, status.parent = tuple(media), parent
        status.root = self.statuses[parent].root if parent else status.id
        status.visible_at = time.monotonic() + self.lag
        self.statuses[status.id] = status
        self.bill("post_with_url" if _URL.search(text) else "post")
        alts = [self.media[one].alt for one in media]
        self.record(
            "create",
            id=status.id,
            user=user,
            text=text,
            parent=parent,
            media=list(media),
            alts=alts,
        )
        return status

    def delete(self, status: XStatus) -> None:
        status.deleted = True
        self.bill("delete")
        self.record("delete", id=status.id, user=status.user)

    def upload(self, size: int, sha256: str) -> XMedia:
        media = XMedia(self._new_id(), size, sha256)
        self.media[media.id] = media
        self.bill("media_upload")
        self.record("upload", id=media.id, size=size, sha256=sha256)
        return media

    def describe(self, media: XMedia, alt: str) -> None:
        media.alt = alt
        self.bill("media_metadata")
        self.record("describe", id=media.id, alt=alt)

    def record(self, verb: str, **what: Any) -> None:
        """Write what was accepted to the ledger, and wait until it is on the disk."""
        if self._ledger is None:
            return
        line = {"at": datetime.now(UTC).isoformat(), "verb": verb, **what}
        with self._ledger.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def _new_id(self) -> str:
        self._last_id += 4_194_304  # one millisecond in X's ids
        return str(self._last_id)

    # -- reading

    def live(self, user: str | None = None) -> list[XStatus]:
        """List what is not deleted, oldest first."""
        return [
            status
            for status in self.statuses.values()
            if not status.deleted and user in (None, status.user)
        ]

    def timeline(self, user: str) -> list[XStatus]:
        """List what the user's timeline shows by now, newest first."""
        now = time.monotonic()
        shown = [status for status in self.live(user) if status.visible_at <= now]
        return sorted(shown, key=lambda status: int(status.id), reverse=True)

    def catch_up(self) -> None:
        """Let the timeline show everything now."""
        for status in self.statuses.values():
            status.visible_at = 0.0

    def is_duplicate(self, user: str, text: str, media: Sequence[str]) -> bool:
        """Return whether X would refuse the text as said before; it remembers deleted ones too."""
        plain = unicodedata.normalize("NFC", text).strip()
        return bool(plain) and any(
            (status.user, status.text, bool(status.media)) == (user, plain, bool(media))
            for status in self.statuses.values()
        )

    # -- money

    def bill(self, action: str, resource: str = "") -> None:
        """Count one unit; the same resource read twice in one UTC day is one."""
        if resource:
            read = (action, resource, self.today().isoformat())
            if read in self._reads:
                return
            self._reads.add(read)
        self.used[action] += 1

    def spend(self) -> float:
        """Sum up in US dollars."""
        return round(sum(PRICES[action] * count for action, count in self.used.items()), 6)


def length(text: str) -> int:
    """Count as X does (twitter-text configuration 3), but for emoji."""
    normal = unicodedata.normalize("NFC", text)
    rest = _URL.sub("", normal)
    addresses = len(_URL.findall(normal))
    light = sum(any(low <= ord(sign) <= high for low, high in _LIGHT) for sign in rest)
    return 23 * addresses + light + 2 * (len(rest) - light)


def rendered(status: XStatus) -> dict[str, Any]:
    """Write a status as X shows it: addresses shortened, signs escaped, pictures as a last link."""
    text, urls = _shortened(status)
    for number, media in enumerate(status.media):
        short = f"https://t.co/m{status.id[-8:]}"
        if number == 0:
            text = f"{text} {short}".strip()
        urls.append(_media_url(status, short, media, text))
    shown: dict[str, Any] = {
        "id": status.id,
        "text": text,
        "author_id": status.user,
        "created_at": status.created_at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "conversation_id": status.root,
        "edit_history_post_ids": [status.id],
        "reply_settings": status.replies,
        "public_metrics": {**_NOTHING, **status.numbers},
        "non_public_metrics": {"url_link_clicks": 0, **status.own_numbers},
    }
    if urls:
        shown["entities"] = {"urls": urls}
    if status.media:
        shown["attachments"] = {"media_keys": [f"3_{media}" for media in status.media]}
    return shown


_NOTHING = {
    "repost_count": 0,
    "reply_count": 0,
    "like_count": 0,
    "quote_count": 0,
    "bookmark_count": 0,
    "impression_count": 0,
}


def _shortened(status: XStatus) -> tuple[str, list[dict[str, Any]]]:
    urls: list[dict[str, Any]] = []
    pieces, at = [], 0
    for found in _URL.finditer(status.text):
        address = found[0].rstrip(".,;:!?)…")
        short = f"https://t.co/{len(urls)}{status.id[-9:]}"
        before = html.escape(status.text[at : found.start()], quote=False)
        pieces += [before, short]
        at = found.start() + len(address)
        start = len("".join(pieces)) - len(short)
        expanded = address if "://" in address else f"http://{address}"
        urls.append(
            {
                "start": start,
                "end": start + len(short),
                "url": short,
                "expanded_url": expanded,
                "display_url": re.sub(r"^https?://(www\.)?", "", address)[:26],
            }
        )
    pieces.append(html.escape(status.text[at:], quote=False))
    return "".join(pieces), urls


def _media_url(status: XStatus, short: str, media: str, text: str) -> dict[str, Any]:
    return {
        "start": len(text) - len(short),
        "end": len(text),
        "url": short,
        "expanded_url": f"https://x.com/u{status.user}/status/{status.id}/photo/1",
        "display_url": f"pic.x.com/m{status.id[-8:]}",
        "media_key": f"3_{media}",
    }
