"""A stand-in for the servers that speak Mastodon's API in their own way.

Each switch is something that a server with this API was seen to do; all are off by default, which
makes a plain Mastodon that forgets no key. They may be combined.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.fakes.loopback import Loopback, ReceivedRequest, Told

_GONE = Told(404, {"error": "Record not found"})
_NO_SUCH = Told(404, {"error": "Not Found"})
_HTML = {"Content-Type": "text/html"}
_BOOLEANS = ("sensitive", "exclude_reblogs", "exclude_replies", "pinned", "only_media")
_WORDS = ("true", "false")
_TAG = re.compile(r"<[^<>]*>")
#: Of a multipart form.
_DESCRIPTION = re.compile(rb'name="description"\r\n(?:[^\r\n]+\r\n)*\r\n(.*?)\r\n--', re.DOTALL)


def paragraphs(text: str) -> str:
    """Write HTML as Mastodon does, without links."""
    return "".join(
        f"<p>{html.escape(part, quote=False).replace(chr(10), '<br />')}</p>"
        for part in text.split("\n\n")
    )


def _markdown(text: str) -> str:
    """Write HTML as servers that render Markdown do: lists lose their numbers."""
    written = re.sub(r"[*_]+(\w[^*_]*)[*_]+", r"<em>\1</em>", html.escape(text, quote=False))
    lines = (
        re.sub(r"^(?:[-*]|\d+[.)])\s+(.*)$", r"<li>\1</li>", line) for line in written.split("\n")
    )
    return f"<ol>{'<br />'.join(lines)}</ol>"


def _counted(value: Any) -> Any:
    """Write the ids of an answer as numbers."""
    if isinstance(value, list):
        return [_counted(part) for part in value]
    if not isinstance(value, dict):
        return value
    ids = {name: int(value[name]) for name in ("id", "in_reply_to_id") if value.get(name)}
    return {name: _counted(part) for name, part in value.items()} | ids


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
    #: Each page ends with what is pinned.
    repeats_pinned: bool = False
    #: Ids are numbers, not text.
    has_number_ids: bool = False
    page: int = 40
    #: Visibilities whose statuses are in no timeline, though they are shown by id.
    unlisted_kinds: tuple[str, ...] = ()
    #: A status that anybody boosted is shown as that boost: under another id, and empty.
    wraps_boosted: bool = False
    #: Seconds that each insert waits for a lock while reads go on; its answer is lost.
    insert_waits: float = 0.0
    #: What becomes of a reply: ``keeps`` its parent, ``drops`` it, or is ``root``'s instead.
    replies: str = "keeps"
    #: What becomes of a warning: ``keeps``, ``escapes``, ``drops``, or moves it to ``content``,
    #: ``both`` or ``title``.
    warnings: str = "keeps"
    #: Attached pictures get other ids.
    renames_pictures: bool = False
    #: What becomes of alternative texts: ``keeps``, ``strips`` tags and newlines, ``drops``.
    alts: str = "keeps"
    ignores_pictures: bool = False
    #: ``keeps``, ``drops``, or ``shortens`` (pt-BR becomes pt).
    languages: str = "keeps"
    #: What becomes of who may quote: ``keeps``, ``drops``, or all are ``public`` or ``nobody``.
    quotes: str = "keeps"
    #: Stored as that, whatever was asked for.
    visibility: str = ""
    #: Lists and emphasis are rendered.
    renders_markdown: bool = False
    #: Booleans written as 0 or 1 are refused with this status.
    strict_booleans: int = 0
    #: Ids have letters in them.
    has_word_ids: bool = False
    #: Lists that are empty come as null, and what is not known is left out.
    tells_null: bool = False
    #: How a token that was revoked is answered; 0 while it works.
    dead_token: int = 0
    #: A page of a box in front, with this status, instead of every answer; 0 without one.
    page_in_front: int = 0
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
        #: Inserts that wait for a lock: until when, and what then happens.
        self._waiting: list[tuple[datetime, Callable[[], object]]] = []
        #: By id of an upload.
        self._described: dict[str, str] = {}
        super().__init__(self.answer)

    def moment(self) -> datetime:
        return datetime.now(UTC)

    def _new_id(self) -> str:
        self._last += 1
        return f"01H{self._last}ZX" if self.quirks.has_word_ids else str(self._last)

    def post(self, text: str, **fields: object) -> dict[str, Any]:
        """Make a status past the API, as another program of the account would."""
        made = {
            "id": (new := self._new_id()),
            "url": f"https://social.example/@voice/{new}",
            "created_at": self.moment().isoformat(),
            "text": text,
            "in_reply_to_id": None,
            "spoiler_text": "",
            "media_attachments": [],
            "visibility": "public",
            "language": "en",
            "favourites_count": 3,
            "reblogs_count": 2,
            "replies_count": 1,
            "account": {"id": "7"},
            **fields,
        }
        self.statuses.insert(0, made)
        return made

    def boost(self, status: dict[str, Any]) -> None:
        """Let somebody boost a status."""
        status.setdefault("boost", self._new_id())

    def answer(self, asked: ReceivedRequest) -> Told:
        for waits in [waits for waits in self._waiting if waits[0] <= self.moment()]:
            self._waiting.remove(waits)
            waits[1]()
        told = self.quirks.answers.get(asked.line) or self._refusal(asked) or self._answer(asked)
        return replace(told, body=_counted(told.body)) if self.quirks.has_number_ids else told

    def _refusal(self, asked: ReceivedRequest) -> Told | None:
        """Return what stands between a request and its answer."""
        quirks = self.quirks
        if quirks.page_in_front:
            return Told(quirks.page_in_front, b"<html>Are you a bot?</html>", _HTML)
        if quirks.dead_token and "instance" not in asked.path:
            return Told(quirks.dead_token, {"error": "The access token was revoked"})
        fields = {**asked.query, **asked.form}
        odd = [name for name in _BOOLEANS if fields.get(name, ["true"])[0] not in _WORDS]
        if quirks.strict_booleans and odd:
            return Told(quirks.strict_booleans, {"error": f"Expected boolean: {odd[0]}"})
        return None

    def _answer(self, asked: ReceivedRequest) -> Told:
        match asked.path.removeprefix("/api").strip("/").split("/"):
            case [version, "instance"]:
                known = {"v1": self.quirks.instance_v1, "v2": self.quirks.instance_v2}
                return _NO_SUCH if known[version] is None else Told(body=known[version])
            case ["v1", "accounts", "verify_credentials"]:
                return Told(body={"id": "7", "username": "voice", "bot": self.quirks.is_bot})
            case ["v1", "accounts", "7", "statuses"]:
                return self._timeline(asked)
            case ["v2", "media"]:
                return self._upload(asked)
            case ["v1", "media", one]:
                return self._look(one)
            case ["v1", "statuses", *rest]:
                return self._statuses(asked, rest)
        return _NO_SUCH

    def shown(self, status: dict[str, Any]) -> dict[str, Any]:
        """Return a status as this server shows it."""
        quirks, told = self.quirks, {**status}
        text, warning = status["text"], str(status["spoiler_text"])
        written = _markdown(text) if quirks.renders_markdown else paragraphs(text)
        content = quirks.contents.get(text, written)
        match quirks.warnings if warning else "keeps":
            case "escapes":
                told["spoiler_text"] = html.escape(html.escape(warning))
            case "content" | "both":
                content = paragraphs(warning) + content
                told["spoiler_text"] = warning if quirks.warnings == "both" else ""
            case "title":
                told |= {"spoiler_text": "", "friendica": {"title": warning}}
            case "drops":
                told["spoiler_text"] = ""
        told = {"content": content, **told}
        if quirks.tells_null:
            told = {name: value or None for name, value in told.items()}
        if quirks.wraps_boosted and "boost" in status:
            outer = {**told, "id": status["boost"], "content": "", "spoiler_text": ""}
            return {**outer, "media_attachments": [], "account": {"id": "8"}, "reblog": told}
        return told

    def _statuses(self, asked: ReceivedRequest, rest: list[str]) -> Told:
        match asked.method, rest:
            case "POST", []:
                return self._publish(asked)
            case "GET", []:
                return self._batch(asked)
            case "GET", [one]:
                found = (self.shown(status) for status in self.statuses if status["id"] == one)
                return next((Told(body=status) for status in found), _GONE)
            case "GET", [one, "source"] if self.quirks.has_source:
                return next((Told(body=s) for s in self.statuses if s["id"] == one), _GONE)
            case "GET", [one, "quotes"]:
                return Told(body=[self.shown(s) for s in self.statuses if s.get("quotes") == one])
            case "POST", [one, "quotes", quote, "revoke"]:
                return self._revoke(one, quote)
            case "DELETE", [one]:
                before = len(self.statuses)
                self.statuses = [s for s in self.statuses if s["id"] != one]
                return Told() if len(self.statuses) < before else _GONE
        return _NO_SUCH

    def _revoke(self, one: str, quote: str) -> Told:
        for status in self.statuses:
            if (status["id"], status.get("quotes")) == (quote, one):
                status["quote"] = {"state": "revoked", "quoted_status": None}
                return Told(body=self.shown(status))
        return _GONE

    def _publish(self, asked: ReceivedRequest) -> Told:
        key = asked.headers.get("Idempotency-Key", "")
        if key in self._keys and not self.quirks.ignores_key:
            if self.quirks.repeated_key:
                return Told(self.quirks.repeated_key, {"error": "so"})
            return Told(body=self._keys[key])
        ids = asked.form.get("media_ids[]", [])
        if any(self.media.get(id_, 0) for id_ in ids):
            return Told(422, {"error": "Cannot attach files that are being processed"})
        if self.quirks.insert_waits:
            until = self.moment() + timedelta(seconds=self.quirks.insert_waits)
            self._waiting.append((until, lambda: self._insert(asked, key, ids)))
            return Told(is_lost=True)
        made = self._insert(asked, key, ids)
        if self.quirks.loses_answers:
            self.quirks.loses_answers -= 1
            return Told(is_lost=True)
        return Told(body=self.shown(made))

    def _insert(self, asked: ReceivedRequest, key: str, ids: list[str]) -> dict[str, Any]:
        if key in self._keys and not self.quirks.ignores_key:
            return self._keys[key]
        form = {name: values[0] for name, values in asked.form.items()}
        parent, language = form.get("in_reply_to_id"), form.get("language")
        if parent and self.quirks.replies != "keeps":
            parent = None if self.quirks.replies == "drops" else "1"
        if language and self.quirks.languages != "keeps":
            language = None if self.quirks.languages == "drops" else language.partition("-")[0]
        if self.quirks.ignores_pictures:
            ids = []
        renamed = "r" if self.quirks.renames_pictures else ""
        made = self.post(
            form["status"],
            in_reply_to_id=parent,
            spoiler_text=form.get("spoiler_text", ""),
            media_attachments=[{"id": renamed + id_, "description": self._alt(id_)} for id_ in ids],
            visibility=self.quirks.visibility or form.get("visibility", "public"),
            language=language,
        )
        if policy := form.get("quote_approval_policy"):
            told = [] if policy == "nobody" or self.quirks.quotes == "nobody" else [policy]
            told = ["public"] if self.quirks.quotes == "public" else told
            made["quote_approval"] = {"automatic": told, "manual": [], "current_user": "automatic"}
            if self.quirks.quotes == "drops":
                del made["quote_approval"]
        self._keys[key] = made
        return made

    def _alt(self, id_: str) -> str | None:
        alt = self._described.get(id_)
        if alt is None or self.quirks.alts == "drops":
            return None
        return alt if self.quirks.alts == "keeps" else " ".join(_TAG.sub("", alt).split())

    def _timeline(self, asked: ReceivedRequest) -> Told:
        before = asked.query.get("max_id", [""])[0]
        listed = [
            status
            for status in map(self.shown, self.statuses)
            if status["visibility"] not in self.quirks.unlisted_kinds
        ]
        ids = [status["id"] for status in listed]
        if before in ids and not self.quirks.ignores_max_id:
            listed = listed[ids.index(before) + 1 :]
        page = listed[: self.quirks.page]
        pinned = [self.shown(status) for status in self.statuses if status.get("pinned")]
        return Told(body=[*page, *pinned] if self.quirks.repeats_pinned else page)

    def _batch(self, asked: ReceivedRequest) -> Told:
        ids = asked.query.get("id[]", [])
        if self.quirks.batches == "no":
            return _NO_SUCH
        if len(ids) > 20:
            return Told(422, {"error": "Too many ids"})
        known = [] if self.quirks.batches == "empty" else self.statuses
        return Told(body=[self.shown(status) for status in known if status["id"] in ids])

    def _upload(self, asked: ReceivedRequest) -> Told:
        new = self._new_id()
        self.media[new] = self.quirks.processing
        if found := _DESCRIPTION.search(asked.body):
            self._described[new] = found[1].decode()
        is_ready = not self.quirks.processing
        url = "https://social.example/picture" if is_ready else None
        return Told(200 if is_ready else 202, {"id": new, "url": url})

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
