"""Timers that go off when a test says so, in the place of `threading.Timer`."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest


class HandTimers:
    """All timers that were started since; the machine's time moves none of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        #: What was waited for, in seconds, by all timers that went off.
        self.gone_off: list[float] = []
        self._running: list[_Timer] = []
        monkeypatch.setattr(threading, "Timer", self._make)

    def _make(self, seconds: float, function: Callable[[], object]) -> _Timer:
        return _Timer(seconds, function, self._running)

    def go_off(self) -> None:
        """Let the time of all that are running be up."""
        for timer in list(self._running):
            self.gone_off.append(timer.seconds)
            timer.cancel()
            timer.function()


class _Timer:
    def __init__(
        self, seconds: float, function: Callable[[], object], running: list[_Timer]
    ) -> None:
        self.seconds, self.function, self._running = seconds, function, running
        self.daemon = False

    def start(self) -> None:
        self._running.append(self)

    def cancel(self) -> None:
        if self in self._running:
            self._running.remove(self)
