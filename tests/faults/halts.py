"""A life that halts wherever it has changed something outside, so that others can look at it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

_MOST = 1 << 26


class Halts:
    """Two pipes between a parent and the child that it is about to fork.

    Between two halts nothing changes outside the process, so a kill at one boundary leaves the
    same as a kill at any other up to the next halt. At sockets, and in the middle of a write, what
    a kill leaves shows only when it is done: every such boundary stands alone, with no look at it.
    """

    def __init__(self, folder: Path, clock: Callable[[], object]) -> None:
        self._folder = folder
        #: Tells something that changes when the life's clock jumps, which is outside too.
        self._clock = clock
        self._heard, self._said = os.pipe()
        self._waits, self._lets_go_on = os.pipe()
        self._last: bytes | None = None
        self._number = 0
        #: Opened once, never closed: that would take SQLite's own locks away.
        self._database = -1

    def look(self, what: str) -> None:
        """In the child: halt at this boundary, if it is the first of its kind."""
        self._number += 1
        if what.startswith("socket:") or "in the middle" in what:
            self._last = None
            self._meet(b"alone")
            return
        seen = self._digest()
        if seen != self._last:
            self._last = seen
            self._meet(b"first")

    def _meet(self, how: bytes) -> None:
        # Not `os.write`, which is a boundary.
        os.writev(self._said, [b"%s %d\n" % (how, self._number)])
        os.read(self._waits, 1)

    def _digest(self) -> bytes:
        if self._database < 0:
            self._database = os.open(self._folder / "live.db", os.O_RDONLY)
        digest = hashlib.blake2b(str(self._clock()).encode())
        digest.update(os.pread(self._database, _MOST, 0))
        for name in sorted(os.listdir(self._folder)):  # noqa: PTH208 - quicker, at every boundary
            digest.update(name.encode())
            if name != "live.db":
                digest.update(_content(self._folder / name))
        return digest.digest()

    def attend(self, told: Callable[[], str]) -> list[tuple[int, str]]:
        """In the parent: list where it halted, and what is told there; empty if it is alone."""
        os.close(self._said)
        found = []
        with os.fdopen(self._heard, encoding="ascii") as lines:
            for line in lines:
                how, _, number = line.partition(" ")
                found.append((int(number), told() if how == "first" else ""))
                os.write(self._lets_go_on, b"!")
        os.close(self._waits)
        os.close(self._lets_go_on)
        return found


def _content(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.pread(descriptor, _MOST, 0)
    finally:
        os.close(descriptor)
