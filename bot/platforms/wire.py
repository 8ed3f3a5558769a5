"""What adapters share below their libraries: the facts of an exchange, and what they prove."""

from __future__ import annotations

import ipaddress
import json
import math
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from bot.errors import (
    PlatformError,
    RejectedError,
    SettingsError,
    UnauthorizedError,
    UnavailableError,
    UnconfirmedError,
)

#: Longest answer that is read, packed or not; forty Mastodon statuses take about 400 kB.
MAX_BODY = 4_000_000
_MAX_MESSAGE = 200
#: Seconds; who comes back too early is told again, who believes anything is lost for good.
_LONGEST_WAIT = 3600.0
#: Shorter ones occur in any text; no platform gives them.
_SHORTEST_SECRET = 8
_RESETS = ("x-ratelimit-reset", "ratelimit-reset", "x-rate-limit-reset")


class AnswerError(Exception):
    """An answer is too long, or is packed in a way that is not read."""


@dataclass(slots=True)
class Trace:
    """Facts about the last request, whatever a client library made of them."""

    #: A request was handed to the network.
    is_started: bool = False
    #: A connection stood, so bytes may have gone out.
    is_sent: bool = False
    path: str = ""
    status: int | None = None
    #: How long the server says to wait.
    wait: timedelta | None = None
    #: ``error`` and ``message`` of an error answer in JSON; empty where it is none.
    error: str = ""
    message: str = ""
    server_time: datetime | None = field(default=None, compare=False)

    def reset(self) -> None:
        """Forget the last request: none has been made."""
        self.is_started = self.is_sent = False
        self.path = self.error = self.message = ""
        self.status = self.wait = self.server_time = None

    def begin(self, path: str) -> None:
        """Note that a request is about to be made."""
        self.reset()
        self.is_started = True
        self.path = path

    def connected(self) -> None:
        """Note that a connection stands."""
        self.is_sent = True

    def answer(self, status: int, headers: Mapping[str, str]) -> None:
        """Note the head of an answer."""
        lower = {name.lower(): value for name, value in headers.items()}
        self.status = status
        self.server_time = _http_date(lower.get("date", ""))
        self.wait = told_wait(lower, self.server_time)

    def body(self, body: bytes) -> None:
        """Note what an error answer says."""
        if self.status is None or self.status < 400:
            return
        try:
            told = json.loads(body)
        except (ValueError, RecursionError):
            return
        if isinstance(told, dict):
            self.error = _one_line(told.get("error"))
            self.message = _one_line(told.get("message"))


def _one_line(value: object) -> str:
    """Make a server's text fit to be shown: printable, on one line, short."""
    if not isinstance(value, str):
        return ""
    clean = "".join(char if char.isprintable() else " " for char in value[: 4 * _MAX_MESSAGE])
    return " ".join(clean.split())[:_MAX_MESSAGE]


def _http_date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def told_wait(headers: Mapping[str, str], now: datetime | None) -> timedelta | None:
    """Read how long to wait from Retry-After, or from the moment a rate limit starts anew.

    Args:
        headers: Names in lower case.
        now: The server's own time, so that a wrong clock of ours does not matter.

    Returns:
        At most an hour, whatever it says; None where nothing usable is told.
    """
    named = [_seconds(headers.get("retry-after", ""), now)]
    named += [_until(headers.get(name, ""), now) for name in _RESETS]
    told = next((seconds for seconds in named if seconds is not None and seconds > 0), None)
    return None if told is None else timedelta(seconds=min(told, _LONGEST_WAIT))


def _seconds(value: str, now: datetime | None) -> float | None:
    number = _number(value)
    if number is not None:
        return number
    moment = _http_date(value)
    return (moment - now).total_seconds() if moment and now else None


def _until(value: str, now: datetime | None) -> float | None:
    """Read a moment: seconds since 1970 (Mastodon's mock, Bluesky) or ISO 8601 (Mastodon)."""
    if now is None:
        return None
    number = _number(value)
    if number is not None:
        return number - now.timestamp()
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds()


def _number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def unpack(body: bytes, encoding: str) -> bytes:
    """Undo an answer's compression up to `MAX_BODY`; none is asked for, but some servers insist.

    Raises:
        AnswerError: it would be longer, is damaged, or is packed otherwise.
    """
    if encoding.lower() in ("", "identity"):
        return body
    if encoding.lower() not in ("gzip", "x-gzip", "deflate"):
        raise AnswerError("packed in a way that was not asked for")
    unpacker = zlib.decompressobj(wbits=47)
    try:
        plain = unpacker.decompress(body, MAX_BODY + 1)
    except zlib.error as error:
        raise AnswerError("damaged compression") from error
    if len(plain) > MAX_BODY:
        raise AnswerError(f"longer than {MAX_BODY} bytes")
    if not unpacker.eof:
        raise AnswerError("compression that ends early")
    return plain


