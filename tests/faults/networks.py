"""X, a Mastodon server and a PDS in a process of their own, with one ledger of what they took.

``python -m tests.faults.networks --ledger FILE`` prints one line of JSON, the three origins; then
each line of JSON on its input is an order, and each gets one line in answer. The ledger has a
line, fsynced before the answer goes out, for every status that a reader could see.
"""

from __future__ import annotations

import argparse
import copy
import json
import mmap
import os
import random
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.fakes.faultproxy import (
    HANG_UP_AFTER,
    HANG_UP_BEFORE,
    Answer,
    Fault,
    Faults,
    FaultyLoopback,
    answered,
)
from tests.fakes.loopback import ReceivedRequest, Told
from tests.fakes.mastodon_quirks import QuirkyMastodon
from tests.fakes.quirky_pds import QuirkyPds
from tests.fakes.x_oauth import OAuth
from tests.fakes.x_standin import SPEC_FILE, XStandin
from tests.waiting import PATIENCE

#: What befalls a request in a storm, with the weight that it has there.
STORM: dict[str, tuple[int, Fault]] = {
    "503 before": (8, answered(Answer(503, b"{}"), stored=False)),
    "lost before": (4, HANG_UP_BEFORE),
    "429": (
        4,
        answered(
            Answer(429, b"{}", {"Content-Type": "application/json", "Retry-After": "1"}),
            stored=False,
        ),
    ),
    "503 after": (8, answered(Answer(503, b"{}"), stored=True)),
    "lost after": (6, HANG_UP_AFTER),
    "reset after": (2, Fault(down=0, reset=True)),
    "late": (4, Fault(stall=4.0)),
}
_LONG_AGO = "2026-01-01T00:00:00+00:00"
#: The one request by which something becomes visible, by account.
PUBLISH = {
    "x": r"^POST /2/tweets ",
    "m": r"^POST /api/v1/statuses ",
    "b": r"^POST /xrpc/com\.atproto\.repo\.putRecord ",
}


class Ahead:
    """How far the clock of those who play here is ahead: eight bytes of a file that they write."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(8))
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), 8)

    def now(self) -> float:
        seconds: float = struct.unpack("d", self._shared[:8])[0]
        return time.time() + seconds


class StatusLedger:
    """An fsynced file of what was taken; the only judge."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self.clock = Ahead(path.with_name("clock"))

    def moment(self) -> str:
        return datetime.fromtimestamp(self.clock.now(), UTC).isoformat()

    def write(self, account: str, **what: Any) -> None:
        line = {"at": self.moment(), "verb": "create", "account": account, **what}
        with self._lock, self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())


class Dice(Faults):
    """Faults that are ordered, and faults that come by chance."""

    def __init__(self) -> None:
        super().__init__()
        self.share = 0.0
        self.random = random.Random(0)  # noqa: S311 - a storm that can be repeated
        self.thrown: Counter[str] = Counter()
        self.asked = 0

    def due(self, first: str) -> Fault:
        self.asked += 1
        ordered = super().due(first)
        if ordered != Fault():
            self.thrown["ordered"] += 1
            return ordered
        if self.random.random() >= self.share:
            return Fault()
        names = list(STORM)
        name = self.random.choices(names, [STORM[one][0] for one in names])[0]
        self.thrown[name] += 1
        return STORM[name][1]


class LedgeredMastodon(QuirkyMastodon, FaultyLoopback):
    """Keeps every status in the ledger; forgets keys when told to, as many servers do."""

    def __init__(self, ledger: StatusLedger) -> None:
        self._ledger = ledger
        self._posting = threading.Lock()
        self.dice = Dice()
        self.spoil_with(self.dice, PUBLISH["m"], ledger.clock.now)
        super().__init__()

    def moment(self) -> datetime:
        return datetime.fromtimestamp(self._ledger.clock.now(), UTC)

    def post(self, text: str, **fields: object) -> dict[str, Any]:
        made = super().post(text, **fields)
        self._ledger.write("m", id=made["id"], text=text, parent=made["in_reply_to_id"])
        return made

    def _publish(self, asked: ReceivedRequest) -> Told:
        with self._posting:
            return super()._publish(asked)

    def forget(self) -> None:
        # As long as Mastodon's are: a short one could be taken for some other number.
        self.statuses, self._keys, self._last = [], {}, 110_000_000_000_000_000
        # What was there before, by which a server shows that it lists what it takes.
        super().post("An older status.", created_at=_LONG_AGO)


class LedgeredPds(QuirkyPds, FaultyLoopback):
    """Answers a put with ``swapRecord: null`` as the real one does: create, or agree."""

    def __init__(self, ledger: StatusLedger) -> None:
        self._ledger = ledger
        self._posting = threading.Lock()
        self.dice = Dice()
        self.spoil_with(self.dice, PUBLISH["b"], ledger.clock.now)
        super().__init__()
        self.forget()

    def forget(self) -> None:
        labels = {"values": [{"val": "bot"}]}
        self.records = {"self": {"$type": "app.bsky.actor.profile", "labels": labels}}

    def _put(self, body: Any) -> Told:
        with self._posting:
            known = self.records.get(body["rkey"])
            if known is not None and known != body["record"]:
                return Told(400, {"error": "InvalidSwap", "message": "Record was at bafy"})
            told = super()._put(body)
            if known is None:
                record = body["record"]
                parent = record.get("reply", {}).get("parent", {}).get("uri")
                uri = self._uri(body["rkey"], body["collection"])
                self._ledger.write("b", id=uri, text=record["text"], parent=parent)
            return told


