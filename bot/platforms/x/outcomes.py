"""What an answer of X proves: accepted, surely not accepted, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any

from bot.core.model import Charge
from bot.errors import (
    DuplicateError,
    OverBudgetError,
    PlatformError,
    RejectedError,
    UnauthorizedError,
    UnavailableError,
    UnconfirmedError,
)

NAME = "x"
#: A rate limit's window, and the longest that a server may make us wait.
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


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back from one call."""

    #: None where there was no answer.
    status: int | None
    #: Bytes of the request may have left the machine.
    is_sent: bool
    #: The answer's JSON; None where it cannot be read.
    value: object
    #: What an error answer says in words; without secrets.
    said: str = ""
    #: How long the server says to wait.
    wait: timedelta | None = None
    #: What the client library raised where there was no answer.
    cause: Exception | None = None
    #: The request was signed with another time than the server's.
    is_misdated: bool = False


def accepted(reply: Reply, task: Task) -> Mapping[str, Any]:
    """Give the JSON object of a good answer.

    Raises:
        UnavailableError: surely nothing was published (or read).
        RejectedError: X will never take this.
        UnauthorizedError: the account or its app is refused.
        OverBudgetError: X says that its credits are used up.
        UnconfirmedError: everything else, when publishing.
    """
    if reply.status in _GOOD and isinstance(reply.value, dict):
        return reply.value
    raise _error(reply, task) from reply.cause


def _error(reply: Reply, task: Task) -> PlatformError:
    told = _told(reply)
    if not reply.is_sent:
        return UnavailableError(NAME, told)
    match reply.status:
        case 401:
            return _unauthorized(reply, told)
        case 402:
            return OverBudgetError(NAME, f"the credits at X are used up: {told}")
        case 403:
            return _forbidden(reply, task, told)
        case 404:
            return UnavailableError(NAME, told)
        case 429:
            # Without a usable moment, a whole window: no request earlier than allowed.
            return UnavailableError(NAME, told, retry_after=min(reply.wait or _WINDOW, _LONGEST))
        case status if status in _REFUSED and task is not Task.READ:
            return RejectedError(NAME, told)
        case _:
            return _unclear(task, told, reply.wait)


def _unclear(task: Task, told: str, wait: timedelta | None = None) -> PlatformError:
    if task is Task.PUBLISH:
        return UnconfirmedError(NAME, told)
    return UnavailableError(NAME, told, retry_after=min(wait, _LONGEST) if wait else None)


def _unauthorized(reply: Reply, told: str) -> PlatformError:
    if reply.is_misdated:
        # No fault of the account, which would wait for a person after the clock is right again.
        return UnavailableError(NAME, f"signed by a clock that is wrong: {told}")
    return UnauthorizedError(NAME, told)


def _forbidden(reply: Reply, task: Task, told: str) -> PlatformError:
    said = reply.said.lower()
    if not said:
        return _unclear(task, told)  # some box before X, perhaps; X always says why
    if "duplicate" in said and task is Task.PUBLISH:
        return DuplicateError(NAME, told)
    if "limit" in said:
        return UnavailableError(NAME, told, retry_after=_LONGEST)
    if task is Task.READ or any(word in said for word in _ACCOUNT):
        return UnauthorizedError(NAME, told)
    return RejectedError(NAME, told)


def _told(reply: Reply) -> str:
    """Say for people what came back; the library's own words are left out, as they may be long."""
    kind = type(reply.cause).__name__ if reply.cause else ""
    if not reply.is_sent:
        return f"no connection ({kind})" if kind else "no connection"
    if reply.status is None:
        return f"no answer ({kind})"
    if reply.status in _GOOD:
        return f"answered {reply.status} with what cannot be read"
    return f"answered {reply.status}" + (f": {reply.said}" if reply.said else "")


def billed(reply: Reply, task: Task, charge: Charge) -> int:
    """Count the units that X may bill: at most what was booked, 0 where the call surely failed.

    Only successful requests are billed (docs.x.com, "Post cap"); one without a clear answer may
    have been one.
    """
    if not reply.is_sent:
        return 0
    if reply.status in _GOOD:
        return _units(reply.value, task, charge)
    if reply.status is None or (task is Task.PUBLISH and reply.status >= 500):
        return charge.units
    return 0


def _units(value: object, task: Task, charge: Charge) -> int:
    found = value.get("data") if isinstance(value, dict) else None
    if task is Task.READ and isinstance(value, dict) and (found is None or isinstance(found, list)):
        return len(found or ())
    return charge.units


def seen(reply: Reply, task: Task) -> tuple[str, ...]:
    """Name what a good answer to a read shows; X bills each once a UTC day ("Pricing")."""
    if task is not Task.READ or reply.status not in _GOOD or not isinstance(reply.value, dict):
        return ()
    found = reply.value.get("data")
    shown = found if isinstance(found, list) else [found]
    ids = (one.get("id") for one in shown if isinstance(one, dict))
    return tuple(one for one in ids if isinstance(one, str) and one.isdigit())
