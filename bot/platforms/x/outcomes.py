"""What an answer of X proves: accepted, surely not accepted, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from typing import Any

from bot.errors import (
    DuplicateError,
    OverBudgetError,
    PlatformError,
    RejectedError,
    UnauthorizedError,
    UnavailableError,
    UnconfirmedError,
)
from bot.platforms.http.exchange import Exchange, classify, describe
from bot.platforms.spec import Charge
from bot.platforms.x.spec import NAME

#: A rate limit's window, and the wait where a limit names no moment.
_WINDOW = timedelta(minutes=15)
_LONGEST = timedelta(hours=1)
_GOOD = frozenset({200, 201})
#: X will not take it, whoever asks and whenever.
_REFUSED = frozenset({400, 413, 422})
#: Words of a 403 that is about the account or the app, and not about this status.
_ACCOUNT = (
    "suspended",
    "locked",
    "deactivated",
    "automated",
    "permission",
    "not-enrolled",
    "attached to a project",
    "client-forbidden",
    "unsupported-authentication",
    "unsupported authentication",
    "client is not permitted",
)


class Task(Enum):
    """What a call is for; it decides what no clear answer means."""

    READ = "read"
    #: Uploads and deletions: repeating them does no harm.
    CHANGE = "change"
    PUBLISH = "publish"


def accepted(
    exchange: Exchange, task: Task, cause: Exception | None = None, *, is_misdated: bool = False
) -> Mapping[str, Any]:
    """Return the JSON object of a good answer.

    Args:
        exchange: What happened; ``message`` is what X says in words.
        task: What the call is for.
        cause: What the client library raised.
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
        told = f"signed by a clock that is wrong: {describe(exchange, error)}"
        raise UnavailableError(NAME, told) from error
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
        return _units(exchange.value(), task, charge)
    if exchange.status is None or (task is Task.PUBLISH and exchange.status >= 500):
        return charge.units
    return 0


def _units(value: object, task: Task, charge: Charge) -> int:
    found = value.get("data") if isinstance(value, dict) else None
    if task is Task.READ and isinstance(value, dict) and (found is None or isinstance(found, list)):
        return len(found or ())
    return charge.units


def seen(exchange: Exchange, task: Task) -> tuple[str, ...]:
    """Name what a good answer to a read shows; X bills each once a UTC day ("Pricing")."""
    value = exchange.value()
    if task is not Task.READ or exchange.status not in _GOOD or not isinstance(value, dict):
        return ()
    found = value.get("data")
    shown = found if isinstance(found, list) else [found]
    ids = (one.get("id") for one in shown if isinstance(one, dict))
    return tuple(one for one in ids if isinstance(one, str) and one.isdigit())
