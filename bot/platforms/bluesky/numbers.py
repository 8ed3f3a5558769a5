"""Numbers of posts, which an AppView counts and not the account's own server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from atproto_client import Client

from bot.platforms.base import Connection
from bot.platforms.bluesky.session import BoundedRequest, SignedIn, query
from bot.platforms.http.answers import count_in
from bot.platforms.http.credentials import is_loopback, safe_origin
from bot.platforms.status import Metrics

_PUBLIC = "https://public.api.bsky.app"
#: app.bsky.feed.getPosts takes no more.
_BATCH = 25


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
        """Count who follows an account."""
        client = self._client or self._session.client()
        with self._session.calls():
            profile = query(client, "app.bsky.actor.getProfile", actor=did)
        return count_in(profile, "followersCount")

    def close(self) -> None:
        """Let go of connections."""
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
