"""The facts of one HTTP exchange, and what they prove about the call."""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from bot import visible
from bot.errors import (
    PlatformError,
    RejectedError,
    UnauthorizedError,
    UnavailableError,
    UnconfirmedError,
)

_MAX_MESSAGE = 200
#: More than there are people and machines; a database holds its sums.
_MOST_COUNTED = 10**12
#: Where servers say what is wrong, besides ``error``.
_WORDS = ("message", "error_description", "detail", "title")
#: Seconds; who comes back too early is told again, who believes anything is lost for good.
_LONGEST_WAIT = 3600.0
_RESETS = ("x-ratelimit-reset", "ratelimit-reset", "x-rate-limit-reset")
_REMAINING = tuple(name.replace("reset", "remaining") for name in _RESETS)


@dataclass(slots=True)
class Exchange:
    """Facts about the last request, whatever a client library made of them."""

    #: A request was handed to the network.
    is_started: bool = False
    #: A connection stood, so bytes may have gone out.
    is_sent: bool = False
    #: Method and path, such as ``POST /api/v1/statuses``.
    path: str = ""
    status: int | None = None
    #: How long the server says to wait.
    wait: timedelta | None = None
    #: What an error answer in JSON says; both empty where it is none, and so not the API's own.
    error: str = ""
    message: str = ""
    #: The answer's body; None where it was cut, too long or wrongly packed.
    body: bytes | None = field(default=None, repr=False)
    server_time: datetime | None = field(default=None, compare=False)

    def reset(self) -> None:
        """Forget the last request: none has been made."""
        self.is_started = self.is_sent = False
        self.path = self.error = self.message = ""
        self.status = self.wait = self.body = self.server_time = None

    def begin(self, path: str) -> None:
        self.reset()
        self.is_started, self.path = True, path

    def answered(self, status: int, headers: Mapping[str, str]) -> None:
        lower = {name.lower(): value for name, value in headers.items()}
        self.status = status
        self.server_time = _moment(parsedate_to_datetime, lower.get("date", ""))
        is_limited = status == 429 or any(lower.get(name) == "0" for name in _REMAINING)
        self.wait = retry_after(lower, self.server_time, is_limited=is_limited)

    def read(self, body: bytes) -> None:
        """Note the body of an answer, and what an error answer says."""
        self.body = body
        if self.status is None or self.status < 400:
            return
        value = self.value()
        if isinstance(value, dict):
            error = value.get("error")
            inner = error if isinstance(error, dict) else {}
            told = (value.get(name) or inner.get(name) for name in _WORDS)
            self.error = one_line(error or inner.get("code"))
            self.message = next(filter(None, map(one_line, told)), "")

    def value(self) -> object:
        """Return the answer's JSON; None where there is none that can be read."""
        with suppress(ValueError, RecursionError):
            return json.loads(self.body or b"")
        return None

    @property
    def is_in_words(self) -> bool:
        """Whether an error is the API's own: boxes in front of it answer pages without words."""
        return bool(self.error or self.message)


def one_line(value: object) -> str:
    """Make a server's text fit to be shown: printable, on one line, short."""
    if not isinstance(value, str):
        return ""
    return visible.line(" ".join(value[: 4 * _MAX_MESSAGE].split()))[:_MAX_MESSAGE]


