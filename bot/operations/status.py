"""How the service stands: the facts that are judged, read for `status`, alerts and the dashboard.

The database is looked through once a day: from a broken one nothing may be sent.
"""

import os
import socket
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from errno import EIO, EROFS
from pathlib import Path

from bot.clock import Clock, SystemClock
from bot.content.model import Schedule
from bot.content.zones import shown
from bot.db.sqlite import MEBIBYTE, Room, free_bytes
from bot.delivery.consent import Consents
from bot.delivery.ledger import budget_left
from bot.delivery.model import Delivery, State
from bot.delivery.store import DIFFERS
from bot.engagement.account_watch import FOREIGN
from bot.errors import StoreError
from bot.log import get_logger
from bot.operations.judge import judge
from bot.operations.model import AccountFacts, MachineFacts, ServiceFacts, ServiceStatus
from bot.planning.removals import ASKED, BEGUN
from bot.planning.store import Store

log = get_logger(__name__)

#: People are told so long before the disk is full, or a post that lacks approvals is due.
AHEAD = timedelta(days=1)
#: A rate is none before this.
_SHORTEST = timedelta(minutes=10)
#: One a minute.
_SAMPLES = 360
#: Hours that people are told: each other text is stored and sent on.
_STEPS = (1, 2, 3, 6, 12, 24)
#: Binary digits that are told of the free disk: a sixteenth of it is said to have changed.
_DISK_DIGITS = 5


@dataclass(slots=True)
class DiskWatch:
    """Looks at the disk of the data directory once a minute."""

    directory: Path
    room: Room
    clock: Clock = field(default_factory=SystemClock)
    _samples: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=_SAMPLES))

    def run(self) -> None:
        self._samples.append((self.clock.monotonic(), self.free()))

    def free(self) -> int:
        return free_bytes(self.directory)

    def why(self) -> str:
        """Return why nothing is begun; empty while there is room and the disk takes it."""
        try:
            os.utime(self.directory)
        except OSError as error:
            if error.errno in {EROFS, EIO}:
                return f"{self.directory} cannot be written to ({error.strerror})"
        if self.room.is_left(self.directory):
            return ""
        least = self.room.least_free // MEBIBYTE
        return f"{_left(self.free(), self.directory)}, less than {least} MB"

    def soon(self) -> str:
        """Return when that will be so; empty where it will not."""
        least, free = self.room.least_free, self.free()
        if not least:
            return ""
        left = _left(in_large_steps(free), self.directory)
        hours = hours_until(least, tuple(self._samples))
        if hours is not None and hours < AHEAD / timedelta(hours=1):
            within = next(step for step in _STEPS if hours < step)
            return f"{left}; within {within} h nothing can be sent any more"
        return left if free < 4 * least else ""


def hours_until(least: int, samples: tuple[tuple[float, int], ...]) -> float | None:
    """Return when so little is left at the rate of the samples; None where it does not shrink."""
    if len(samples) < 2:
        return None
    (start, before), (end, after) = samples[0], samples[-1]
    if end - start < _SHORTEST.total_seconds() or after >= before:
        return None
    return max(0, after - least) * (end - start) / (before - after) / 3600


def _left(free: int, directory: Path) -> str:
    return f"{free // MEBIBYTE} MB are left on the disk of {directory}"


def in_large_steps(room: int) -> int:
    """Return a number of bytes without its smaller digits; never more than there are."""
    left_out = max(0, room.bit_length() - _DISK_DIGITS)
    return room >> left_out << left_out


#: A worker that was silent for longer is taken for dead.
SILENT = timedelta(seconds=15)
#: And people are told of a replica that was silent for so long.
MISSED = timedelta(minutes=1)
#: Verbs of the log that people are told of when they are asked for, begun and done; and how long.
ALARMING = frozenset(
    {ASKED, BEGUN, DIFFERS, "retract", "republish", "restore", FOREIGN, "account changed"}
)  # fmt: skip
LATELY = timedelta(hours=23)
_FIELDS = {each.name for each in fields(MachineFacts)}
#: Of a process that says nothing of itself but that it lives.
_EMPTY = {"worker": "unknown", "machine": "unknown"}


def status_of(
    store: Store, schedule: Schedule | None, clock: Clock, own: MachineFacts | None = None
) -> ServiceStatus:
    """Read how everything stands and judge it; asks no server and spends nothing.

    A database that does not answer is a finding too.

    Args:
        schedule: None where it cannot be read: then accounts are those that were there last.
        own: What the process that asks knows of itself, if it is the service.
    """
    facts = ServiceFacts(clock.now(), schedule, machines=(own,) if own else ())
    try:
        return judge(_with_database(facts, store, clock))
    except StoreError as error:
        accounts = schedule.accounts.values() if schedule else ()
        named = [AccountFacts(account.name, account.platform) for account in accounts]
        return judge(replace(facts, database=str(error), accounts=named))


