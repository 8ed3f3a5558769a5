"""One account's way to X: signs, pays, asks, and judges what came back.

An answer proves that a call was accepted, that it surely was not, or nothing.
"""

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

import requests
import tweepy

from bot.errors import (
    DuplicateError,
    OverBudgetError,
    PlatformError,
    RejectedError,
    UnauthorizedError,
    UnavailableError,
    UnconfirmedError,
)
from bot.platforms.base import AskCode, Connection
from bot.platforms.http.credentials import redact, require_secret, safe_origin
from bot.platforms.http.exchange import Exchange, classify, describe, object_in, objects_in
from bot.platforms.http.session import BoundedSession
from bot.platforms.spec import Charge
from bot.platforms.x import NAME, SPEC

#: The host that tweepy has built in, and signs for.
ORIGIN = "https://api.twitter.com"
#: X refuses what was signed too long ago or ahead (about five minutes), as it does bad tokens.
_APART = timedelta(minutes=1)
_ID = re.compile(r"[0-9]{1,19}")
_STAMP = re.compile(r'oauth_timestamp="(\d{1,11})"')
#: A rate limit's window, and the wait where a limit names no moment.
_WINDOW = timedelta(minutes=15)
_LONGEST = timedelta(hours=1)
_GOOD = frozenset({200, 201})
#: X will not take it, whoever asks and whenever.
_REFUSED = frozenset({400, 413, 422})
#: Words of a 403 that is about the account or the app, and not about this status.
_ACCOUNT = (
    "suspended", "locked", "deactivated", "automated", "permission", "not-enrolled",
    "attached to a project", "client-forbidden", "unsupported-authentication",
    "unsupported authentication", "client is not permitted",
)  # fmt: skip


# At DEBUG these write tokens, signatures and whole bodies, whatever level the program logs at.
for _name in ("tweepy", "oauthlib", "requests_oauthlib"):
    logging.getLogger(_name).setLevel(logging.INFO)


class Task(Enum):
    """What a call is for; it decides what no clear answer means."""

    READ = "read"
    #: Uploads and deletions: repeating them does no harm.
    CHANGE = "change"
    PUBLISH = "publish"


class Client:
    """Makes one call at a time, each paid for before it is made; never twice, never waiting."""

    def __init__(self, connection: Connection) -> None:
        name = connection.account.name
        self._meter = connection.meter
        self._secrets = {key: require_secret(connection.secrets, key, name) for key in SPEC.secrets}
        self.exchange = Exchange()
        origin = safe_origin(connection.account.server or ORIGIN, name)
        self.session = SignedSession(connection, self.exchange, origin)
        user = self._secrets["ACCESS_TOKEN"].partition("-")[0]
        #: Numeric id of the account, which begins its access token; empty if it does not.
        self.user = user if is_id(user) else ""
        self._tweepy = tweepy.Client(
            **{key.lower(): secret for key, secret in self._secrets.items()},
            return_type=requests.Response,
            wait_on_rate_limit=False,
        )
        self._tweepy.session = self.session
        #: What X calls a status in its queries.
        self._word = "post"

    def statuses(
        self, route: str, params: Mapping[str, str], charge: Charge, fields: str
    ) -> Mapping[str, Any]:
        """Read statuses with these fields; where none has the first one, ask in X's other words.

        X's pages name the parameter in two ways, and X drops silently what it does not know.
        """
        for _ in range(2):
            named = {f"{self._word}.fields": fields.replace("note_post", f"note_{self._word}")}
            answer = self.ask(Task.READ, "GET", route, charge, params={**params, **named})
            shown, first = objects_in(answer, "data"), fields.partition(",")[0]
            if not shown or any(first in status for status in shown):
                break
            self._word = "tweet" if self._word == "post" else "post"
        return answer

    def ask(
        self,
        task: Task,
        method: str,
        route: str,
        charge: Charge,
        *,
        params: Mapping[str, str] | None = None,
        json: Mapping[str, Any] | None = None,
    ) -> Mapping[str, Any]:
        """Make a call that costs ``charge`` at most; return its JSON object, or as `accepted`."""
        exchange = self.exchange
        booking = self._meter.reserve(charge)
        exchange.reset()
        cause = None
        try:
            self._tweepy.request(
                method, route, params=params and dict(params), json=json, user_auth=True
            )
        except Exception as error:  # noqa: BLE001 - tweepy's own errors break on odd bodies
            # (a list gives AttributeError, a bad reset ValueError); the exchange has the facts.
            cause = error
        exchange.error = ""
        exchange.message = redact(words_of(exchange.value()), self._secrets)
        self._meter.settle(booking, billed(exchange, task, charge), _resources(exchange, task))
        signed, server_time = self.session.signed_at, exchange.server_time
        is_misdated = bool(signed and server_time and abs(server_time - signed) > _APART)
        return accepted(exchange, task, cause, is_misdated=is_misdated)


