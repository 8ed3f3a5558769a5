"""What is asked of Bluesky: an account's repository on its own server, and numbers elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from atproto_client import Client

from bot.canonical import JsonObject
from bot.errors import PlatformError, RejectedError
from bot.platforms.base import Connection, PictureReader
from bot.platforms.bluesky import NAME
from bot.platforms.bluesky.record import COLLECTION, GATE_LISTS, at_uri, cid_of, place_of
from bot.platforms.bluesky.session import BoundedRequest, SignedIn, procedure, query
from bot.platforms.http.credentials import is_loopback, safe_origin
from bot.platforms.http.exchange import count_in
from bot.platforms.status import Metrics, Picture, PostRef

#: Answers that refuse a record or a picture for good.
REFUSED = frozenset({400, 413})
_PUBLIC = "https://public.api.bsky.app"
#: app.bsky.feed.getPosts takes no more.
_BATCH = 25


@dataclass(frozen=True, slots=True)
class Repo:
    """The repository behind a session."""

    session: SignedIn

    def record(self, repo: str, collection: str, rkey: str) -> Mapping[str, Any] | None:
        """Read ``uri``, ``cid`` and ``value`` from the account's own server, or None."""
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
                cid, value = seen.get("cid"), seen["value"]
                if not isinstance(value, dict) or not (cid is None or (cid and type(cid) is str)):
                    raise TypeError("no record")
                # The lexicon lets a server leave the hash out.
                return {**seen, "cid": cid or cid_of(value)}
        except PlatformError:
            exchange = self.session.exchange
            # Servers before 2024 say it in words only.
            in_words = exchange.message.startswith("Could not locate record")
            if exchange.error == "RecordNotFound" or in_words:
                return None
            raise

    def place(self, ref: PostRef) -> tuple[str, str]:
        """Return the repository and the record key of a post."""
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
            answer = procedure(client, "com.atproto.repo.uploadBlob", body, picture.mime)
            blob = answer["blob"]
            if blob["size"] != len(body) or not isinstance(blob["ref"]["$link"], str):
                raise TypeError("another picture")
            return dict(blob)

    def did_of(self, handle: str) -> str:
        client = self.session.client()
        with self.session.calls():
            answer = query(client, "com.atproto.identity.resolveHandle", handle=handle)
            if not str(answer["did"]).startswith("did:"):
                raise TypeError("no identifier")
            return str(answer["did"])

    def turn_away(self, ref: PostRef, address: str, gate: str) -> None:
        """Add another's post to the list beside an own one; RejectedError if full, or no post."""
        repo, rkey = self.place(ref)
        where, post = place_of(address), self.record(repo, COLLECTION, rkey)
        if where is None or post is None:
            raise RejectedError(NAME, f"{ref.id if where else address!r} is not a post that is out")
        whose = where[0] if where[0].startswith("did:") else self.did_of(where[0])
        uri, (key, most) = at_uri(whose, where[1]), GATE_LISTS[gate]
        seen = self.record(repo, gate, rkey)
        about = {"post": at_uri(repo, rkey), "createdAt": post["value"]["createdAt"]}
        record = dict(seen["value"]) if seen else {"$type": gate, **about}
        listed = list(record.get(key) or ())
        if uri in listed:
            return
        if len(listed) >= most:
            raise RejectedError(NAME, f"{most} are turned away there, which is as many as can be")
        body = {
            "repo": repo,
            "collection": gate,
            "rkey": rkey,
            "record": {**record, key: [*listed, uri]},
            "swapRecord": seen["cid"] if seen else None,
        }
        client = self.session.client()
        with self.session.calls():
            procedure(client, "com.atproto.repo.putRecord", body)


class AppView:
    """Reads without signing in from the public AppView, or the one that was configured.

    A server on loopback is asked itself: it hands on to its own AppView, if it has one.
    """

    def __init__(self, connection: Connection, session: SignedIn) -> None:
        self._session = session
        is_local = is_loopback(session.origin)
        origin = connection.numbers_origin or ("" if is_local else _PUBLIC)
        self._client: Client | None = None
        if origin:
            request = BoundedRequest(connection, session.exchange)
            self._client = Client(safe_origin(origin, connection.account.name), request)

    def numbers(self, uris: Sequence[str]) -> Mapping[str, Metrics]:
        """Read in batches; what the AppView does not know is missing."""
        found: dict[str, Metrics] = {}
        for start in range(0, len(uris), _BATCH):
            client = self._client or self._session.client()
            with self._session.calls():
                batch = list(uris[start : start + _BATCH])
                posts = query(client, "app.bsky.feed.getPosts", uris=batch).get("posts")
                if not isinstance(posts, list) or not all(isinstance(post, dict) for post in posts):
                    raise TypeError("no list of posts")
            found |= {str(post.get("uri")): _metrics(post) for post in posts}
        return {uri: found[uri] for uri in uris if uri in found}

    def followers(self, did: str) -> int | None:
        client = self._client or self._session.client()
        with self._session.calls():
            profile = query(client, "app.bsky.actor.getProfile", actor=did)
        return count_in(profile, "followersCount")

    def close(self) -> None:
        if self._client is not None:
            self._client.request.close()


def _metrics(post: Mapping[str, Any]) -> Metrics:
    return Metrics(
        likes=count_in(post, "likeCount"),
        reposts=count_in(post, "repostCount"),
        replies=count_in(post, "replyCount"),
        quotes=count_in(post, "quoteCount"),
        bookmarks=count_in(post, "bookmarkCount"),
    )
