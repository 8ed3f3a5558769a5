"""Being signed in to one Bluesky account, with an app password, over a bounded session."""

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

import requests
from atproto_client import Client
from atproto_client.client.session import Session, SessionEvent
from atproto_client.models.dot_dict import DotDict
from atproto_client.request import Request, RequestBase

from bot.errors import PlatformError, SettingsError, UnauthorizedError
from bot.platforms.base import Connection
from bot.platforms.bluesky import NAME
from bot.platforms.http.credentials import require_secret, safe_origin
from bot.platforms.http.exchange import Exchange, translated_errors
from bot.platforms.http.session import BoundedSession

#: Answers to a session that has run out or was taken away; the password may still be good.
_STALE = frozenset({400, 401, 403})
#: A session's token, which a server could send back.
_TOKEN = re.compile(rb"eyJ[\w-]+\.[\w-]+\.[\w-]*")
#: Where accounts without a `server` sign in, and the hosts that it may name.
ENTRYWAY = "https://bsky.social"
_OWN_HOST = re.compile(r"https://[a-z0-9-]+(\.[a-z0-9-]+)*\.host\.bsky\.network")
_GIVES_TOKENS = ("createSession", "refreshSession")


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
    """A client whose session is proved before each use, in memory only."""

    def __init__(self, connection: Connection) -> None:
        account = connection.account
        self.exchange = Exchange()
        #: Opens the context in which the library is called.
        self.calls = partial(translated_errors, NAME, self.exchange)
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
                with self.calls():
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
        self.close()
        client = Client(self.origin, BoundedRequest(self._connection, self.exchange))
        client.on_session_change(lambda event, session: self._keep_server(client, event, session))
        try:
            with self.calls():
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
        if not did.startswith("did:"):
            raise TypeError("no identifier")
        self.did, self.handle = did, handle

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

    def close(self) -> None:
        """Forget the session and let go of its connections."""
        if self._client is not None:
            self._client.request.close()
            self._client = None


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
