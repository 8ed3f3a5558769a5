"""A whole text as a `site.standard.document` of the account's own repository."""

from collections.abc import Mapping
from datetime import UTC, datetime, time
from urllib.parse import urlsplit

from bot.canonical import JsonObject
from bot.platforms.base import DocumentVersion, PublishedText
from bot.platforms.bluesky.record import tid, timestamp
from bot.platforms.status import PostRef, Status

DOCUMENTS = "site.standard.document"


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
    status: Status, documents: Mapping[DocumentVersion, PostRef], did: str
) -> JsonObject | None:
    """Refer to the version that a status quotes, where its link card leads to that text.

    Only to what is in the account's own repository, whatever the database says.
    """
    card = status.card
    for span in status.spans if card else ():
        address = card.url.partition("#")[0] if card else ""
        ref = documents.get((address, span.source_sha256))
        if ref and ref.id.startswith(f"at://{did}/{DOCUMENTS}/"):
            return {"uri": ref.id, "cid": ref.cid}
    return None


def _moment(document: PublishedText) -> datetime:
    return datetime.combine(document.day, time(), UTC)
