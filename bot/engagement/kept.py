"""What reports worked out, for as long as nothing that it depends on changes."""

from __future__ import annotations

from collections.abc import Callable
from threading import RLock
from typing import Any, TypeVar

_Made = TypeVar("_Made")


class Kept:
    """What reports worked out, for as long as nothing that it depends on changes."""

    def __init__(self) -> None:
        # Who asks for the same meanwhile waits for it: it takes seconds, and a lot of memory.
        self._turn = RLock()
        self._state: object = None
        self._made: dict[object, Any] = {}

    def get(self, state: object, key: object, make: Callable[[], _Made]) -> _Made:
        with self._turn:
            if state != self._state:
                self._state, self._made = state, {}
            if key not in self._made:
                self._made[key] = make()
            made: _Made = self._made[key]
            return made
