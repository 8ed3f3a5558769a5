"""The states of a delivery and every move between them; docs/architecture.md draws this table."""

from collections.abc import Mapping
from enum import StrEnum

from bot.delivery.model import State


class Event(StrEnum):
    """What happened to a delivery."""

    RELEASE = "approved, and its time came"
    CANCEL = "removed or cancelled"
    HOLD = "may not go out now"
    CLAIM = "claimed by a worker"
    ACCEPT = "accepted, with an id"
    DEFER = "surely not accepted"
    STOP = "surely not accepted, and the account is stopped"
    REFUSE = "refused for its content"
    OUTCOME_UNKNOWN = "no clear answer"
    CONFIRMED_SENT = "read back and found"
    CONFIRMED_ABSENT = "read back, surely absent"
    GIVE_UP = "cannot tell, or attempts used up"
    MARK_SENT = "a person says that it is out"
    SEND = "a person says: send"
    REQUEUE = "a person puts it back"
    DROP = "a person drops it"
    EDIT = "its post was edited"
    RETRY = "a person says: try again"
    RETRACT = "a person took it down"
    REMOTE_DELETED = "deleted elsewhere"


_S, _E = State, Event

#: (state, event) -> next state. What is not here cannot happen.
MOVES: Mapping[tuple[State, Event], State] = {
    (_S.PLANNED, _E.RELEASE): _S.READY,
    (_S.PLANNED, _E.CANCEL): _S.CANCELLED,
    (_S.PLANNED, _E.HOLD): _S.HELD,
    (_S.READY, _E.CANCEL): _S.CANCELLED,
    (_S.READY, _E.HOLD): _S.HELD,
    (_S.READY, _E.EDIT): _S.PLANNED,
    (_S.READY, _E.CLAIM): _S.SENDING,
    (_S.SENDING, _E.ACCEPT): _S.SENT,
    (_S.SENDING, _E.DEFER): _S.READY,
    (_S.SENDING, _E.STOP): _S.HELD,
    (_S.SENDING, _E.REFUSE): _S.FAILED,
    (_S.SENDING, _E.OUTCOME_UNKNOWN): _S.UNKNOWN,
    (_S.UNKNOWN, _E.CONFIRMED_SENT): _S.SENT,
    (_S.UNKNOWN, _E.CONFIRMED_ABSENT): _S.READY,
    (_S.UNKNOWN, _E.GIVE_UP): _S.HELD,
    (_S.HELD, _E.MARK_SENT): _S.SENT,
    (_S.HELD, _E.SEND): _S.READY,
    (_S.HELD, _E.REQUEUE): _S.PLANNED,
    (_S.HELD, _E.DROP): _S.CANCELLED,
    (_S.FAILED, _E.EDIT): _S.PLANNED,
    (_S.FAILED, _E.RETRY): _S.READY,
    (_S.FAILED, _E.DROP): _S.CANCELLED,
    (_S.SENT, _E.RETRACT): _S.RETRACTED,
    (_S.SENT, _E.REMOTE_DELETED): _S.GONE,
}

#: Never given to a platform, or surely not accepted: an edit or a cancellation may touch it.
UNSENT = frozenset({_S.PLANNED, _S.READY, _S.HELD, _S.FAILED})
#: May be out: nobody knows yet.
IN_DOUBT = frozenset({_S.SENDING, _S.UNKNOWN})
#: Was live at some time.
OUT = frozenset({_S.SENT, _S.GONE, _S.RETRACTED})


def cancel_event(state: State) -> Event:
    """Return how what was not sent is cancelled: out of the plan, or out of a person's hands."""
    return Event.DROP if state in {_S.HELD, _S.FAILED} else Event.CANCEL


def after(state: State, event: Event) -> State:
    """Return the state that ``event`` leads to; ValueError where that cannot happen."""
    try:
        return MOVES[state, event]
    except KeyError:
        raise ValueError(f"a delivery that is {state} cannot be moved by: {event}") from None
