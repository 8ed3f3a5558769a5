"""One account's way to X: signs, pays, asks, and says what came back."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import requests
import tweepy

from bot.core.model import Charge
from bot.platforms.base import Connection
from bot.platforms.wire import Trace, is_loopback, redact, safe_origin, secret_of
from bot.platforms.x.outcomes import Reply, Task, accepted, billed, seen
from bot.platforms.x.traits import TRAITS
from bot.platforms.x.transport import OriginAdapter

# At DEBUG these write tokens, signatures and whole bodies, whatever level the program logs at.
for _name in ("tweepy", "oauthlib", "requests_oauthlib"):
    logging.getLogger(_name).setLevel(logging.INFO)

#: The host that tweepy has built in, and signs for.
ORIGIN = "https://api.twitter.com"
#: X refuses what was signed too long ago or ahead (about five minutes), as it does bad tokens.
_APART = timedelta(minutes=1)


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
        self._secrets = {one: secret_of(connection.secrets, one, name) for one in TRAITS.secrets}
        origin = safe_origin(connection.account.server or ORIGIN, name)
        self._adapter = OriginAdapter(
            origin,
            Trace(),
            connect=connection.connect_timeout,
            read=connection.read_timeout,
        )
        self._tweepy = tweepy.Client(
            **{one.lower(): secret for one, secret in self._secrets.items()},
            return_type=requests.Response,
            wait_on_rate_limit=False,
        )
        self._set_up(self._tweepy.session, is_here=is_loopback(urlsplit(origin).hostname or ""))

    def _set_up(self, session: requests.Session, *, is_here: bool) -> None:
        # A redirect would turn a POST into a GET, and carry the signature elsewhere.
        session.max_redirects = 0
        session.headers["Accept-Encoding"] = "identity"
        session.trust_env = not is_here  # a test server is not reached through a proxy
        session.adapters.clear()
        session.mount("https://", self._adapter)

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
        reply = self._exchange(call)
        self._connection.meter.settle(
            booking, billed(reply, call.task, call.charge), seen(reply, call.task)
        )
        return accepted(reply, call.task)

    def _exchange(self, call: Call) -> Reply:
        trace, cause = self._adapter.trace, None
        trace.reset()
        params = dict(call.params) if call.params else None
        body = dict(call.json) if call.json is not None else None
        try:
            self._tweepy.request(call.method, call.route, params=params, json=body, user_auth=True)
        except Exception as error:  # noqa: BLE001 - tweepy's own errors break on odd bodies
            # (a list gives AttributeError, a bad reset ValueError); the trace has the facts.
            cause = error
        if trace.server_time is not None:
            self._connection.on_server_time(trace.server_time)
        value = _parsed(self._adapter.body) if trace.status is not None else None
        return Reply(
            status=trace.status,
            is_sent=trace.is_sent,
            value=value,
            said=redact(_said(value), self._secrets),
            wait=trace.wait,
            cause=cause if trace.status is None else None,
            is_misdated=self._is_misdated(),
        )

    def _is_misdated(self) -> bool:
        signed, told = self._adapter.signed_at, self._adapter.trace.server_time
        return bool(signed and told and abs(told - signed) > _APART)

    def close(self) -> None:
        self._tweepy.session.close()


def _parsed(body: bytes | None) -> object:
    """Read JSON; None where there is none."""
    try:
        return json.loads(body or b"")
    except (ValueError, RecursionError):
        return None


def _said(value: object) -> str:
    """Collect what an error answer says, for people and for telling refusals apart."""
    told: list[str] = []
    for one in (value, *_errors(value)):
        if isinstance(one, dict):
            told += [one[key] for key in _WORDS if isinstance(one.get(key), str)]
    line = " ".join(" ".join(dict.fromkeys(told)).split())
    return "".join(char if char.isprintable() else "?" for char in line)[:300]


_WORDS = ("title", "detail", "message", "reason", "type")


def _errors(value: object) -> list[object]:
    errors = value.get("errors") if isinstance(value, dict) else None
    return errors if isinstance(errors, list) else []
