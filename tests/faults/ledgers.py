"""The networks of `tests.faults.networks` as a test holds them, and what their ledger says."""

from __future__ import annotations

import json
import mmap
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
PLATFORMS = ("x", "mastodon", "bluesky")


@dataclass(frozen=True, slots=True)
class Taken:
    """One status that a platform took."""

    at: datetime
    account: str
    id: str
    text: str
    parent: str | None


@dataclass(frozen=True, slots=True)
class Memory:
    """What the networks knew at one moment of a schedule."""

    number: int
    #: Requests since the schedule began.
    asked: int
    taken: tuple[Taken, ...]


class Networks:
    """Orders to the process, and its ledger."""

    def __init__(self, process: subprocess.Popen[str], ledger: Path) -> None:
        self.process = process
        self._ledger = ledger
        #: Bytes of the ledger that are about other schedules.
        self._read = 0
        #: What this schedule had before those that were lived since.
        self._before: tuple[Taken, ...] = ()
        self._asked = 0
        with ledger.with_name("clock").open("r+b") as file:
            self._clock = mmap.mmap(file.fileno(), 8)
        self.origins: dict[str, str] = json.loads(_pipe(process.stdout).readline())

    @property
    def ahead(self) -> timedelta:
        """How far the clock of those who play here is ahead of the machine's."""
        return timedelta(seconds=struct.unpack("d", self._clock[:8])[0])

    def set_ahead(self, ahead: timedelta) -> None:
        """Return the servers, whose dates then agree; works from a forked child too."""
        self._clock[:8] = struct.pack("d", ahead.total_seconds())

    def order(self, do: str, **what: Any) -> Any:
        """Return one order, and wait until it is done."""
        pipe = _pipe(self.process.stdin)
        pipe.write(json.dumps({"do": do, **what}) + "\n")
        pipe.flush()
        return json.loads(_pipe(self.process.stdout).readline())

    def forget(self) -> None:
        """Begin anew, also with the ledger: what it has so far is another schedule's."""
        self.order("forget")
        self._go_on((), asked=self.order("told")["asked"], calls=0)

    def remember(self) -> Memory:
        """Keep aside what the networks know, once they have done all that they were asked."""
        for origin in self.origins.values():
            _knock(origin)
        return self._memory(self.order("remember"))

    def peek(self) -> Memory:
        """Return the same of a moment between two requests; it cannot be recalled."""
        return self._memory({"memory": -1, **self.order("told")})

    def _memory(self, told: dict[str, Any]) -> Memory:
        return Memory(told["memory"], told["asked"] - self._asked, tuple(self.taken()))

    def recall(self, memory: Memory) -> None:
        """Go on from then; as often as one likes."""
        asked = self.order("recall", memory=memory.number)
        self._go_on(memory.taken, asked=asked, calls=memory.asked)

    def _go_on(self, taken: tuple[Taken, ...], *, asked: int, calls: int) -> None:
        self._read = self._ledger.stat().st_size if self._ledger.exists() else 0
        self._before, self._asked = taken, asked - calls

    def taken(self) -> list[Taken]:
        """Read what was taken since `forget`, in order."""
        found = [json.loads(line) for line in self._lines()]
        return [
            *self._before,
            *(
                Taken(datetime.fromisoformat(one["at"]), one["account"], one["id"], one["text"],
                      one["parent"])
                for one in found
            ),
        ]  # fmt: skip

    def _lines(self) -> list[str]:
        if not self._ledger.exists():
            return []
        with self._ledger.open("rb") as file:
            file.seek(self._read)
            return file.read().decode().splitlines()


def _knock(origin: str) -> None:
    """Wait until a server has let in all who came before."""
    parts = urlsplit(origin)
    with socket.create_connection((parts.hostname or "", parts.port or 0)) as door:
        door.shutdown(socket.SHUT_WR)
        while door.recv(1024):
            pass


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe


@contextmanager
def networks(folder: Path) -> Iterator[Networks]:
    """Start them; they end with the context, or with this process."""
    folder.mkdir(parents=True, exist_ok=True)
    ledger = folder / "ledger.jsonl"
    (folder / "clock").write_bytes(bytes(8))
    with (folder / "networks.log").open("ab") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.networks", "--ledger", str(ledger)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True,
        )  # fmt: skip
    try:
        yield Networks(process, ledger)
    finally:
        process.terminate()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            _pipe(pipe).close()
