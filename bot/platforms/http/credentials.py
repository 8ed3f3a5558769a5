"""Which server a secret may be sent to, and how it stays out of every message."""

import ipaddress
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import urlsplit

from bot.errors import SettingsError

#: Shorter ones occur in any text; no platform gives them.
_SHORTEST_SECRET = 8


def redact(text: str, secrets: Mapping[str, str]) -> str:
    """Black out secrets that a server sends back, before any message could carry them."""
    return redact_bytes(text.encode(errors="surrogatepass"), secrets).decode(errors="surrogatepass")


def redact_bytes(body: bytes, secrets: Mapping[str, str]) -> bytes:
    """Black them out in bytes."""
    for secret in secrets.values():
        if len(secret) >= _SHORTEST_SECRET:
            body = body.replace(secret.encode(), b"***")
    return body


def require_secret(secrets: Mapping[str, str], name: str, account: str) -> str:
    """Get a secret that can stand in a header; SettingsError, without it, where none can."""
    secret = secrets.get(name, "").strip()
    if not secret:
        raise SettingsError(f"account {account}: {name} is missing")
    if not secret.isascii() or not secret.isprintable():
        raise SettingsError(f"account {account}: {name} has characters that no token has")
    return secret


def safe_origin(server: str, account: str) -> str:
    """Trim an account's ``server``; SettingsError unless it is https://host (http on loopback)."""
    parts = urlsplit(server)
    host = parts.hostname or ""
    is_bare = parts.path in ("", "/") and not (parts.query or parts.fragment or "@" in parts.netloc)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(server))
    if not (host and is_bare and is_safe):
        raise SettingsError(
            f"account {account}: server {server!r} must be https://host (http on loopback only)"
        )
    return f"{parts.scheme}://{parts.netloc}"


def is_loopback(address: str) -> bool:
    """Return whether an address leads to this machine."""
    host = urlsplit(address).hostname or ""
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"
