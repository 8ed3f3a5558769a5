"""Reading, and getting ready, what stands in one account's repository."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.canonical import JsonObject
from bot.errors import PlatformError, RejectedError
from bot.platforms.base import PictureReader
from bot.platforms.bluesky.record import COLLECTION, at_uri, place_of
from bot.platforms.bluesky.session import SignedIn, procedure, query
from bot.platforms.bluesky.spec import NAME
from bot.platforms.status import Picture, PostRef

#: Answers that refuse a record or a picture for good.
REFUSED = frozenset({400, 413})


@dataclass(frozen=True, slots=True)
class Repo:
    """The repository behind a session."""

    session: SignedIn

    def record(self, repo: str, collection: str, rkey: str) -> Mapping[str, Any] | None:
        """Read a record from the account's own server, which has read its own writes.

        Returns:
            ``uri``, ``cid`` and ``value``; None where there is no such record.
        """
        client = self.session.client()
        try:
            with self.session.calls():
                seen = query(
                    client,
                    "com.atproto.repo.getRecord",
                    repo=repo,
                    collection=collection,
                    rkey=rkey,
                )
                if seen["uri"] != f"at://{repo}/{collection}/{rkey}":
                    raise TypeError("another record")
                cid = seen["cid"]
                if not isinstance(cid, str) or not cid or not isinstance(seen["value"], dict):
                    raise TypeError("no record")
                return seen
        except PlatformError:
            if _is_missing(self.session.exchange.error, self.session.exchange.message):
                return None
            raise

    def place(self, ref: PostRef) -> tuple[str, str]:
        """Tell repository and record key of a post."""
        place = place_of(ref.id)
        if place is None:
            raise RejectedError(NAME, f"{ref.id!r} is not the address of a post")
        repo, rkey = place
        if not repo.startswith("did:"):
            self.session.client()  # a page names the account by its handle
            repo = self.session.did
        return repo, rkey

    def strong(self, ref: PostRef) -> JsonObject:
        """Refer to a post by its content too, as a reply must."""
        repo, rkey = self.place(ref)
        if ref.cid:
            return {"uri": at_uri(repo, rkey), "cid": ref.cid}
        seen = self.record(repo, COLLECTION, rkey)
        if seen is None:
            raise RejectedError(NAME, f"{ref.id} is gone, nothing can reply to it")
        return {"uri": str(seen["uri"]), "cid": str(seen["cid"])}

    def upload(self, picture: Picture, read: PictureReader) -> JsonObject:
        """Upload a picture; the same bytes give the same blob, so repeating is harmless."""
        body = read(picture)
        client = self.session.client()
        with self.session.calls(refusals=REFUSED):
            told = procedure(client, "com.atproto.repo.uploadBlob", body, picture.mime)
            blob = told["blob"]
            if blob["size"] != len(body) or not isinstance(blob["ref"]["$link"], str):
                raise TypeError("another picture")
            return dict(blob)

    def did_of(self, handle: str) -> str:
        """Find whom a mention means."""
        client = self.session.client()
        with self.session.calls():
            told = query(client, "com.atproto.identity.resolveHandle", handle=handle)
            if not str(told["did"]).startswith("did:"):
                raise TypeError("no identifier")
            return str(told["did"])


def _is_missing(error: str, message: str) -> bool:
    # Servers before 2024 say it in words only.
    return error == "RecordNotFound" or message.startswith("Could not locate record")
