"""What the networks know, kept aside, so that many schedules can go on from one moment."""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from tests.waiting import PATIENCE


class Memories:
    """Copies of some attributes of some servers; each copy is brought back as often as asked."""

    def __init__(self, kept: Mapping[object, Sequence[str]]) -> None:
        self._kept = kept
        self._copies: list[list[dict[str, Any]]] = []

    def remember(self) -> int:
        """Copy all of it; its number."""
        self._copies.append(
            [
                copy.deepcopy({name: getattr(server, name) for name in names})
                for server, names in self._kept.items()
            ]
        )
        return len(self._copies) - 1

    def recall(self, number: int) -> None:
        """Let the servers know what they knew then, and nothing else."""
        for server, known in zip(self._kept, self._copies[number], strict=True):
            for name, value in copy.deepcopy(known).items():
                setattr(server, name, value)


def wait_until_quiet() -> None:
    """Wait until no request is being served: what the dead sent may still be at work."""
    deadline = time.monotonic() + PATIENCE
    while any("process_request_thread" in one.name for one in threading.enumerate()):
        if time.monotonic() > deadline:
            raise AssertionError("a request is served for ever")
        time.sleep(0.0005)
