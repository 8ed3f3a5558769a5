"""Whether a status, as a server shows it, is what a draft describes, and where it differs."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bot import visible
from bot.canonical import JsonObject
from bot.platforms.http.exchange import object_in, objects_in
from bot.platforms.http.markup import Tag, pieces_of

_MENTION = re.compile(r"@([\w.-]+)@[\w.-]+")
#: A number that begins a line: some servers make lists of such lines, and show none.
_NUMBER = re.compile(r"^[^\S\n]*+\d++[.)]\s++", re.MULTILINE)
_TAG = re.compile(r"<[^<>]*>")
#: Text that was escaped more often than that was meant so.
_ESCAPED = 3


class Match(StrEnum):
    """How far a status that appeared since an attempt agrees with its draft."""

    SAME = "same"
    #: All but the words agrees: the source of the status decides.
    MAYBE = "maybe"
    #: The words agree, but not all else: nobody but a person can tell.
    DOUBTFUL = "doubtful"
    OTHER = "other"


def compare(status: Mapping[str, Any], body: JsonObject) -> tuple[Match, str]:
    """Return how far a status agrees with a draft's body; of a doubtful one, why it is so."""
    ids = {str(media.get("id")) for media in objects_in(status, "media_attachments")}
    if body["media_ids"] and ids == set(body["media_ids"]):
        return Match.SAME, ""  # an upload can be attached only once
    is_warned_alike, has_words = _reads_alike(status, body)
    if not has_words:
        is_possible = not _other_pictures(status, body) or not _other_parent(status, body)
        is_asked = "source" in status
        return Match.MAYBE if is_possible and not is_asked else Match.OTHER, ""
    doubts = (
        "" if is_warned_alike else "but another warning",
        _other_parent(status, body),
        _other_pictures(status, body),
    )
    if any(doubts):
        return Match.DOUBTFUL, f"has its words, {', '.join(filter(None, doubts))}"
    return Match.SAME, ""


def differences(status: Mapping[str, Any], body: JsonObject) -> Mapping[str, str]:
    """Return in words where a receipt differs from what was sent, for `PostRef.compared`."""
    is_warned_alike, has_words = _reads_alike(status, body)
    language, wanted = _text(status.get("language")), str(body["language"])
    visibility, is_kept = status.get("visibility"), language.casefold() == wanted.casefold()
    is_seen_alike = visibility == body["visibility"] or not isinstance(visibility, str)
    not_kept = f"its language is {language or 'not kept'}, not {wanted}"
    found = {
        "text": ("content" in status and not has_words, "its text reads otherwise"),
        "warning": (has_words and not is_warned_alike, "its warning is another one, or missing"),
        "parent": ("in_reply_to_id" in status, _other_parent(status, body)),
        "pictures": ("media_attachments" in status, _other_pictures(status, body)),
        "language": ("language" in status and not is_kept, not_kept),
        "visibility": (not is_seen_alike, f"it is {visibility}, not {body['visibility']}"),
        "quotes": (True, _other_quotes(status, body)),
    }
    return {subject: words for subject, (is_other, words) in found.items() if is_other}


def _other_quotes(status: Mapping[str, Any], body: JsonObject) -> str:
    """Return who may quote it by the server's word, where that is not who was to."""
    wanted = body.get("quotes")
    if not wanted:
        return ""
    approval = object_in(status, "quote_approval")
    told = [approval.get(how) for how in ("automatic", "manual")]
    # What only followers see nobody quotes, whatever was asked for.
    if told in ([[], []], [[wanted], []]):
        return ""
    may = ", ".join(_text(who) for whose in told for who in whose or ()) or "not told"
    return f"who may quote it is {may}, not {wanted}"


def _reads_alike(status: Mapping[str, Any], body: JsonObject) -> tuple[bool, bool]:
    """Return whether warning and words agree, and whether at least the words do.

    Some servers escape a warning, move it into the content, or make it a title.
    """
    warning, words = _skeleton(_text(body["spoiler_text"])), _skeleton(body["status"])
    source = object_in(status, "source")
    shown = [_skeleton(text) for text in plain_texts(_text(status.get("content")))]
    if isinstance(source.get("text"), str):
        shown.append(_skeleton(source["text"]))
    heads = {_skeleton(_text(status.get(name))) for name in ("spoiler_text", "title")}
    heads.add(_skeleton(_text(object_in(status, "friendica").get("title"))))
    if warning:
        joined = {head + text for text in shown for head in heads | {""}}
        is_alike = warning + words in joined
    else:
        is_alike = words in shown and not any(heads)
    return is_alike, is_alike or words in shown


def _other_parent(status: Mapping[str, Any], body: JsonObject) -> str:
    found, wanted = _text(status.get("in_reply_to_id")), _text(body["in_reply_to_id"])
    if found == wanted:
        return ""
    return f"but answers {found or 'nothing'}, not {body.get('parent_url') or wanted or 'nothing'}"


def _other_pictures(status: Mapping[str, Any], body: JsonObject) -> str:
    """Return how pictures differ: by number, or by what describes them; servers rename uploads."""
    shown, wanted = objects_in(status, "media_attachments"), body["alts"]
    if len(shown) != len(wanted):
        return f"but {len(shown)} of {len(wanted)} pictures"
    found = [_skeleton(_TAG.sub("", _text(media.get("description")))) for media in shown]
    is_described = sorted(found) == sorted(_skeleton(_TAG.sub("", alt)) for alt in wanted)
    return "" if is_described else "but other pictures, or other words for them"


def _skeleton(text: str) -> str:
    """Keep what no server changes: letters and digits, and of a mention its local name."""
    for _ in range(_ESCAPED):
        text = html.unescape(text)
    plain = _NUMBER.sub("", _MENTION.sub(r"@\1", visible.normalized("NFC", text)))
    kept = "".join(char for char in plain.casefold() if char.isalnum())
    return kept or "".join(text.split())


def plain_texts(content: str) -> tuple[str, str]:
    """Strip HTML, with links as their whole addresses, and as what is shown.

    Mentions and hashtags stay as shown.
    """
    addressed, shown, link = list[str](), list[str](), None
    for piece in pieces_of(content):
        if isinstance(piece, Tag) and piece.name == "a":
            if link is not None:
                words = "".join(shown[link.start :])
                is_named = link.is_named or words.startswith(("#", "@")) or not link.href
                addressed.append(words if is_named else link.href)
            given = piece.attributes()
            names = {*(given.get("class") or "").split()}
            named = _Link(given.get("href") or "", bool({"mention", "hashtag"} & names), len(shown))
            link = None if piece.is_end else named
        elif isinstance(piece, str) or (piece.name in ("br", "p") and not piece.is_end):
            text = piece if isinstance(piece, str) else "\n"
            shown.append(text)
            addressed += [text] if link is None else []
    return "".join(addressed), "".join(shown)


@dataclass(frozen=True, slots=True)
class _Link:
    href: str
    is_named: bool
    #: Of its words among what is shown.
    start: int


def _text(value: object) -> str:
    return str(value) if value is not None else ""