class LedgeredX(XStandin):
    """Writes into the common ledger, and lets a storm through its rate limits."""

    def __init__(self, ledger: StatusLedger, folder: Path) -> None:
        super().__init__(ledger=None, spec_file=SPEC_FILE, now=ledger.clock.now)
        self.oauth = OAuth(time.time)  # signatures go by the machine's time
        self.rates = dict.fromkeys(self.rates, 10_000_000)
        self.dice = Dice()
        self.faults = self.dice
        self._common = ledger
        self.forget()

    def forget(self) -> None:
        with self.lock:
            self.world.statuses.clear()
            self.requests.clear()
            self.world.record = self._record  # type: ignore[method-assign] # one ledger for all

    def _record(self, verb: str, **what: Any) -> None:
        if verb == "create":
            self._common.write("x", id=what["id"], text=what["text"], parent=what["parent"])


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


class NetworkServers:
    """All three, and what they can be ordered to do."""

    def __init__(self, ledger: Path) -> None:
        self.ledger = StatusLedger(ledger)
        self.x = LedgeredX(self.ledger, ledger.parent)
        self.m, self.b = LedgeredMastodon(self.ledger), LedgeredPds(self.ledger)
        self.dice = {"x": self.x.dice, "m": self.m.dice, "b": self.b.dice}
        self.memories = Memories(
            {
                self.x.world: ("statuses", "media", "used", "_reads", "_last_id"),
                self.m: ("statuses", "media", "_described", "_keys", "_last"),
                self.b: ("records",),
            }
        )

    @property
    def origins(self) -> dict[str, str]:
        return {"x": self.x.origin, "m": self.m.origin, "b": self.b.origin}

    def obey(self, order: dict[str, Any]) -> Any:
        """Do one of the orders below; the answer is JSON."""
        return getattr(self, f"do_{order.pop('do')}")(**order)

    def do_forget(self) -> None:
        """Begin anew: no statuses, no keys, no faults."""
        for one in (self.x, self.m, self.b):
            one.forget()
        for dice in self.dice.values():
            dice.thrown.clear()
        self.do_calm()

    def do_storm(self, share: float, seed: int) -> None:
        for number, dice in enumerate(self.dice.values()):
            dice.share = share
            dice.random.seed(seed * 10 + number)

    def do_calm(self) -> None:
        for dice in self.dice.values():
            dice.heal()
            dice.share = 0.0

    def do_spoil(self, account: str, match: str, times: int, **fault: Any) -> None:
        if "answer" in fault:
            fault["answer"] = Answer(
                fault["answer"]["status"],
                fault["answer"].get("body", "{}").encode("latin-1"),
                fault["answer"].get("headers", {"Content-Type": "application/json"}),
            )
        self.dice[account].spoil(match or PUBLISH[account], Fault(**fault), times=times)

    def do_kill(self, account: str, pid: int, when: str) -> None:
        """Kill a process at the next request that publishes: ``before`` or ``after`` it is."""
        servers: dict[str, FaultyLoopback] = {"x": self.x, "m": self.m, "b": self.b}
        servers[account].kill = (pid, when)

    def do_hurry(self, account: str) -> None:
        """Let those that stall go on at once."""
        servers: dict[str, FaultyLoopback] = {"x": self.x, "m": self.m, "b": self.b}
        server = servers[account]
        server.stopped.set()
        server.stopped = threading.Event()

    def do_quirk(self, account: str, **quirks: Any) -> None:
        """Let a server be as some are; for X its world's settings."""
        of = {"m": self.m.quirks, "b": self.b.quirks, "x": self.x.world}[account]
        for name, value in quirks.items():
            setattr(of, name, value)

    def do_remember(self) -> dict[str, int]:
        """Keep aside what is known now, once nobody is being served any more."""
        wait_until_quiet()
        asked = sum(dice.asked for dice in self.dice.values())
        return {"memory": self.memories.remember(), "asked": asked}

    def do_recall(self, memory: int) -> int:
        self.memories.recall(memory)
        return sum(dice.asked for dice in self.dice.values())

    def do_told(self) -> dict[str, Any]:
        thrown: Counter[str] = Counter()
        for dice in self.dice.values():
            thrown += dice.thrown
        asked = sum(dice.asked for dice in self.dice.values())
        return {"thrown": dict(thrown), "asked": asked, "violations": self.x.violations[:5]}


def main() -> None:
    """Obey until the input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--ledger", type=Path, required=True)
    networks = NetworkServers(parser.parse_args().ledger)
    _say(networks.origins)
    for line in sys.stdin:
        _say(networks.obey(json.loads(line)))
    os._exit(0)  # requests that hang are not waited for


def _say(value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
