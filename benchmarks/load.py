"""5,000 deliveries due in one minute over 500 accounts: how late, in which order, within the caps.

``python -m benchmarks.load [--accounts 500] [--deliveries 5000] [--over 60] [--call 0.2]`` works
a SQLite database with the service's own scheduler and a platform that takes so long for each call;
``--replicas 4`` lets so many processes work a PostgreSQL database. Promptness where nothing piles
up: ``--accounts 50 --deliveries 1000 --over 600``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from sqlalchemy import func, select

from bot.authority.users import Role
from bot.clock import SystemClock
from bot.content.model import Account, Campaign, Mode, Schedule
from bot.db.sqlite import Room
from bot.delivery.decide import Policy
from bot.delivery.model import FixedTime, NewPart, NewPublication, Publication, State
from bot.delivery.publisher import Publisher, Releaser
from bot.delivery.tables import delivery
from bot.engine.scheduler import AccountWorkers, Service
from bot.log import configure
from bot.operations.opening import open_store
from bot.planning.store import Store
from bot.platforms.base import Platform
from bot.platforms.registry import PLATFORMS
from bot.platforms.spec import ReadBackPolicy
from bot.platforms.status import Draft, PostRef, Status
from tests.servers.postgres import cluster

#: Nothing more goes out where nothing did for so long.
_STUCK = timedelta(minutes=1)


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


def main() -> int:
    """Run, and print what came of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--accounts", type=int, default=500)
    parser.add_argument("--deliveries", type=int, default=5000)
    parser.add_argument("--over", type=float, default=60, help="seconds over which they are due")
    parser.add_argument("--call", type=float, default=0.2, help="seconds that each call takes")
    parser.add_argument("--replicas", type=int, default=0, help="on PostgreSQL; 0 is SQLite")
    parser.add_argument("--work", nargs=2, metavar=("URL", "FILE"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    configure(form="json", level="ERROR")
    if given.work:
        return _work(given.work[0], Path(given.work[1]), given)
    with tempfile.TemporaryDirectory() as folder:
        if not given.replicas:
            return _run(Path(folder), f"sqlite:///{folder}/load.db", given)
        with cluster() as server, server.database() as url:
            return _run(Path(folder), url, given)


def _run(folder: Path, url: str, given: argparse.Namespace) -> int:
    """Plan, and let processes of their own send; each writes down what its platforms took."""
    store = open_store(url, create=True, room=Room(0, 0), data=folder)
    accounts = _accounts(given)
    due = datetime.now(UTC) + timedelta(seconds=8 + given.deliveries / 1000)
    _plan(store, accounts, due, given)
    files = [folder / f"taken-{number}" for number in range(max(1, given.replicas))]
    options = ["--accounts", str(given.accounts), "--deliveries", str(given.deliveries),
               "--call", str(given.call)]  # fmt: skip
    children = [
        subprocess.Popen((sys.executable, "-m", __spec__.name, "--work", url, str(file), *options),
                         stdin=subprocess.PIPE)
        for file in files
    ]  # fmt: skip
    wanted, last, since = _wanted(accounts, given.deliveries), 0, due
    while (sent := _sent(store)) < wanted and datetime.now(UTC) - since < _STUCK:
        # Nothing more goes out where a post was held, or nothing did for a minute.
        if sent != last or datetime.now(UTC) < due:
            last, since = sent, max(due, datetime.now(UTC))
        time.sleep(0.5)
    for child in children:
        child.communicate(timeout=120)
    platforms: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
    for file in files:
        for name, at, text in json.loads(file.read_text()):
            platforms[name].append((datetime.fromisoformat(at), text))
    return _report(store, {name: sorted(taken) for name, taken in platforms.items()}, accounts,
                   due, given)  # fmt: skip


def _sent(store: Store) -> int:
    query = select(func.count()).where(delivery.c.state == State.SENT)
    with store._db.read() as connection:
        return int(connection.execute(query).scalar_one())


def _work(url: str, file: Path, given: argparse.Namespace) -> int:
    """Send as one replica until nobody holds standard input any more."""
    own = file.with_suffix(".data") if given.replicas else file.parent
    own.mkdir(exist_ok=True)
    store = open_store(url, create=False, room=Room(0, 0), data=own)
    accounts = _accounts(given)
    platforms = {one.name: Slow(given.call) for one in accounts}
    campaign, stop, clock = _campaign(accounts), threading.Event(), SystemClock()
    publisher = Publisher(
        store, clock, lambda: campaign, lambda name: _as_platform(platforms[name]),
        Releaser(store, clock, lambda: campaign),
        lambda _row: Policy(ReadBackPolicy()), file.name,
    )  # fmt: skip
    workers = AccountWorkers(store.outbox.accounts_with_work, publisher.run, store.outbox.next_wake)
    thread = threading.Thread(target=Service(clock, workers, (), stop=stop).run)
    thread.start()
    sys.stdin.read()
    stop.set()
    thread.join()
    taken = [(name, at.isoformat(), text)
             for name, one in platforms.items() for at, text in one.taken]  # fmt: skip
    file.write_text(json.dumps(taken))
    store.close()
    return 0


def _accounts(given: argparse.Namespace) -> list[Account]:
    """Make accounts, each tenth of which may have half of what is due on it in this hour."""
    half = max(1, given.deliveries // given.accounts // 2)
    return [
        Account(f"a{number}", "bluesky", max_per_hour=None if number % 10 else half)
        for number in range(given.accounts)
    ]


def _wanted(accounts: list[Account], deliveries: int) -> int:
    """Count what may go out now: all but what the caps keep for later."""
    each = deliveries // len(accounts)
    return sum(min(each, one.max_per_hour or each) for one in accounts)


def _as_platform(slow: Slow) -> Platform:
    platform: Platform = slow  # type: ignore[assignment] # only what publishing needs
    return platform


def _plan(store: Store, accounts: list[Account], due: datetime, given: argparse.Namespace) -> None:
    now, names = datetime.now(UTC), [one.name for one in accounts]
    store.accounts.sync(accounts, now)
    for name in ("Ann", "Ben", "Cy"):
        store.users.add(name, frozenset({Role.APPROVER}), "no password", now)
    for name in ("Ann", "Ben"):
        store.approvals.approve("f" * 64, "load", by=name, note="", now=now)
    each = given.deliveries // len(names)
    news = [
        NewPublication(
            Publication(
                id=f"{name}/{number}", account=name, platform="bluesky", post_id="load",
                occurrence=FixedTime(str(number)), parts=1,
                due_at=due + timedelta(seconds=given.over * number / each),
                not_after=due + timedelta(hours=2), fingerprint="f" * 64, author="Cy",
                graphic=False,
            ),
            (NewPart(Status(f"{number:05} of {name}").to_json()),),
            (f"{name}/{number}",),
        )
        for name in names
        for number in range(each)
    ]  # fmt: skip
    store.outbox.add(*news, now=now)


def _campaign(accounts: list[Account]) -> Campaign:
    schedule = Schedule(
        campaign="load", timezone="UTC", mode=Mode.LIVE, approvals_required=2,
        not_after=timedelta(hours=2), accounts={one.name: one for one in accounts},
    )  # fmt: skip
    return Campaign(replace(schedule), (), {}, {}, "")


def _report(
    store: Store,
    platforms: Mapping[str, list[tuple[datetime, str]]],
    accounts: list[Account],
    due: datetime,
    given: argparse.Namespace,
) -> int:
    rows = store.outbox.find()
    moments = {(row.account, row.status.text): row.due_at or due for row in rows}
    late = sorted(
        (at - moments[name, text]).total_seconds()
        for name, taken in platforms.items()
        for at, text in taken
    )
    if not late:
        print(f"nothing went out: {rows[0].reason}")
        return 1
    disorder = sum(
        before[1] > after[1] for taken in platforms.values() for before, after in pairwise(taken)
    )
    seen: dict[str, int] = defaultdict(int)
    for taken in platforms.values():
        for _at, text in taken:
            seen[text] += 1
    took = (max(taken[-1][0] for taken in platforms.values()) - due).total_seconds()
    # Fair: the account that waits longest on average, against the median one.
    waits = sorted(
        statistics.fmean((at - moments[name, text]).total_seconds() for at, text in taken)
        for name, taken in platforms.items()
    )
    sent = sum(row.state is State.SENT for row in rows)
    twice = sum(count > 1 for count in seen.values())
    over = sum(len(platforms.get(one.name, ())) > (one.max_per_hour or sys.maxsize)
               for one in accounts)  # fmt: skip
    wanted = _wanted(accounts, given.deliveries)
    print(
        f"{len(late)} of {given.deliveries} taken in {took:.1f} s ({len(late) / took:.0f}/s),"
        f" sent {sent}, kept for later {given.deliveries - wanted}, twice {twice},"
        f" out of order {disorder}, over their cap {over};"
        f" lateness p50 {late[len(late) // 2]:.3f} s, p99 {late[int(len(late) * 0.99)]:.3f} s,"
        f" max {late[-1]:.3f} s; an account's mean: median {statistics.median(waits):.2f} s,"
        f" worst {waits[-1]:.2f} s"
    )
    store.close()
    return 1 if twice or disorder or over or sent != wanted else 0


if __name__ == "__main__":
    sys.exit(main())
