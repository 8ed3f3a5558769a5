"""Whether the machine's clock may be trusted: a wrong one must delay, never blurt."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from bot.clock import Clock, SharedClock
from bot.log import get_logger

log = get_logger(__name__)

#: HTTP dates have whole seconds, and an answer takes a while.
TOLERANCE = timedelta(minutes=1)
#: The wall clock moved by this against the one that never steps: somebody set it, or we slept.
STEP = timedelta(seconds=5)


@dataclass(slots=True)
class ClockGuard:
    """Compares the wall clock with servers' ``Date`` headers and with the monotonic clock.

    One server that agrees is enough: several that are wrong in the same way are less likely
    than one that is wrong by itself.
    """

    clock: Clock
    #: By account: what its server's clock is ahead of ours; since the last step only.
    _ahead: dict[str, timedelta] = field(default_factory=dict)
    _offset: float | None = None
    _steps: int = 0
    _lock: Lock = field(default_factory=Lock)

    def note_server_time(self, account: str, server_time: datetime) -> None:
        """Note what an account's server says the time is."""
        self._forget_if_set()
        with self._lock:
            self._ahead[account] = server_time - self.clock.now()

    def is_sure(self, ask: Callable[[], bool] = lambda: False) -> bool:
        """Return whether nothing speaks against the clock, so that something may be sent by it.

        Args:
            ask: Asks a server of ours anything, so that its date is heard; needed where the
                clock was set and no server has been heard since. False where that failed.
        """
        self._forget_if_set()
        with self._lock:
            is_known = bool(self._ahead) or not self._steps
        return (is_known or ask()) and not self.why()

    def is_confirmed(self) -> bool:
        """Return whether a server that was heard since the clock was last set agrees with it."""
        self._forget_if_set()
        with self._lock:
            is_heard = bool(self._ahead)
        return is_heard and not self.why()

    def why(self) -> str:
        """Return why nothing is sent by this clock; empty where it may be."""
        skew = self.clock.skew() if isinstance(self.clock, SharedClock) else timedelta(0)
        if abs(skew) > TOLERANCE:
            # Requests would carry its time; another machine can send meanwhile.
            return f"this machine's clock is {_against(skew)} what the database says"
        with self._lock:
            ahead = min(self._ahead.values(), key=abs, default=timedelta(0))
        if abs(ahead) <= TOLERANCE:
            return ""
        return f"the machine's clock is {_against(-ahead)} what every server says"

    def _forget_if_set(self) -> None:
        with self._lock:
            offset = self.clock.now().timestamp() - self.clock.monotonic()
            moved = 0.0 if self._offset is None else offset - self._offset
            if self._offset is not None and abs(moved) <= STEP.total_seconds():
                return
            self._offset = offset
            if moved:
                self._ahead.clear()
                self._steps += 1
                log.warning("the clock was set", seconds=round(moved))


def _against(ahead: timedelta) -> str:
    seconds = abs(ahead).total_seconds()
    return f"{seconds:.0f} s {'ahead of' if ahead > timedelta(0) else 'behind'}"
