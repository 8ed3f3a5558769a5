"""Gets the tokens of an account for its app: X gives a person a PIN for them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import requests
import tweepy

from bot.platforms.base import AskCode, Connection
from bot.platforms.http.credentials import redact, require_secret, safe_origin
from bot.platforms.http.exchange import Exchange, classify
from bot.platforms.http.session import BoundedSession
from bot.platforms.x.client import ORIGIN, words_of
from bot.platforms.x.spec import NAME, SPEC


def authorize(connection: Connection, ask: AskCode) -> Mapping[str, str]:
    """Return the access token and its secret, which last until somebody revokes them; it is free.

    Raises:
        PlatformError: X refuses, or does not answer well.
        SettingsError: the app's key or secret is missing, or ``server`` is not safe.
    """
    name, exchange = connection.account.name, Exchange()
    origin = safe_origin(connection.account.server or ORIGIN, name)
    app = [require_secret(connection.secrets, key, name) for key in SPEC.secrets[:2]]
    with BoundedSession(connection, exchange, origin) as session:
        handler = _PinFlow(session, *app)
        with _calls(exchange, connection.secrets):
            page = handler.get_authorization_url()
        pin = ask(page)
        with _calls(exchange, connection.secrets):
            tokens = handler.get_access_token(pin)
    return dict(zip(SPEC.granted, tokens, strict=True))


class _PinFlow(tweepy.OAuth1UserHandler):  # type: ignore[misc] # tweepy ships no types
    """tweepy's PIN flow, which makes a session of its own for each step, over ours."""

    def __init__(self, bounded: BoundedSession, key: str, secret: str) -> None:
        self._bounded = bounded
        super().__init__(key, secret, callback="oob")

    @property
    def oauth(self) -> requests.Session:
        return self._oauth

    @oauth.setter
    def oauth(self, made: requests.Session) -> None:
        made.trust_env, made.adapters = False, self._bounded.adapters
        self._oauth = made


@contextmanager
def _calls(exchange: Exchange, secrets: Mapping[str, str]) -> Iterator[None]:
    exchange.reset()
    try:
        yield
    except Exception as error:
        exchange.message = redact(words_of(exchange.value()), secrets)
        raise classify(NAME, exchange, error, writing=False, refusals=frozenset({400})) from error
