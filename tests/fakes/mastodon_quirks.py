"""A stand-in for the servers that speak Mastodon's API in their own way.

Each switch is something that GoToSocial, snac, Takahe, Hollo or some Mastodon release was seen
to do; all are off by default, which makes a plain Mastodon that forgets no key.
"""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.fakes.loopback import Loopback, ReceivedRequest, Told

_GONE = Told(404, {"error": "Record not found"})
_NO_SUCH = Told(404, {"error": "Not Found"})


def paragraphs(text: str) -> str:
    """Write HTML as Mastodon does, without links."""
    return "".join(
        f"<p>{html.escape(part, quote=False).replace(chr(10), '<br />')}</p>"
        for part in text.split("\n\n")
    )


@dataclass(slots=True)
class Quirks:
    """How this server differs."""

    ignores_key: bool = False
    #: What a repeated key gets instead of the first status (500: Mastodon's #40399).
    repeated_key: int | None = None
    #: The status is stored, but nobody hears of it; counts down.
    loses_answers: int = 0
    #: `GET /api/v1/statuses`: ``yes``, ``no`` (404), or ``empty`` (a list of nothing).
    batches: str = "yes"
    has_source: bool = True
    #: JSON of the two instance endpoints; None is 404.
    instance_v2: Any = None
    instance_v1: Any = None
    ignores_max_id: bool = False
    page: int = 40
    #: Looks at an upload before it is ready; -1 is never, -2 is failed.
    processing: int = 0
    is_bot: bool = True
    #: HTML of a status, by its text; `paragraphs` for what is not here.
    contents: dict[str, str] = field(default_factory=dict)
    #: Instead of any answer to the next request whose line is here.
    answers: dict[str, Told] = field(default_factory=dict)


class QuirkyMastodon(Loopback):
    """One account's server."""

    def __init__(self) -> None:
        self.quirks = Quirks()
        self.statuses: list[dict[str, Any]] = []
        self.media: dict[str, int] = {}
        self._keys: dict[str, dict[str, Any]] = {}
        self._last = 100
        super().__init__(self.answer)

    def post(self, text: str, **fields: object) -> dict[str, Any]:
        """Make a status past the API, as another program of the account would."""
        self._last += 1
        made = {
            "id": str(self._last),
            "url": f"https://social.example/@voice/{self._last}",
            "created_at": datetime.now(UTC).isoformat(),
            "content": self.quirks.contents.get(text, paragraphs(text)),
            "text": text,
            "in_reply_to_id": None,
            "spoiler_text": "",
            "media_attachments": [],
            "favourites_count": 3,
            "reblogs_count": 2,
            "replies_count": 1,
            **fields,
        }
        self.statuses.insert(0, made)
        return made

    def answer(self, asked: ReceivedRequest) -> Told:
        if told := self.quirks.answers.get(asked.line):
            return told
        match asked.path.removeprefix("/api").strip("/").split("/"):
            case [version, "instance"]:
                known = {"v1": self.quirks.instance_v1, "v2": self.quirks.instance_v2}
                return _NO_SUCH if known[version] is None else Told(body=known[version])
            case ["v1", "accounts", "verify_credentials"]:
                return Told(body={"id": "7", "username": "voice", "bot": self.quirks.is_bot})
            case ["v1", "accounts", "7", "statuses"]:
                return self._timeline(asked)
            case ["v2", "media"]:
                return self._upload()
            case ["v1", "media", one]:
                return self._look(one)
            case ["v1", "statuses", *rest]:
                return self._statuses(asked, rest)
        return _NO_SUCH

    def _statuses(self, asked: ReceivedRequest, rest: list[str]) -> Told:
        match asked.method, rest:
            case "POST", []:
                return self._publish(asked)
            case "GET", []:
                return self._batch(asked)
            case "GET", [one]:
                return next((Told(body=s) for s in self.statuses if s["id"] == one), _GONE)
            case "GET", [one, "source"] if self.quirks.has_source:
                return next((Told(body=s) for s in self.statuses if s["id"] == one), _GONE)
            case "DELETE", [one]:
                before = len(self.statuses)
                self.statuses = [s for s in self.statuses if s["id"] != one]
                return Told() if len(self.statuses) < before else _GONE
        return _NO_SUCH

    def _publish(self, asked: ReceivedRequest) -> Told:
        key = asked.headers.get("Idempotency-Key", "")
        if key in self._keys and not self.quirks.ignores_key:
            if self.quirks.repeated_key:
                return Told(self.quirks.repeated_key, {"error": "so"})
            return Told(body=self._keys[key])
        ids = asked.form.get("media_ids[]", [])
        if any(self.media.get(id_, 0) for id_ in ids):
            return Told(422, {"error": "Cannot attach files that are being processed"})
        made = self.post(
            asked.form["status"][0],
            in_reply_to_id=asked.form.get("in_reply_to_id", [None])[0],
            spoiler_text=asked.form.get("spoiler_text", [""])[0],
            media_attachments=[{"id": id_} for id_ in ids],
        )
        self._keys[key] = made
        if self.quirks.loses_answers:
            self.quirks.loses_answers -= 1
            return Told(is_lost=True)
        return Told(body=made)

    def _timeline(self, asked: ReceivedRequest) -> Told:
        before = asked.query.get("max_id", [""])[0]
        found = [
            status
            for status in self.statuses
            if not before or self.quirks.ignores_max_id or int(status["id"]) < int(before)
        ]
        return Told(body=found[: self.quirks.page])

    def _batch(self, asked: ReceivedRequest) -> Told:
        ids = asked.query.get("id[]", [])
        if self.quirks.batches == "no":
            return _NO_SUCH
        if len(ids) > 20:
            return Told(422, {"error": "Too many ids"})
        known = [] if self.quirks.batches == "empty" else self.statuses
        return Told(body=[name for name in known if name["id"] in ids])

    def _upload(self) -> Told:
        self._last += 1
        self.media[str(self._last)] = self.quirks.processing
        is_ready = not self.quirks.processing
        url = "https://social.example/picture" if is_ready else None
        return Told(200 if is_ready else 202, {"id": str(self._last), "url": url})

    def _look(self, one: str) -> Told:
        left = self.media.get(one)
        if left is None:
            return _GONE
        if left == -2:
            return Told(422, {"error": "Error processing thumbnail"})
        if left:
            self.media[one] = left - 1 if left > 0 else left
            return Told(206, {"id": one, "url": None})
        return Told(body={"id": one, "url": "https://social.example/picture"})
