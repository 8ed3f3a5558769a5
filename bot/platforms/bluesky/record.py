"""The record of a post, as it is frozen and as it is compared."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bot.canonical import JsonObject, canonical_json
from bot.platforms.status import Facet, FacetKind, LinkCard, Picture, Status

COLLECTION = "app.bsky.feed.post"
_AT_URI = re.compile(r"at://(?P<repo>[^/]+)/app\.bsky\.feed\.post/(?P<rkey>[A-Za-z0-9._~:-]+)")
_PAGE = re.compile(r"https://[^/]+/profile/(?P<repo>[^/]+)/post/(?P<rkey>[A-Za-z0-9._~:-]+)/?")


def post_record(
    status: Status,
    *,
    at: datetime,
    blobs: Mapping[str, JsonObject],
    dids: Mapping[str, str],
    reply: JsonObject | None,
) -> JsonObject:
    """Build the record; every byte of it goes into its content hash.

    Args:
        status: The message; a card gives way to pictures, the lexicon takes one of them.
        at: When it is sent for the first time, for ever.
        blobs: Uploaded pictures, by their SHA-256.
        dids: Identifiers of mentioned handles.
        reply: References to the root and the parent of a thread.
    """
    record: dict[str, Any] = {
        "$type": COLLECTION,
        "text": status.text,
        "createdAt": timestamp(at),
        "langs": [status.lang],
    }
    if status.facets:
        record["facets"] = [_facet(facet, dids) for facet in status.facets]
    if embed := _embed(status, blobs):
        record["embed"] = embed
    if reply is not None:
        record["reply"] = reply
    if status.sensitive and status.pictures:
        record["labels"] = {
            "$type": "com.atproto.label.defs#selfLabels",
            "values": [{"val": "graphic-media"}],
        }
    return record


def timestamp(at: datetime) -> str:
    """Write a moment as the lexicon's ``datetime``, in UTC to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _facet(facet: Facet, dids: Mapping[str, str]) -> JsonObject:
    kind = f"app.bsky.richtext.facet#{facet.kind}"
    match facet.kind:
        case FacetKind.LINK:
            feature = {"$type": kind, "uri": facet.value}
        case FacetKind.TAG:
            feature = {"$type": kind, "tag": facet.value}
        case FacetKind.MENTION:
            feature = {"$type": kind, "did": dids[facet.value]}
    return {"index": {"byteStart": facet.start, "byteEnd": facet.end}, "features": [feature]}


def _embed(status: Status, blobs: Mapping[str, JsonObject]) -> JsonObject | None:
    if status.pictures:
        return {"$type": "app.bsky.embed.images", "images": _images(status.pictures, blobs)}
    return _external(status.card, blobs) if status.card else None


def _images(pictures: Sequence[Picture], blobs: Mapping[str, JsonObject]) -> list[JsonObject]:
    return [
        {
            "alt": picture.alt,
            "image": blobs[picture.sha256],
            "aspectRatio": {"width": picture.width, "height": picture.height},
        }
        for picture in pictures
    ]


def _external(card: LinkCard, blobs: Mapping[str, JsonObject]) -> JsonObject:
    external: dict[str, Any] = {
        "uri": card.url,
        "title": card.title,
        "description": card.description,
    }
    if card.thumb is not None:
        external["thumb"] = blobs[card.thumb.sha256]
    return {"$type": "app.bsky.embed.external", "external": external}


def is_same(seen: object, record: JsonObject) -> bool:
    """Return whether a record is this one, whenever it was made.

    ``createdAt`` is left out: where a draft was lost with its database, the same delivery meets
    under its own key what it sent before, made at another moment.
    """
    if not isinstance(seen, dict):
        return False
    return canonical_json({**seen, "createdAt": ""}) == canonical_json({**record, "createdAt": ""})


def at_uri(did: str, rkey: str) -> str:
    """Write the address of a post."""
    return f"at://{did}/{COLLECTION}/{rkey}"


def place_of(address: str) -> tuple[str, str] | None:
    """Read repository and record key from an at:// URI, or from the page of a post."""
    found = _AT_URI.fullmatch(address) or _PAGE.fullmatch(address)
    return (found["repo"], found["rkey"]) if found else None


def page_of(actor: str, rkey: str) -> str:
    """Return the address that a reader opens."""
    return f"https://bsky.app/profile/{actor}/post/{rkey}"
