"""Why a delivery waits or was cancelled: one value for each cause.

Code compares these values; the detail beside one is for people only.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class HoldReason(StrEnum):
    """Why a delivery waits for a person."""

    UNAPPROVED = "unapproved"
    PAUSED = "paused"
    OVER_BUDGET = "over budget"
    LATE = "late"
    ACCOUNT_STOPPED = "account stopped"
    PARENT = "the part before it is not out"
    UNSETTLED = "cannot tell whether it is out"
    ATTEMPTS = "attempts used up"
    #: Of an UNKNOWN one: its platform took it for a repetition.
    DUPLICATE = "said before, perhaps by us"


class CancelReason(StrEnum):
    """Why a delivery was cancelled."""

    EDITED = "its post was edited"
    REMOVED = "its post was removed"
    UNPLANNED = "no longer planned"
    #: A person cancelled it; the detail is what they said.
    WITHDRAWN = "withdrawn"


Reason = HoldReason | CancelReason

#: A cancellation that the planner may take back: no person asked for it.
BY_PLANNER = frozenset({CancelReason.EDITED, CancelReason.REMOVED, CancelReason.UNPLANNED})


@dataclass(frozen=True, slots=True)
class Hold:
    """A delivery must wait for a person."""

    reason: HoldReason
    detail: str = ""

    def __str__(self) -> str:
        return reason_text(self.reason, self.detail)


def reason_text(reason: Reason | None, detail: str) -> str:
    """Return what people read of a reason and its detail."""
    if reason is None or reason is CancelReason.WITHDRAWN:
        return detail
    return f"{reason}: {detail}" if detail else str(reason)