def take(chunks: Iterator[bytes]) -> bytes:
    """Read a body up to `MAX_BODY`.

    Raises:
        AnswerError: it is longer.
    """
    pieces: list[bytes] = []
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > MAX_BODY:
            raise AnswerError(f"longer than {MAX_BODY} bytes")
        pieces.append(chunk)
    return b"".join(pieces)


def redact(text: str, secrets: Mapping[str, str]) -> str:
    """Black out secrets that a server sends back, before any message could carry them."""
    for secret in secrets.values():
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "***")
    return text


def redact_bytes(body: bytes, secrets: Mapping[str, str]) -> bytes:
    """Do the same in bytes."""
    for secret in secrets.values():
        if len(secret) >= _SHORTEST_SECRET:
            body = body.replace(secret.encode(), b"***")
    return body


def secret_of(secrets: Mapping[str, str], name: str, account: str) -> str:
    """Get a secret that can stand in a header; a library would quote a bad one in its error.

    Raises:
        SettingsError: it is missing or cannot be one; the message does not hold it.
    """
    secret = secrets.get(name, "").strip()
    if not secret:
        raise SettingsError(f"account {account}: {name} is missing")
    if not secret.isascii() or not secret.isprintable():
        raise SettingsError(f"account {account}: {name} has characters that no token has")
    return secret


def safe_origin(server: str, account: str) -> str:
    """Check and trim an account's ``server``: https only, except on loopback.

    Raises:
        SettingsError: it is anything else than an origin that is safe to send a secret to.
    """
    parts = urlsplit(server)
    host = parts.hostname or ""
    is_bare = parts.path in ("", "/") and not (parts.query or parts.fragment or "@" in parts.netloc)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
    if not (host and is_bare and is_safe):
        raise SettingsError(
            f"account {account}: server {server!r} must be https://host (http on loopback only)"
        )
    return f"{parts.scheme}://{parts.netloc}"


def is_loopback(host: str) -> bool:
    """Tell whether a host of an address is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@contextmanager
def translated(
    platform: str,
    trace: Trace,
    *,
    writing: bool = False,
    refusals: frozenset[int] = frozenset(),
) -> Iterator[None]:
    """Turn whatever a client library raises into what the exchange's facts prove.

    Args:
        platform: Name for the messages.
        trace: Filled in by the library's transport.
        writing: The call publishes, so that what proves nothing is unconfirmed.
        refusals: Statuses that refuse this status or picture for good.
    """
    trace.reset()
    try:
        yield
    except PlatformError:
        raise
    except Exception as error:
        raise verdict(platform, trace, error, writing=writing, refusals=refusals) from error


def verdict(
    platform: str,
    trace: Trace,
    error: Exception,
    *,
    writing: bool,
    refusals: frozenset[int],
) -> PlatformError:
    """Say what a failed exchange proves; where it proves nothing, a write is unconfirmed.

    It goes by facts (did a connection stand, which status came) and not by the class of
    ``error``: libraries raise one class for a 422 and for a 200 that cannot be read, and
    a TLS error after the request looks like one before it.
    """
    told = describe(trace, error)
    if trace.status in (401, 403):
        return UnauthorizedError(platform, told)
    if trace.status == 429 or (trace.is_started and not trace.is_sent):
        return UnavailableError(platform, told, retry_after=trace.wait)
    if trace.status in refusals or ((writing or refusals) and not trace.is_started):
        return RejectedError(platform, told)
    if writing:
        return UnconfirmedError(platform, told)
    return UnavailableError(platform, told, retry_after=trace.wait)


def describe(trace: Trace, error: Exception) -> str:
    """Say for people what came back."""
    said = ": ".join(part for part in (trace.error, trace.message) if part)
    if trace.status is not None and trace.status >= 400:
        return f"answered {trace.status}" + (f": {said}" if said else "")
    kind = type(error.__cause__ or error.__context__ or error).__name__
    if trace.status is not None:
        return f"answered {trace.status} with what cannot be read ({kind})"
    if trace.is_sent:
        return f"no answer ({kind})"
    return f"no connection ({kind})" if trace.is_started else f"not called ({kind})"
