"""Many deliveries on many accounts, and replicas of the publisher that send them.

What is seeded is planned and approved as the service would have it. Each replica is a process with
the service's own scheduler and publisher, without planner, collector and desk. It speaks through
the real adapter to a stand-in of Mastodon, which notes when each request was there, or to a
platform in the same process that takes so long for each call.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select, text

from benchmarks import standin
from bot.authority.approvals import Approval
from bot.authority.users import Role
from bot.clock import SystemClock
from bot.content.model import Account, Campaign, Mode, Schedule
from bot.db.sqlite import Room
from bot.delivery.decide import Policy
from bot.delivery.model import FixedTime, NewPart, NewPublication, Publication, State
from bot.delivery.publisher import Publisher, Releaser
from bot.delivery.tables import delivery
from bot.engine.scheduler import AccountWorkers, Activity, Service
from bot.log import configure
from bot.operations.opening import open_store
from bot.planning.store import Store
from bot.platforms.base import Platform
from bot.platforms.registry import PLATFORMS
from bot.platforms.spec import ReadBackPolicy
from bot.platforms.status import Draft, PostRef, Status
from tests.fakes.mastodon_voice import adapter
from tests.servers import ending
from tests.servers.postgres import cluster

#: Nothing more goes out where nothing did for so long; and nobody waits for longer in all.
_STUCK, _LONGEST = timedelta(minutes=1), timedelta(minutes=20)
_COUNTED = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = "
_COUNTED += "current_database()"


@dataclass(frozen=True, slots=True)
class Load:
    """What is due, where and when."""

    accounts: int
    deliveries: int
    #: Seconds over which it is due.
    over: float
    #: On PostgreSQL; 0 is one process on SQLite.
    replicas: int = 0
    #: Each delivery has a moment of its own; else all accounts have the same moments.
    is_spread: bool = False
    #: Seconds that a call takes on a platform in the same process; 0 is the stand-in.
    call: float = 0.0
    #: Each tenth account may have half of what is due on it.
    has_caps: bool = False

    @property
    def each(self) -> int:
        return self.deliveries // self.accounts

    @property
    def names(self) -> dict[str, Account]:
        half = max(1, self.each // 2) if self.has_caps else None
        return {
            f"a{number}": Account(f"a{number}", "bluesky" if self.call else "mastodon",
                                  max_per_hour=None if number % 10 else half)
            for number in range(self.accounts)
        }  # fmt: skip

    @property
    def wanted(self) -> int:
        """Count what may go out now: all but what the caps keep for later."""
        return sum(min(self.each, one.max_per_hour or self.each) for one in self.names.values())

    def after(self, account: int, number: int) -> float:
        """Return the seconds from the first moment to that of an account's delivery."""
        share = number + account / self.accounts if self.is_spread else number
        return self.over * share / self.each


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of a load: by account what was taken when, with its lateness in seconds."""

    taken: Mapping[str, Sequence[tuple[datetime, str]]]
    late: Mapping[str, Sequence[float]]
    #: From the first moment to the last request.
    seconds: float
    sent: int
    #: All of the database's, from the first moment on; 0 on SQLite, which does not count.
    transactions: int = 0
    lateness: list[float] = field(init=False)

    def __post_init__(self) -> None:
        every = sorted(late for account in self.late.values() for late in account)
        object.__setattr__(self, "lateness", every)

    def percentile(self, share: float) -> float:
        """Return the least lateness that so large a share of all did not exceed."""
        return self.lateness[max(0, math.ceil(share * len(self.lateness)) - 1)]

    @property
    def rate(self) -> float:
        return len(self.lateness) / self.seconds

    @property
    def fairness(self) -> float:
        """Return Jain's index of what each account had out when half of all was out."""
        moments = sorted(at for listed in self.taken.values() for at, _text in listed)
        half = moments[(len(moments) - 1) // 2]
        return jain([sum(at <= half for at, _text in listed) for listed in self.taken.values()])


def jain(shares: Sequence[float]) -> float:
    """Return Jain's fairness index: 1 where all have the same, 1/n where one has all."""
    squares = sum(share * share for share in shares)
    return sum(shares) ** 2 / (len(shares) * squares) if squares else 1.0


def send(load: Load) -> Sent:
    """Seed a database, let replicas send, and return what came of it."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = f"sqlite:///{folder}/load.db"
        if load.replicas:
            # As one would run it: what is acknowledged is on the disk.
            server = stack.enter_context(cluster(fsync="on", full_page_writes="on"))
            url = stack.enter_context(server.database())
        origin = "" if load.call else stack.enter_context(standin.started())
        store = open_store(url, create=True, room=Room(0, 0), data=folder)
        stack.callback(store.close)
        files = [folder / f"taken-{number}" for number in range(max(1, load.replicas))]
        with _replicas(load, url, origin, files):
            due = datetime.now(UTC) + timedelta(seconds=3 + load.deliveries / 250)
            seed(store, load, due)
            if datetime.now(UTC) > due:
                raise SystemExit("the machine is too busy: what was seeded is due already")
            time.sleep(max(0.0, (due - datetime.now(UTC)).total_seconds()))
            before = _transactions(store)
            _wait(store, load, due)
            after = _transactions(store)
        taken = [line for file in files for line in _lines(file)]
        return _outcome(store, load, standin.taken(origin) if origin else taken, due,
                        after - before)  # fmt: skip


def seed(
    store: Store, load: Load, due: datetime, accounts: Mapping[str, Account] | None = None
) -> None:
    """Write deliveries that two people approved, the first of them due then."""
    now, names = datetime.now(UTC), accounts or load.names
    store.accounts.sync(list(names.values()), now)
    for name in ("Ann", "Ben", "Cy"):
        store.users.add(name, frozenset({Role.APPROVER}), "no password", now)
    for name in ("Ann", "Ben"):
        store.approvals.approve(Approval("f" * 64, "load", name, "", {}, now))
    news = [
        NewPublication(
            Publication(
                id=f"{name}/{number}", account=name, platform=names[name].platform, post_id="load",
                occurrence=FixedTime(str(number)), parts=1,
                due_at=due + timedelta(seconds=load.after(place, number)),
                not_after=due + timedelta(hours=2), fingerprint="f" * 64, author="Cy",
                graphic=False,
            ),
            (NewPart(Status(f"{number:05} of {name}").to_json()),),
            (f"{name}/{number}",),
        )
        for place, name in enumerate(names)
        for number in range(load.each)
    ]  # fmt: skip
    store.outbox.add(*news, now=now)


@contextmanager
def _replicas(load: Load, url: str, origin: str, files: Sequence[Path]) -> Iterator[None]:
    """Run a replica for each file until the end of the block, once all are ready."""
    words = [json.dumps(asdict(load)), url, origin]
    with ExitStack() as stack:
        children = [
            subprocess.Popen((sys.executable, "-m", __name__, *words, str(file)),
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            for file in files
        ]  # fmt: skip
        for child in children:
            stack.enter_context(ending(child))
        for child in children:
            standin.first_line(child)
        yield
        for child in children:
            child.communicate(timeout=120)


def _wait(store: Store, load: Load, due: datetime) -> None:
    """Return once all is sent, or too little: nothing for a minute, as where a post was held."""
    query = select(func.count()).where(delivery.c.state == State.SENT)
    last, since = 0, due
    while True:
        with store._db.read() as connection:
            sent = int(connection.execute(query).scalar_one())
        now = datetime.now(UTC)
        if sent >= load.wanted or now - since > _STUCK or now - due > _LONGEST:
            return
        if sent != last:
            last, since = sent, now
        time.sleep(0.5)


def _transactions(store: Store) -> int:
    if store.is_sqlite:
        return 0
    with store._db.read() as connection:
        return int(connection.execute(text(_COUNTED)).scalar_one())


def _outcome(
    store: Store,
    load: Load,
    calls: Sequence[tuple[str, datetime, str]],
    due: datetime,
    transactions: int,
) -> Sent:
    taken: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
    for name, at, words in sorted(calls, key=lambda call: call[1]):
        taken[name].append((at, words))
    names = {name: place for place, name in enumerate(load.names)}
    late = {
        name: [(at - due).total_seconds() - load.after(names[name], int(words[:5]))
               for at, words in listed]
        for name, listed in taken.items()
    }  # fmt: skip
    query = select(func.count()).where(delivery.c.state == State.SENT)
    with store._db.read() as connection:
        sent = int(connection.execute(query).scalar_one())
    if not calls:
        raise SystemExit(f"nothing went out: {store.outbox.find()[0].reason}")
    seconds = (max(at for _name, at, _words in calls) - due).total_seconds()
    return Sent(taken, late, seconds, sent, transactions)


def all_once(load: Load, sent: Sent) -> Sent:
    """Return the same; SystemExit unless each delivery was taken exactly once."""
    texts = [words for listed in sent.taken.values() for _at, words in listed]
    if not len(set(texts)) == len(texts) == sent.sent == load.wanted:
        raise SystemExit(
            f"{load}: {len(texts)} taken, {len(set(texts))} different, {sent.sent} sent"
        )
    return sent


class Slow:
    """An account's platform: each call takes a while; it remembers when it took what."""

    spec = PLATFORMS["bluesky"].spec

    def __init__(self, call: float) -> None:
        self._call = call
        self._event = threading.Event()
        self.taken: list[tuple[datetime, str]] = []

    def prepare(self, status: Status, *, key: str, **_rest: object) -> Draft:
        return Draft(key, {"text": status.text})

    def publish(self, draft: Draft) -> PostRef:
        self._event.wait(self._call)
        self.taken.append((datetime.now(UTC), str(draft.body["text"])))
        return PostRef(f"at://x/{len(self.taken)}")


def _work(load: Load, url: str, origin: str, file: Path) -> None:
    """Send as one replica until nobody holds standard input any more."""
    own = file.with_suffix(".data") if load.replicas else file.parent
    own.mkdir(exist_ok=True)
    store = open_store(url, create=False, room=Room(0, 0), data=own)
    slow = {name: Slow(load.call) for name in load.names if load.call}
    # An adapter of the stand-in's asks nothing before its first call.
    real = {name: adapter(origin, name) for name in load.names if origin}
    campaign, stop, clock = _campaign(load), threading.Event(), SystemClock()
    activity = Activity(clock)

    def platform(name: str) -> Platform:
        found: Platform = real[name] if real else slow[name]  # type: ignore[assignment] # only what publishing needs
        return found

    publisher = Publisher(
        store, clock, lambda: campaign, platform, Releaser(store, clock, lambda: campaign),
        lambda _row: Policy(ReadBackPolicy()), file.name, on_step=activity.step,
    )  # fmt: skip
    workers = AccountWorkers(store.outbox.accounts_with_work, publisher.run, store.outbox.next_wake)
    thread = threading.Thread(target=Service(clock, workers, (), stop=stop, activity=activity).run)
    thread.start()
    print("ready", flush=True)
    sys.stdin.read()
    stop.set()
    thread.join()
    lines = [(name, at.isoformat(), words) for name, one in slow.items() for at, words in one.taken]
    file.write_text(json.dumps(lines))
    store.close()


def _lines(file: Path) -> list[tuple[str, datetime, str]]:
    read = json.loads(file.read_text())
    return [(name, datetime.fromisoformat(at), words) for name, at, words in read]


def _campaign(load: Load) -> Campaign:
    schedule = Schedule(
        campaign="load", timezone="UTC", mode=Mode.LIVE, approvals_required=2,
        not_after=timedelta(hours=2), accounts=load.names,
    )  # fmt: skip
    return Campaign(schedule, (), {}, {}, "")


def main() -> int:
    """Work as one replica; `send` starts it."""
    parser = argparse.ArgumentParser()
    for name in ("load", "url", "origin", "file"):
        parser.add_argument(name)
    given = parser.parse_args()
    configure(form="json", level="ERROR")
    _work(Load(**json.loads(given.load)), given.url, given.origin, Path(given.file))
    return 0


if __name__ == "__main__":
    sys.exit(main())
