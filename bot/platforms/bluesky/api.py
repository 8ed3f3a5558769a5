"""Being signed in to one Bluesky account over a bounded session, and what is asked of it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import requests
from atproto_client import Client
from atproto_client.client.session import Session, SessionEvent
from atproto_client.models.dot_dict import DotDict
from atproto_client.request import Request, RequestBase

from bot import visible
from bot.canonical import JsonObject
from bot.errors import PlatformError, RejectedError, SettingsError, UnauthorizedError
from bot.platforms.base import Connection, PictureReader
from bot.platforms.bluesky import NAME
from bot.platforms.bluesky.record import COLLECTION, GATE_LISTS, at_uri, cid_of, is_cid, place_of
from bot.platforms.http.credentials import is_loopback, require_secret, safe_origin
from bot.platforms.http.exchange import Exchange, count_in, translated_errors
from bot.platforms.http.session import BoundedSession
from bot.platforms.status import Metrics, Picture, PostRef

#: Answers to a session that has run out or was taken away; the password may still be good.
_STALE = frozenset({400, 401, 403})
#: A session's token, which a server could send back.
_TOKEN = re.compile(rb"(?<![\w-])eyJ[\w-]++\.[\w-]++\.[\w-]*+")
#: Where accounts without a `server` sign in, and the hosts that it may name.
ENTRYWAY = "https://bsky.social"
_OWN_HOST = re.compile(r"https://[a-z0-9-]+(\.[a-z0-9-]+)*\.host\.bsky\.network")
_GIVES_TOKENS = ("createSession", "refreshSession")
#: Answers that refuse a record or a picture for good.
REFUSED = frozenset({400, 413})
_PUBLIC = "https://public.api.bsky.app"
#: app.bsky.feed.getPosts takes no more.
_BATCH = 25


class BoundedRequest(Request):  # type: ignore[misc] # atproto ships no types
    """atproto's way to the network, over the session of all adapters instead of httpx."""

    def __init__(self, connection: Connection, exchange: Exchange) -> None:
        RequestBase.__init__(self)  # and not Request's, which makes a client of httpx
        self._client = _TokenSession(connection, exchange)

    def _send_request(self, method: str, url: str, **options: Any) -> requests.Response:
        # httpx tells JSON that is written from other bytes; requests calls both data.
        if "content" in options:
            content = options.pop("content")
            options["data"] = content.encode() if isinstance(content, str) else content
        answer: requests.Response = super()._send_request(method, url, **options)
        return answer


class _TokenSession(BoundedSession):
    """Blacks out tokens too, in all answers but those that hand them out."""

    def mask(self, body: bytes) -> bytes:
        body, exchange = super().mask(body), self.exchange
        if exchange.status == 200 and exchange.path.endswith(_GIVES_TOKENS):
            return body
        return _TOKEN.sub(b"***", body)


