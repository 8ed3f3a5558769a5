"""Numbers of posts, which an AppView counts and not the account's own server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from atproto_client import Client

from bot.platforms.base import Connection
from bot.platforms.bluesky.request import BoundedRequest
from bot.platforms.bluesky.session import SignedIn, query
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
            for post in self._posts(uris[start : start + _BATCH]):
                found[str(post.get("uri"))] = _metrics(post)
        return {uri: found[uri] for uri in uris if uri in found}

    def followers(self, did: str) -> int | None:
        """Count who follows an account."""
        told = self._query("app.bsky.actor.getProfile", actor=did)
        return _count(told, "followersCount")

    def close(self) -> None:
        """Let go of connections."""
        if self._client is not None:
            self._client.request.close()

    def _posts(self, uris: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        posts = self._query("app.bsky.feed.getPosts", _posts_in, uris=list(uris))["posts"]
        yield from posts

    def _query(
        self,
        method: str,
        check: Callable[[Mapping[str, Any]], None] = lambda _told: None,
        **params: object,
    ) -> Mapping[str, Any]:
        client = self._client or self._session.client()
        with self._session.calls():
            told = query(client, method, **params)
            check(told)
            return told


def _posts_in(told: Mapping[str, Any]) -> None:
    posts = told.get("posts")
    if not isinstance(posts, list) or not all(isinstance(post, dict) for post in posts):
        raise TypeError("no list of posts")


def _metrics(post: Mapping[str, Any]) -> Metrics:
    return Metrics(
        likes=_count(post, "likeCount"),
        reposts=_count(post, "repostCount"),
        replies=_count(post, "replyCount"),
        quotes=_count(post, "quoteCount"),
        bookmarks=_count(post, "bookmarkCount"),
    )


def _count(told: Mapping[str, Any], name: str) -> int | None:
    value = told.get(name)
    return value if type(value) is int and value >= 0 else None