class SignedSession(BoundedSession):
    """Remembers the time that its last request was signed with, and what X says of the token."""

    signed_at: datetime | None = None
    #: ``read``, ``read-write`` or ``read-write-directmessages``; empty where it does not say.
    access = ""

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        stamp = _STAMP.search(str(request.headers.get("Authorization", "")))
        self.signed_at = datetime.fromtimestamp(int(stamp[1]), UTC) if stamp else None
        answer = super().send(request, **options)
        self.access = answer.headers.get("x-access-level", "")
        return answer


def words_of(value: object) -> str:
    """Collect what an error answer says, for people and for telling refusals apart."""
    keys = ("title", "detail", "message", "reason", "type")
    parts = (object_in(value), *objects_in(value, "errors"))
    words = [part[key] for part in parts for key in keys if isinstance(part.get(key), str)]
    line = " ".join(" ".join(dict.fromkeys(words)).split())
    return "".join(char if char.isprintable() else "?" for char in line)[:300]


def accepted(
    exchange: Exchange, task: Task, cause: Exception | None = None, *, is_misdated: bool = False
) -> Mapping[str, Any]:
    """Return the JSON object of a good answer.

    Args:
        is_misdated: The request was signed with another time than the server's.

    Raises:
        UnavailableError: surely nothing was published (or read).
        RejectedError: X will never take this.
        UnauthorizedError: the account or its app is refused.
        OverBudgetError: X says that its credits are used up.
        UnconfirmedError: everything else, when publishing.
    """
    value = exchange.value()
    if exchange.status in _GOOD and isinstance(value, dict):
        return value
    error = cause or TypeError("no JSON object")
    if is_misdated and exchange.status == 401:
        # No fault of the account, which would wait for a person after the clock is right again.
        message = f"signed by a clock that is wrong: {describe(exchange, error)}"
        raise UnavailableError(NAME, message) from error
    raise _by_words(exchange, task, error) or classify(
        NAME,
        exchange,
        error,
        writing=task is Task.PUBLISH,
        refusals=frozenset() if task is Task.READ else _REFUSED,
    ) from error


def _by_words(exchange: Exchange, task: Task, error: Exception) -> PlatformError | None:
    """Return what only X means by a status; None where it means what it means everywhere."""
    message = describe(exchange, error)
    match exchange.status:
        case 402:
            return OverBudgetError(NAME, f"the credits at X are used up: {message}")
        case 403:
            return _forbidden(exchange.message.lower(), task, message)
        case 404:
            return UnavailableError(NAME, message)
        case 429:
            # Without a usable moment, a whole window: no request earlier than allowed.
            return UnavailableError(NAME, message, retry_after=exchange.wait or _WINDOW)
    return None


def _forbidden(words: str, task: Task, message: str) -> PlatformError:
    if not words:  # some box before X, perhaps; X always says why
        kind = UnconfirmedError if task is Task.PUBLISH else UnavailableError
        return kind(NAME, message)
    if "duplicate" in words and task is Task.PUBLISH:
        return DuplicateError(NAME, message)
    if "limit" in words:
        return UnavailableError(NAME, message, retry_after=_LONGEST)
    if task is Task.READ or any(word in words for word in _ACCOUNT):
        return UnauthorizedError(NAME, message)
    return RejectedError(NAME, message)


def billed(exchange: Exchange, task: Task, charge: Charge) -> int:
    """Count the units that X may bill: at most what was booked, 0 where the call surely failed.

    Only successful requests are billed (docs.x.com, "Post cap"); one without a clear answer may
    have been one.
    """
    if not exchange.is_sent:
        return 0
    if exchange.status in _GOOD:
        value = exchange.value()
        if task is Task.READ and isinstance(value, dict):
            found = value.get("data")
            if found is None or isinstance(found, list):
                return len(found or ())
        return charge.units
    is_unclear = exchange.status is None or (task is Task.PUBLISH and exchange.status >= 500)
    return charge.units if is_unclear else 0


def _resources(exchange: Exchange, task: Task) -> tuple[str, ...]:
    """Name what a good answer to a read shows; X bills each once a UTC day ("Pricing")."""
    if task is not Task.READ or exchange.status not in _GOOD:
        return ()
    value = exchange.value()
    shown = objects_in(value, "data") or [object_in(value, "data")]
    return tuple(str(status["id"]) for status in shown if is_id(status.get("id")))


def is_id(value: object) -> bool:
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def authorize(connection: Connection, ask: AskCode) -> Mapping[str, str]:
    """Return the access token and its secret, which last until somebody revokes them."""
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
