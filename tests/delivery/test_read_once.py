"""Values that are read once: nobody waits for another object's read."""

from __future__ import annotations

from threading import Event, Thread

from bot.db.lazy import ReadOnce
from bot.delivery.consent import Consents
from bot.engagement.report import Report


class Slow:
    def __init__(self, gate: Event) -> None:
        self.gate, self.reads = gate, 0

    @ReadOnce
    def value(self) -> int:
        self.reads += 1
        self.gate.wait(60)
        return self.reads


def test_a_read_waits_for_no_other_objects_read() -> None:
    shut, is_open = Event(), Event()
    is_open.set()
    waiting, other = Slow(shut), Slow(is_open)
    thread = Thread(target=lambda: waiting.value, daemon=True)
    thread.start()

    assert other.value == 1

    shut.set()
    thread.join(60)
    assert (waiting.value, other.value, other.reads) == (1, 1, 1)


def test_workers_and_pages_read_in_that_way() -> None:
    for owner, name in ((Consents, "_users"), (Consents, "_keys"), (Report, "_judged")):
        assert isinstance(vars(owner)[name], ReadOnce), name
