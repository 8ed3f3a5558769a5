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

    def user(self, method: str, url: str, header: str) -> str | None:
        """Return whose signature this is; None if it is nobody's, stale or used before.

        ``url`` is what was signed, with its query; a JSON body is not signed (RFC 5849, 3.4.1.3).
        """
        fields = _fields(header)
        token = _TOKEN.fullmatch(fields.get("oauth_token", ""))
        if not token or fields.get("oauth_consumer_key") != CONSUMER_KEY or not self._fresh(fields):
            return None
        wanted = _signature(method, url, fields, _token_secret(token[1]))
        if not hmac.compare_digest(wanted, fields.get("oauth_signature", "")):
            return None
        self._nonces.add(fields["oauth_nonce"])
        return token[1]

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
