"""The records of posts and of whole texts, and their keys, as they are frozen and compared."""

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time
from typing import Any
from urllib.parse import urlsplit

import libipld

from bot.canonical import JsonObject, canonical_json
from bot.platforms.base import DocumentVersion, PublishedText
from bot.platforms.status import Facet, FacetKind, PostRef, Status

COLLECTION = "app.bsky.feed.post"
_AT_URI = re.compile(r"at://(?P<repo>[^/]+)/app\.bsky\.feed\.post/(?P<rkey>[A-Za-z0-9._~:-]+)")
_PAGE = re.compile(r"https://[^/]+/profile/(?P<repo>[^/]+)/post/(?P<rkey>[A-Za-z0-9._~:-]+)/?")
_ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"
#: CID version 1, DAG-CBOR, and a SHA-256 of 32 bytes: what all records have.
_CID = b"\x01\x71\x12\x20"
#: What a person calls the fields of a record; ``createdAt`` is nothing that was approved.
_FIELDS = {
    "text": "text", "facets": "links", "langs": "language", "embed": "pictures",
    "reply": "parent", "labels": "warning",
}  # fmt: skip
THREADGATE, POSTGATE = "app.bsky.feed.threadgate", "app.bsky.feed.postgate"
#: In the words of the lexicon; without a rule nobody may.
_RULES = {"followers": "followerRule", "followed": "followingRule", "mentioned": "mentionRule"}
_DAY = 86_400
_DAY_MICROS = _DAY * 1_000_000
#: By collection: the list of posts that a person took away from below or around one, and how many.
GATE_LISTS = {THREADGATE: ("hiddenReplies", 300), POSTGATE: ("detachedEmbeddingUris", 50)}
DOCUMENTS = "site.standard.document"


def post_record(
    status: Status,
    *,
    at: datetime,
    blobs: Mapping[str, JsonObject],
    dids: Mapping[str, str],
    reply: JsonObject | None,
    document: JsonObject | None = None,
) -> JsonObject:
    """Build the record, whose every byte is hashed; pictures come before a card."""
    record: dict[str, Any] = {
        "$type": COLLECTION,
        "text": status.text,
        "createdAt": timestamp(at),
        "langs": [status.lang],
    }
    if status.facets:
        record["facets"] = [_facet(facet, dids) for facet in status.facets]
    if embed := _embed(status, blobs, document):
        record["embed"] = embed
    if reply is not None:
        record["reply"] = reply
    if status.sensitive and status.pictures:
        record["labels"] = {
            "$type": "com.atproto.label.defs#selfLabels",
            "values": [{"val": "graphic-media"}],
        }
    return record


def gates(body: JsonObject) -> dict[str, JsonObject]:
    """Return by collection the records that limit who answers a draft; their key is the post's."""
    record, found = body["record"], dict[str, JsonObject]()
    about = {"post": at_uri(body["repo"], body["rkey"]), "createdAt": record["createdAt"]}
    if replies := body.get("replies"):
        rules = [{"$type": f"{THREADGATE}#{_RULES[replies]}"}] if replies in _RULES else []
        found[THREADGATE] = {"$type": THREADGATE, **about, "allow": rules}
    if body.get("quotes"):
        rules = [{"$type": f"{POSTGATE}#disableRule"}]
        found[POSTGATE] = {"$type": POSTGATE, **about, "embeddingRules": rules}
    return found


