"""Checks OAuth 1.0a signatures as RFC 5849 says, without the library that makes them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, quote, unquote

CONSUMER_KEY = "standin-consumer-key"
CONSUMER_SECRET = "standin-consumer-secret-6f1d"
#: X's own: a token begins with the numeric id of its user.
_TOKEN = re.compile(r"(\d+)-standin")


def secrets_for(user: str) -> dict[str, str]:
    """Return the four secrets with which the stand-in knows this user."""
    return {
        "CONSUMER_KEY": CONSUMER_KEY,
        "CONSUMER_SECRET": CONSUMER_SECRET,
        "ACCESS_TOKEN": f"{user}-standin",
        "ACCESS_TOKEN_SECRET": _token_secret(user),
    }


def _token_secret(user: str) -> str:
    return hashlib.sha256(f"token secret of {user}".encode()).hexdigest()


class OAuth:
    """Knows which nonces were used, and who signed."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._nonces: set[str] = set()
        #: By request token: who allowed it, and the PIN that they were shown.
        self._allowed: dict[str, tuple[str, str]] = {}

    def user(self, method: str, url: str, header: str) -> str | None:
        """Return whose signature this is; None if it is nobody's, stale or used before.

        ``url`` is what was signed, with its query; a JSON body is not signed (RFC 5849, 3.4.1.3).
        """
        fields = _fields(header)
        token = _TOKEN.fullmatch(fields.get("oauth_token", ""))
        if not token or fields.get("oauth_consumer_key") != CONSUMER_KEY or not self._fresh(fields):
            return None
        return token[1] if self._signed(method, url, fields, _token_secret(token[1])) else None

    def _signed(self, method: str, url: str, fields: Mapping[str, str], secret: str) -> bool:
        wanted = _signature(method, url, fields, secret)
        is_good = hmac.compare_digest(wanted, fields.get("oauth_signature", ""))
        if is_good:
            self._nonces.add(fields["oauth_nonce"])
        return is_good

    def sign_in(self, method: str, url: str, header: str) -> Mapping[str, str]:
        """Serve the steps of X's PIN flow that the app takes; empty where they are refused."""
        fields, step = _fields(header), url.rpartition("/")[2]
        token, pin = fields.get("oauth_token", ""), fields.get("oauth_verifier", "")
        secret = _token_secret(token) if token else ""
        is_app = fields.get("oauth_consumer_key") == CONSUMER_KEY and self._fresh(fields)
        if method != "POST" or not is_app or not self._signed(method, url, fields, secret):
            return {}
        if step == "request_token" and fields.get("oauth_callback") == "oob":
            token = f"asked-{len(self._nonces)}"
            return {"oauth_token": token, "oauth_token_secret": _token_secret(token),
                    "oauth_callback_confirmed": "true"}  # fmt: skip
        user, shown = self._allowed.pop(token, ("", ""))
        if step != "access_token" or not shown or shown != pin:
            return {}
        given = secrets_for(user)
        return {"oauth_token": given["ACCESS_TOKEN"], "user_id": user, "screen_name": "coalition",
                "oauth_token_secret": given["ACCESS_TOKEN_SECRET"]}  # fmt: skip

    def allow(self, address: str, user: str) -> str:
        """Open the page at this address as a user, and allow the app; return the PIN it shows."""
        page, _, query = address.partition("?")
        assert page == "https://api.twitter.com/oauth/authorize"
        self._allowed[dict(parse_qsl(query))["oauth_token"]] = user, "0417290"
        return "0417290"

    def _fresh(self, fields: Mapping[str, str]) -> bool:
        stamp = fields.get("oauth_timestamp", "")
        nonce = fields.get("oauth_nonce", "")
        on_time = stamp.isdigit() and abs(self._now() - int(stamp)) < 300
        return on_time and bool(nonce) and nonce not in self._nonces


def _fields(header: str) -> dict[str, str]:
    scheme, _, rest = header.partition(" ")
    if scheme.lower() != "oauth":
        return {}
    pairs = re.findall(r'(\w+)="([^"]*)"', rest)
    return {name: unquote(value) for name, value in pairs}


def _signature(method: str, url: str, fields: Mapping[str, str], token_secret: str) -> str:
    address, _, query = url.partition("?")
    signed = [(name, value) for name, value in fields.items() if name != "oauth_signature"]
    pairs = sorted(
        (_escape(name), _escape(value))
        for name, value in [*parse_qsl(query, keep_blank_values=True), *signed]
    )
    joined = "&".join(f"{name}={value}" for name, value in pairs)
    base = "&".join((method.upper(), _escape(address), _escape(joined)))
    key = f"{_escape(CONSUMER_SECRET)}&{_escape(token_secret)}"
    return base64.b64encode(hmac.digest(key.encode(), base.encode(), "sha1")).decode()


def _escape(text: str) -> str:
    return quote(text, safe="-._~")