def _with_database(facts: ServiceFacts, store: Store, clock: Clock) -> ServiceFacts:
    now, pause = facts.now, store.pauses.current()
    own = {machine.worker for machine in facts.machines}
    others = (
        MachineFacts(**_EMPTY | {name: beat.facts[name] for name in _FIELDS & beat.facts.keys()})
        for beat in store.workers.alive(now, within=SILENT)
        if beat.facts.get("worker") not in own
    )
    machines = (*facts.machines, *others)
    if not machines and (disk := DiskWatch(store.directory, store.room).why()):
        # No service says anything where it is at work but cannot write.
        machines = (MachineFacts("", socket.gethostname(), disk=disk),)
    tallies, counts = store.outbox.tallies(), Counter[str]()
    for tally in tallies:
        counts[tally.state.value] += tally.count
    unapproved = tuple(_unapproved(facts, store))
    return replace(
        facts,
        machines=machines,
        silent={
            str(beat.facts.get("machine")): shown(beat.beat_at, facts.zone)
            for beat in store.workers.silent(now, MISSED)
        },
        paused=pause.text(facts.zone) if pause else "",
        pauses=store.pauses.lasting(),
        settling=store.restore_guard.reason() or "",
        accounts=tuple(_accounts(replace(facts, unapproved=unapproved), store, clock)),
        held=store.outbox.find(states={State.HELD, State.FAILED}),
        unapproved=unapproved,
        counts=counts,
        alarms=[row for row in store.audit.rows(since=now - LATELY) if row.verb in ALARMING],
        last_sent=max((tally.last_sent for tally in tallies if tally.last_sent), default=None),
    )


def _accounts(facts: ServiceFacts, store: Store, clock: Clock) -> Iterator[AccountFacts]:
    states = {state.name: state for state in store.accounts.all()}
    named = facts.schedule.accounts if facts.schedule else {}
    next_due = store.outbox.next_due(facts.now)
    for name in named or states:
        account, state, due = named.get(name), states.get(name), next_due.get(name)
        lacks = (lack for row, lack in facts.unapproved if (row.account, row.due_at) == (name, due))
        yield AccountFacts(
            name=name,
            platform=(account or states[name]).platform,
            stops=state.stops if state else {},
            budget=account.budget_usd_per_month if account else None,
            budget_left=budget_left(store.ledger, account, clock) if account else None,
            next_due=due,
            waiting=store.outbox.overdue(name, facts.now),
            missing=next(lacks, 0),
        )


def _unapproved(facts: ServiceFacts, store: Store) -> Iterator[tuple[Delivery, int]]:
    if facts.schedule is None:
        return
    consents = Consents(store, facts.schedule)
    for row in store.outbox.find(states={State.PLANNED}, until=facts.now + AHEAD):
        missing = consents.of(row.publication).missing
        if row.part == 0 and missing:
            yield row, missing


@dataclass(slots=True)
class Inspector:
    """Remembers what is broken until the service is started again, on a sound database."""

    store: Store
    #: What is broken; empty while nothing is known to be.
    damage: str = ""
    #: What the log of decisions does not confirm.
    forged: str = ""
    #: The start has just proved all but references.
    _is_proved: bool = True
    #: Where the log ended when it was last right, and how many looks ago all of it was read.
    _verified: tuple[int, str] | None = None
    _looks: int = 0

    def run(self) -> None:
        """Look through the whole database and the log; may take seconds where they are large.

        The first look leaves out what the start has just proved. StoreError where it cannot be
        looked at now, which is no proof of anything.
        """
        after_start, self._is_proved = self._is_proved, False
        found = self.store.find_damage(after_start=after_start)
        if found and not self.damage:
            log.critical("the database is broken; nothing is sent", damage=found)
            self.damage = found
        if not self.damage:
            self._verify()

    def _verify(self) -> None:
        """Prove the log of decisions: what is new in it, and all of it each seventh time."""
        head, since = self.store.audit.head(), self._verified if self._looks % 7 else None
        found = self.store.audit_problems(since=since)
        # Who decides just now writes between two reads: what is forged is so at a second look.
        found = found and self.store.audit_problems()
        self._looks, self._verified = self._looks + 1, None if found else head
        self.forged = "; ".join(found[:5])
        if found:
            log.critical("the log of decisions does not confirm the database", found=found)

    def unless_broken(self, job: Callable[[], None]) -> Callable[[], None]:
        """Return the job, which leaves a broken database alone: each write could break more."""

        def run() -> None:
            if not self.damage:
                job()

        return run