def _moment(parse: Callable[[str], datetime], value: str) -> datetime | None:
    with suppress(ValueError, OverflowError):
        moment = parse(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None


def retry_after(
    headers: Mapping[str, str], now: datetime | None, *, is_limited: bool
) -> timedelta | None:
    """Read how long to wait from Retry-After, or from the moment a rate limit starts anew.

    Args:
        headers: Names in lower case.
        now: The server's own time, so that a wrong clock of ours does not matter.
        is_limited: The limit is reached; else when it starts anew is no reason to wait.

    Returns:
        At most an hour, whatever it says; None where no header says it usably.
    """
    for name in ("retry-after", *(_RESETS if is_limited else ())):
        value = headers.get(name, "")
        seconds = _number(value)
        if seconds is None and now:
            is_http = name == "retry-after"
            moment = _moment(parsedate_to_datetime, value) if is_http else iso_date(value)
            seconds = (moment - now).total_seconds() if moment else None
        elif seconds is not None and name in _RESETS:  # since 1970
            seconds = seconds - now.timestamp() if now else None
        if seconds is not None and seconds > 0:
            return timedelta(seconds=min(seconds, _LONGEST_WAIT))
    return None


def iso_date(value: str) -> datetime | None:
    """Read a moment as ISO 8601 writes it; None where it is none."""
    return _moment(datetime.fromisoformat, value)


def _number(value: str) -> float | None:
    with suppress(ValueError):
        number = float(value)
        return number if math.isfinite(number) else None
    return None


@contextmanager
def translated_errors(
    platform: str,
    exchange: Exchange,
    *,
    writing: bool = False,
    refusals: frozenset[int] = frozenset(),
) -> Iterator[None]:
    """Turn whatever a client library raises into what the exchange's facts prove.

    Args:
        writing: The call publishes, so that what proves nothing is unconfirmed.
        refusals: Statuses that refuse this status or picture for good.
    """
    exchange.reset()
    try:
        yield
    except PlatformError:
        raise
    except Exception as error:
        raise classify(platform, exchange, error, writing=writing, refusals=refusals) from error


def classify(
    platform: str, exchange: Exchange, error: Exception, *, writing: bool, refusals: frozenset[int]
) -> PlatformError:
    """Say what a failed exchange proves; where it proves nothing, a write is unconfirmed.

    It goes by facts (did a connection stand, which status came) and not by the class of
    ``error``: libraries raise one class for a 422 and for a 200 that cannot be read, and
    a TLS error after the request looks like one before it.
    """
    message = describe(exchange, error)
    if exchange.status in (401, 403) and exchange.is_in_words:
        return UnauthorizedError(platform, message)
    if exchange.status == 429 or (exchange.is_started and not exchange.is_sent):
        return UnavailableError(platform, message, retry_after=exchange.wait)
    is_refused = exchange.status in refusals and exchange.is_in_words
    if is_refused or ((writing or refusals) and not exchange.is_started):
        return RejectedError(platform, message)
    if writing:
        return UnconfirmedError(platform, message)
    return UnavailableError(platform, message, retry_after=exchange.wait)


def confirmed(exchange: Exchange, error: PlatformError, ask: Callable[[], object]) -> PlatformError:
    """Return what a refusal means once the server was asked whose credentials these are.

    Some refuse a revoked token as they refuse a text, and a text as they refuse a token.
    """
    if exchange.status is None or not isinstance(error, RejectedError | UnauthorizedError):
        return error
    refusal, told = replace(exchange), str(error).removeprefix(f"{error.platform}: ")
    try:
        ask()
    except UnauthorizedError:
        return UnauthorizedError(error.platform, told)
    except PlatformError:
        # Not "surely not accepted": what is refused may be the second copy of what is out.
        text = f"{told}; whose credentials these are could not be asked"
        return UnconfirmedError(error.platform, text)
    finally:
        for name in Exchange.__slots__:
            setattr(exchange, name, getattr(refusal, name))
    if isinstance(error, RejectedError):
        return error
    return UnconfirmedError(error.platform, f"{told}; but the credentials work")


def describe(exchange: Exchange, error: Exception) -> str:
    """Say for people what came back."""
    words = ": ".join(part for part in (exchange.error, exchange.message) if part)
    if exchange.status is not None and exchange.status >= 400:
        words = words or "a page that is not the platform's own"
        return f"{exchange.path} answered {exchange.status}: {words}".lstrip()
    kind = type(error.__cause__ or error.__context__ or error).__name__
    if exchange.status is not None:
        return f"answered {exchange.status} with what cannot be read ({kind})"
    if exchange.is_sent:
        return f"no answer ({kind})"
    return f"no connection ({kind})" if exchange.is_started else f"not called ({kind})"


def object_in(value: object, *path: str) -> dict[str, Any]:
    """Return the object at a path of keys; empty where there is none."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def objects_in(value: object, *path: str) -> list[dict[str, Any]]:
    """Return the objects of the list at a path of keys; empty where there is none."""
    found = object_in(value, *path[:-1]).get(path[-1])
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def count_in(value: Mapping[str, Any], *names: str) -> int | None:
    """Return the first number under these names that counts something; None where none does."""
    for name in names:
        found = value.get(name)
        if type(found) is int and 0 <= found <= _MOST_COUNTED:
            return found
    return None