def timestamp(at: datetime) -> str:
    """Return a moment as the lexicon's ``datetime``, in UTC to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _facet(facet: Facet, dids: Mapping[str, str]) -> JsonObject:
    names = {FacetKind.LINK: "uri", FacetKind.TAG: "tag", FacetKind.MENTION: "did"}
    value = dids[facet.value] if facet.kind is FacetKind.MENTION else facet.value
    feature = {"$type": f"app.bsky.richtext.facet#{facet.kind}", names[facet.kind]: value}
    return {"index": {"byteStart": facet.start, "byteEnd": facet.end}, "features": [feature]}


def _embed(
    status: Status, blobs: Mapping[str, JsonObject], document: JsonObject | None
) -> JsonObject | None:
    if status.pictures:
        images = [
            {
                "alt": picture.alt,
                "image": blobs[picture.sha256],
                "aspectRatio": {"width": picture.width, "height": picture.height},
            }
            for picture in status.pictures
        ]
        return {"$type": "app.bsky.embed.images", "images": images}
    card = status.card
    if card is None:
        return None
    external = {"uri": card.url, "title": card.title, "description": card.description}
    thumb = {"thumb": blobs[card.thumb.sha256]} if card.thumb else {}
    refs = {"associatedRefs": [document]} if document else {}
    return {"$type": "app.bsky.embed.external", "external": {**external, **thumb, **refs}}


def tid(at: datetime, key: str) -> str:
    """Return the timestamp identifier of one delivery: 13 characters, always the same.

    Only the UTC day of ``at`` counts, so that a delivery prepared twice on one day (a restored
    backup, a crash before the draft was saved) meets its own record instead of making a second.
    The moment within the day, and the ten bits of the clock identifier, come from ``key``. It is
    a moment of the day before: servers may refuse identifiers from the future.
    """
    digest = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8])
    yesterday = int(at.timestamp()) // _DAY - 1
    micros = yesterday * _DAY_MICROS + (digest >> 10) % _DAY_MICROS
    number = micros << 10 | digest & 0x3FF
    # 64 bits, the first of them zero, five to a character (atproto.com/specs/tid).
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(60, -1, -5))


def is_same(seen: object, record: JsonObject) -> bool:
    """Return whether a record is this one, whenever it was made.

    ``createdAt`` is left out: where a draft was lost with its database, the same delivery meets
    under its own key what it sent before, made at another moment.
    """
    if not isinstance(seen, dict):
        return False
    return canonical_json({**seen, "createdAt": ""}) == canonical_json({**record, "createdAt": ""})


def is_cid(value: object) -> bool:
    """Return whether a server's word may be a content hash."""
    return isinstance(value, str) and 0 < len(value) <= 200


def cid_of(record: JsonObject) -> str:
    """Return the content hash that every server must give this record (atproto's data model)."""
    digest = hashlib.sha256(libipld.encode_dag_cbor(_linked(record))).digest()
    return libipld.encode_cid(_CID + digest)


def _linked(value: Any) -> Any:
    """Write links to blobs as libipld does: as the bytes of their hashes."""
    match value:
        case {"$link": str(cid)}:
            return libipld.decode_multibase(cid)[1]
        case dict():
            return {name: _linked(part) for name, part in value.items()}
        case list():
            return [_linked(part) for part in value]
    return value


def differences(seen: JsonObject, record: JsonObject) -> Mapping[str, str]:
    """Return in words where a record that was read differs from what was sent."""
    others = [name for name in {**record, **seen} if seen.get(name) != record.get(name)]
    fields = [_FIELDS.get(name, name) for name in others if name != "createdAt"]
    return {field: f"its {field} is not what was sent" for field in fields}


def at_uri(did: str, rkey: str) -> str:
    return f"at://{did}/{COLLECTION}/{rkey}"


def place_of(address: str) -> tuple[str, str] | None:
    """Read repository and record key from an at:// URI, or from the page of a post."""
    found = _AT_URI.fullmatch(address) or _PAGE.fullmatch(address)
    return (found["repo"], found["rkey"]) if found else None


def document_record(document: PublishedText, did: str) -> JsonObject:
    """Build the record; the same version of a text is the same bytes for ever."""
    parts = urlsplit(document.address)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    return {
        "$type": DOCUMENTS,
        "site": f"{parts.scheme}://{parts.netloc}",
        **({"path": path} if path.strip("/") else {}),
        "title": document.title,
        "description": document.description,
        "textContent": document.text,
        "publishedAt": timestamp(_moment(document)),
        "contributors": [
            {"did": did, "displayName": name, "role": "author"} for name in document.authors
        ],
    }


def document_key(document: PublishedText) -> str:
    """Return the record key of one version: another text has another, so that the old one stays."""
    return tid(_moment(document), f"{document.address}\n{document.sha256}")


def associated(
    status: Status, documents: Callable[[], Mapping[DocumentVersion, PostRef]], did: str
) -> JsonObject | None:
    """Refer to the version that a status quotes, where its link card leads to that text.

    Only to what is in the account's own repository, whatever the database says.
    """
    if not (status.card and status.spans):
        return None
    address, known = status.card.url.partition("#")[0], documents()
    for span in status.spans:
        ref = known.get((address, span.source_sha256))
        if ref and ref.id.startswith(f"at://{did}/{DOCUMENTS}/"):
            return {"uri": ref.id, "cid": ref.cid}
    return None


def _moment(document: PublishedText) -> datetime:
    return datetime.combine(document.day, time(), UTC)
