"""Who may work now, where more want to than a process has connections for."""

from collections import deque
from threading import Event, Lock


class AccountTurns:
    """So many at a time, in the order in which they came.

    A semaphore of the standard library lets whoever gives one back take it at once: an account
    with much to send would send all of it while others wait.
    """

    def __init__(self, most: int) -> None:
        self._free = most
        self._waiting: deque[Event] = deque()
        self._lock = Lock()

    def __enter__(self) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            own = self._queue()
        own.wait()

    def __exit__(self, *_: object) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1

    def let_others(self) -> None:
        """Go on after all that wait by now; at once where nobody does."""
        with self._lock:
            if not self._waiting:
                return
            self._waiting.popleft().set()
            own = self._queue()
        own.wait()

    def _queue(self) -> Event:
        own = Event()
        self._waiting.append(own)
        return own