class SignedIn:
    """One account's repository, by a client whose session is proved before each use.

    The session is in memory only. Numbers are read without it from the public AppView, or the one
    that was configured. A server on loopback is asked itself: it hands on to its own AppView, if
    it has one.
    """

    def __init__(self, connection: Connection) -> None:
        account = connection.account
        self.exchange = Exchange()
        self.origin = safe_origin(account.server or ENTRYWAY, account.name)
        if not account.handle:
            raise SettingsError(f"account {account.name}: handle is missing")
        self._name = account.handle
        self._password = require_secret(connection.secrets, "APP_PASSWORD", account.name)
        self._connection = connection
        self._client: Client | None = None
        self.did = ""
        self.handle = account.handle
        #: What the session may do, as its token says; empty where it does not.
        self.scope = ""
        numbers = connection.numbers_origin or ("" if is_loopback(self.origin) else _PUBLIC)
        self._appview: Client | None = None
        if numbers:
            request = BoundedRequest(connection, self.exchange)
            self._appview = Client(safe_origin(numbers, account.name), request)

    @contextmanager
    def calls(self, client: Client | None = None, **options: Any) -> Iterator[Client]:
        """Open the context in which the library is called, by `client` where no other is given."""
        client = client or self.client()
        with translated_errors(NAME, self.exchange, **options):
            yield client

    def client(self) -> Client:
        """Return a client whose session the server has just accepted.

        The session is asked for, so that the refresh that atproto hides in any call happens here
        and not inside the call that publishes.

        Raises:
            UnauthorizedError: the app password is wrong or revoked, or the account is closed.
            UnavailableError: the server did not answer well.
        """
        if self._client is not None:
            try:
                with self.calls(self._client):
                    session = self._client.com.atproto.server.get_session()
                    if session.active is False:
                        status = session.status or "not active"
                        raise UnauthorizedError(NAME, f"account is {status}")
                    self._name_is(session.did, session.handle)
            except PlatformError:
                if self.exchange.status not in _STALE and self.exchange.is_started:
                    raise
            else:
                return self._client
        return self._sign_in()

    def _sign_in(self) -> Client:
        self._forget()
        client = Client(self.origin, BoundedRequest(self._connection, self.exchange))
        client.on_session_change(lambda event, session: self._keep_server(client, event, session))
        try:
            with self.calls(client):
                # Without the profile: a PDS without an AppView does not serve it.
                client.login(self._name, self._password, fetch_bsky_profile=False)
        except PlatformError as error:
            client.request.close()
            if self.exchange.status == 400 and self.exchange.is_in_words:
                raise UnauthorizedError(NAME, f"cannot sign in: {error}") from error
            raise
        self._client = client
        return client

    def _name_is(self, did: str, handle: str) -> None:
        if not did.startswith("did:") or visible.short(did) != did:
            raise TypeError("no identifier")
        self.did, self.handle = did, visible.short(handle)

    def _keep_server(self, client: Client, _event: SessionEvent, session: Session) -> None:
        """Choose the server again: atproto has just put the session's own one in its place."""
        self._name_is(session.did, session.handle)
        self.scope = session.access_jwt_payload.scope or ""
        client.update_base_url(self._server(session.pds_endpoint or ""))

    def _server(self, named: str) -> str:
        """Return where the session's calls go: its tokens are worth what the password is.

        What a DID document names is followed to Bluesky's own hosts only, from its own entryway.
        """
        is_own = _OWN_HOST.fullmatch(named) is not None
        return named if is_own and self.origin == ENTRYWAY else self.origin

    def record(
        self, repo: str, rkey: str, collection: str = COLLECTION
    ) -> Mapping[str, Any] | None:
        """Read ``uri``, ``cid`` and ``value`` from the account's own server, or None."""
        asked = {"repo": repo, "collection": collection, "rkey": rkey}
        client = self.client()  # whatever is not found while signing in is no record
        try:
            with self.calls(client):
                seen = query(client, "com.atproto.repo.getRecord", **asked)
                if seen["uri"] != f"at://{repo}/{collection}/{rkey}":
                    raise TypeError("another record")
                cid, value = seen.get("cid"), seen["value"]
                if not isinstance(value, dict) or not (cid is None or is_cid(cid)):
                    raise TypeError("no record")
                # The lexicon lets a server leave the hash out.
                return {**seen, "cid": cid or cid_of(value)}
        except PlatformError:
            exchange = self.exchange
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
            self.client()  # a page names the account by its handle
            repo = self.did
        return repo, rkey

    def strong(self, ref: PostRef) -> JsonObject:
        """Refer to a post by its content too, as a reply must."""
        repo, rkey = self.place(ref)
        if ref.cid:
            return {"uri": at_uri(repo, rkey), "cid": ref.cid}
        seen = self.record(repo, rkey)
        if seen is None:
            raise RejectedError(NAME, f"{ref.id} is gone, nothing can reply to it")
        return {"uri": seen["uri"], "cid": seen["cid"]}

    def upload(self, picture: Picture, read: PictureReader) -> JsonObject:
        """Upload a picture; the same bytes give the same blob, so repeating is harmless."""
        body = read(picture)
        with self.calls(refusals=REFUSED) as client:
            answer = procedure(client, "com.atproto.repo.uploadBlob", body, picture.mime)
            blob = answer["blob"]
            if blob["size"] != len(body) or not isinstance(blob["ref"]["$link"], str):
                raise TypeError("another picture")
            return dict(blob)

    def did_of(self, handle: str) -> str:
        with self.calls() as client:
            answer = query(client, "com.atproto.identity.resolveHandle", handle=handle)
            if not str(answer["did"]).startswith("did:"):
                raise TypeError("no identifier")
            return str(answer["did"])

    def turn_away(self, ref: PostRef, address: str, gate: str) -> None:
        """Add another's post to the list beside an own one; RejectedError if full, or no post."""
        repo, rkey = self.place(ref)
        where, post = place_of(address), self.record(repo, rkey)
        if where is None or post is None:
            raise RejectedError(NAME, f"{ref.id if where else address!r} is not a post that is out")
        whose = where[0] if where[0].startswith("did:") else self.did_of(where[0])
        uri, (key, most) = at_uri(whose, where[1]), GATE_LISTS[gate]
        seen = self.record(repo, rkey, gate)
        about = {"post": at_uri(repo, rkey), "createdAt": post["value"]["createdAt"]}
        record = dict(seen["value"]) if seen else {"$type": gate, **about}
        listed = list(record.get(key) or ())
        if uri in listed:
            return
        if len(listed) >= most:
            raise RejectedError(NAME, f"{most} are turned away there, which is as many as can be")
        body = {
            "repo": repo, "collection": gate, "rkey": rkey,
            "record": {**record, key: [*listed, uri]}, "swapRecord": seen["cid"] if seen else None,
        }  # fmt: skip
        with self.calls() as client:
            procedure(client, "com.atproto.repo.putRecord", body)

    def numbers(self, uris: Sequence[str]) -> Mapping[str, Metrics]:
        """Read in batches; what the AppView does not know is missing."""
        found: dict[str, Metrics] = {}
        for start in range(0, len(uris), _BATCH):
            with self.calls(self._appview) as client:
                batch = list(uris[start : start + _BATCH])
                posts = query(client, "app.bsky.feed.getPosts", uris=batch).get("posts")
                if not isinstance(posts, list) or not all(isinstance(post, dict) for post in posts):
                    raise TypeError("no list of posts")
            for post in posts:
                found[str(post.get("uri"))] = Metrics(
                    likes=count_in(post, "likeCount"),
                    reposts=count_in(post, "repostCount"),
                    replies=count_in(post, "replyCount"),
                    quotes=count_in(post, "quoteCount"),
                    bookmarks=count_in(post, "bookmarkCount"),
                )
        return {uri: found[uri] for uri in uris if uri in found}

    def followers(self, did: str) -> int | None:
        with self.calls(self._appview) as client:
            profile = query(client, "app.bsky.actor.getProfile", actor=did)
        return count_in(profile, "followersCount")

    def _forget(self) -> None:
        if self._client is not None:
            self._client.request.close()
            self._client = None

    def close(self) -> None:
        """Forget the session and let go of connections."""
        self._forget()
        if self._appview is not None:
            self._appview.request.close()


def query(client: Client, method: str, **params: object) -> Mapping[str, Any]:
    """Ask; the answer as it came, for models drop fields; TypeError where it is no JSON object."""
    answer = client.invoke_query(method, params=DotDict(params), output_encoding="application/json")
    return _object(answer.content)


def procedure(
    client: Client, method: str, body: Mapping[str, Any] | bytes, mime: str = "application/json"
) -> Mapping[str, Any]:
    """Do; a dictionary keeps its nulls, which models drop; TypeError for no JSON object."""
    data = body if isinstance(body, bytes) else DotDict(dict(body))
    answer = client.invoke_procedure(
        method, data=data, headers={"Content-Type": mime}, output_encoding="application/json"
    )
    return _object(answer.content)


def _object(content: object) -> Mapping[str, Any]:
    if not isinstance(content, dict):
        raise TypeError("no JSON object")
    return content
