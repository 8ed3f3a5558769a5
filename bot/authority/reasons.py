"""Why nothing is sent on an account."""

from __future__ import annotations

from enum import StrEnum


class StopReason(StrEnum):
    """Why nothing is sent on an account."""

    #: The platform refuses its credentials.
    UNAUTHORIZED = "unauthorized"
    #: What its server says of it does not fit the schedule.
    UNFIT = "unfit"
    #: The files say something else of it than was confirmed; see `bot.authority.trust`.
    CONFIGURATION = "configuration changed"
