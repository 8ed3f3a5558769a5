"""5,000 deliveries due in one minute over 500 accounts: how late, in which order, within the caps.

``python -m benchmarks.load [--accounts 500] [--deliveries 5000] [--over 60] [--call 0.2]`` works
a SQLite database with the service's own scheduler and a platform that takes so long for each call.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from bot.authority.users import Role
from bot.clock import SystemClock
from bot.content.model import Account, Campaign, Mode, Schedule
from bot.db.diskspace import Room
from bot.delivery.decide import Policy
from bot.delivery.model import State
from bot.delivery.publications import FixedTime, NewPart, NewPublication, Publication
from bot.delivery.publisher import Publisher, Releaser
from bot.engine.scheduler import AccountWorkers, Service
from bot.log import configure
from bot.operations.opening import open_store
from bot.planning.store import Store
from bot.platforms.base import Platform
from bot.platforms.registry import PLATFORMS
from bot.platforms.spec import ReadBackPolicy
from bot.platforms.status import Draft, PostRef, Status

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
    given = parser.parse_args()
    configure(form="json", level="ERROR")
    with tempfile.TemporaryDirectory() as folder:
        return _run(Path(folder), given)


def _run(folder: Path, given: argparse.Namespace) -> int:
    store = open_store(f"sqlite:///{folder / 'load.db'}", create=True, room=Room(0, 0))
    accounts = _accounts(given)
    due = datetime.now(UTC) + timedelta(seconds=5 + given.deliveries / 1500)
    _plan(store, accounts, due, given)
    platforms = {one.name: Slow(given.call) for one in accounts}
    campaign, stop = _campaign(accounts), threading.Event()
    clock = SystemClock()
    publisher = Publisher(
        store, clock, lambda: campaign, lambda name: _as_platform(platforms[name]),
        Releaser(store, clock, lambda: campaign),
        lambda _row: Policy(ReadBackPolicy()), "load",
    )  # fmt: skip
    workers = AccountWorkers(store.outbox.accounts_with_work, publisher.run, store.outbox.next_wake)
    service = Service(clock, workers, (), stop=stop)
    thread = threading.Thread(target=service.run)
    thread.start()
    wanted = _wanted(accounts, given.deliveries)
    while len(_taken(platforms)) < wanted and not _is_stuck(store, platforms, due):
        time.sleep(0.5)
    stop.set()
    thread.join()
    return _report(store, platforms, accounts, due, given)


def _taken(platforms: dict[str, Slow]) -> list[datetime]:
    return [at for one in platforms.values() for at, _text in one.taken]


def _is_stuck(store: Store, platforms: dict[str, Slow], due: datetime) -> bool:
    """Tell whether a post was held, or nothing went out for a minute since the first was due."""
    quiet = datetime.now(UTC) - max([due, *_taken(platforms)])
    return quiet > _STUCK or bool(store.outbox.find(states={State.HELD}))


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
    platforms: dict[str, Slow],
    accounts: list[Account],
    due: datetime,
    given: argparse.Namespace,
) -> int:
    rows = store.outbox.find()
    moments = {(row.account, row.status.text): row.due_at or due for row in rows}
    late = sorted(
        (at - moments[name, text]).total_seconds()
        for name, one in platforms.items()
        for at, text in one.taken
    )
    if not late:
        print(f"nothing went out: {rows[0].reason}")
        return 1
    disorder = sum(
        before[1] > after[1] for one in platforms.values() for before, after in pairwise(one.taken)
    )
    seen: dict[str, int] = defaultdict(int)
    for one in platforms.values():
        for _at, text in one.taken:
            seen[text] += 1
    took = (max(_taken(platforms)) - due).total_seconds()
    sent = sum(row.state is State.SENT for row in rows)
    twice = sum(count > 1 for count in seen.values())
    over = sum(len(platforms[one.name].taken) > (one.max_per_hour or sys.maxsize)
               for one in accounts)  # fmt: skip
    wanted = _wanted(accounts, given.deliveries)
    print(
        f"{len(late)} of {given.deliveries} taken in {took:.1f} s ({len(late) / took:.0f}/s),"
        f" sent {sent}, kept for later {given.deliveries - wanted}, twice {twice},"
        f" out of order {disorder}, over their cap {over};"
        f" lateness p50 {late[len(late) // 2]:.1f} s, p99 {late[int(len(late) * 0.99)]:.1f} s,"
        f" max {late[-1]:.1f} s"
    )
    store.close()
    return 1 if twice or disorder or over or sent != wanted else 0


if __name__ == "__main__":
    sys.exit(main())
