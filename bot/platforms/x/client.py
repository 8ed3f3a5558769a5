"""One account's way to X: signs, pays, asks, and says what came back."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
import tweepy

from bot.platforms.base import Connection
from bot.platforms.http.credentials import redact, require_secret, safe_origin
from bot.platforms.http.exchange import Exchange
from bot.platforms.http.session import BoundedSession
from bot.platforms.spec import Charge
from bot.platforms.x.outcomes import Task, accepted, billed, seen
from bot.platforms.x.spec import SPEC

# At DEBUG these write tokens, signatures and whole bodies, whatever level the program logs at.
for _name in ("tweepy", "oauthlib", "requests_oauthlib"):
    logging.getLogger(_name).setLevel(logging.INFO)

#: The host that tweepy has built in, and signs for.
ORIGIN = "https://api.twitter.com"
#: X refuses what was signed too long ago or ahead (about five minutes), as it does bad tokens.
_APART = timedelta(minutes=1)
_STAMP = re.compile(r'oauth_timestamp="(\d{1,11})"')


@dataclass(frozen=True, slots=True)
class Call:
    """One request, what it is for and what it costs at most."""

    task: Task
    method: str
    route: str
    charge: Charge
    params: Mapping[str, str] | None = None
    json: Mapping[str, Any] | None = None


class Client:
    """Makes one call at a time, each paid for before it is made; never twice, never waiting."""

    def __init__(self, connection: Connection) -> None:
        name = connection.account.name
        self._connection = connection
        self._secrets = {one: require_secret(connection.secrets, one, name) for one in SPEC.secrets}
        self._exchange = Exchange()
        origin = safe_origin(connection.account.server or ORIGIN, name)
        self._session = _SignedSession(connection, self._exchange, origin)
        self._tweepy = tweepy.Client(
            **{one.lower(): secret for one, secret in self._secrets.items()},
            return_type=requests.Response,
            wait_on_rate_limit=False,
        )
        self._tweepy.session = self._session

    @property
    def token_user(self) -> str | None:
        """Numeric id of the account, which begins its access token; None if it does not."""
        user, _, _ = self._secrets["ACCESS_TOKEN"].partition("-")
        return user if user.isdigit() and len(user) < 20 else None

    def ask(self, call: Call) -> Mapping[str, Any]:
        """Make a call and give the JSON object of a good answer.

        Raises:
            PlatformError: as `outcomes.accepted` judges.
        """
        booking = self._connection.meter.reserve(call.charge)
        cause = self._send(call)
        self._connection.meter.settle(
            booking,
            billed(self._exchange, call.task, call.charge),
            seen(self._exchange, call.task),
        )
        return accepted(self._exchange, call.task, cause, is_misdated=self._is_misdated())

    def _send(self, call: Call) -> Exception | None:
        """Make a request; what came of it is in the exchange, whatever the library raised."""
        self._exchange.reset()
        params = dict(call.params) if call.params else None
        body = dict(call.json) if call.json is not None else None
        cause = None
        try:
            self._tweepy.request(call.method, call.route, params=params, json=body, user_auth=True)
        except Exception as error:  # noqa: BLE001 - tweepy's own errors break on odd bodies
            # (a list gives AttributeError, a bad reset ValueError); the exchange has the facts.
            cause = error
        self._exchange.error = ""
        self._exchange.message = redact(_words(self._exchange.value()), self._secrets)
        return cause

    def _is_misdated(self) -> bool:
        signed, told = self._session.signed_at, self._exchange.server_time
        return bool(signed and told and abs(told - signed) > _APART)

    def close(self) -> None:
        self._session.close()


class _SignedSession(BoundedSession):
    """Remembers the time that its last request was signed with."""

    signed_at: datetime | None = None

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        stamp = _STAMP.search(str(request.headers.get("Authorization", "")))
        self.signed_at = datetime.fromtimestamp(int(stamp[1]), UTC) if stamp else None
        return super().send(request, **options)


def _words(value: object) -> str:
    """Collect what an error answer says, for people and for telling refusals apart."""
    told: list[str] = []
    for one in (value, *_errors(value)):
        if isinstance(one, dict):
            told += [one[key] for key in _KEYS if isinstance(one.get(key), str)]
    line = " ".join(" ".join(dict.fromkeys(told)).split())
    return "".join(char if char.isprintable() else "?" for char in line)[:300]


_KEYS = ("title", "detail", "message", "reason", "type")


def _errors(value: object) -> list[object]:
    errors = value.get("errors") if isinstance(value, dict) else None
    return errors if isinstance(errors, list) else []
