"""The whole bot in this process, with real adapters, against the networks behind fault proxies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bot.delivery.model import Delivery, State
from bot.engine.service import Bot
from tests.fakes.faultproxy import Fault, FaultProxy
from tests.faults.ledgers import Networks
from tests.faults.life import LeadingClock, approve, bot_of, drive, prepare_stage
from tests.faults.networks import PUBLISH
from tests.faults.reporting import judged

DUE_IN = timedelta(seconds=30)


class Theatre:
    """One post to these accounts, due in half a minute of its own time."""

    def __init__(
        self, folder: Path, world: Networks, accounts: Iterable[str] = "xmb", *, long: bool = False
    ) -> None:
        self.world = world
        world.forget()
        self.clock = LeadingClock(world.set_ahead)
        self.proxies = {name: FaultProxy(world.origins[name]) for name in accounts}
        origins = {name: proxy.origin for name, proxy in self.proxies.items()}
        self.due = self.clock.now().replace(microsecond=0) + DUE_IN
        self.stage = prepare_stage(folder, origins, long=long)
        self.stage.empty()
        self.stage = self.stage.due_at(self.due)
        self.bot: Bot = bot_of(self.stage, self.clock)

    def set(self, **settings: Any) -> None:
        """Go on with other settings, as after a restart."""
        known = self.stage.settings.model_copy(update=settings)
        self.stage = replace(self.stage, settings=known)
        self.restart()

    def spoil(self, account: str, fault: Fault, *, times: int = 1, match: str = "") -> None:
        """Let a fault befall the next requests; those that publish, where nothing else is said."""
        self.proxies[account].spoil(match or PUBLISH[account], fault, times=times)

    def start(self) -> None:
        self.bot.start()
        approve(self.bot, self.clock)

    def restart(self) -> None:
        self.bot.close()
        self.bot = bot_of(self.stage, self.clock)

    def play(self) -> dict[str, Any]:
        """Start, go on until all is at rest, and judge."""
        self.start()
        return self.go_on()

    def go_on(self) -> dict[str, Any]:
        drive(self.bot, self.clock)
        return self.judge()

    def until(self, moment: datetime) -> None:
        """Work up to a moment."""
        while True:
            self.bot.beat()
            for account in self.bot.busy(self.clock.now()):
                self.bot.work_account(account)
            now = self.clock.now()
            if now >= moment:
                return
            wake = self.bot.store.outbox.next_wake(now) or moment
            self.clock.jump(min(max(wake, now + timedelta(seconds=1)), moment))

    @property
    def rows(self) -> list[Delivery]:
        return [one for one in self.bot.store.outbox.find() if one.state is not State.CANCELLED]

    def states(self) -> dict[str, str]:
        return {one.account: str(one.state) for one in self.rows}

    def judge(self) -> dict[str, Any]:
        """Hold the outbox against the ledger, account by account."""
        taken = self.world.taken()
        told: dict[str, Any] = {"deliveries": 0, "once": 0, "duplicate": 0, "lost": 0, "held": {}}
        for account in self.proxies:
            seen = Counter(one.text for one in taken if one.account == account)
            one = judged([row for row in self.rows if row.account == account], seen)
            held = Counter(told["held"]) + Counter(one.pop("held"))
            told = {**{name: told[name] + one[name] for name in one}, "held": dict(held)}
        late = [(one.at - self.due).total_seconds() for one in taken]
        return {**told, "lateness": round(max(late), 1) if late else None}

    def calls(self, account: str) -> int:
        """Count the requests to publish that reached the proxy."""
        words = {"x": "POST /2/tweets ", "m": "POST /api/v1/statuses ", "b": "putRecord "}
        return sum(words[account] in line for line in self.proxies[account].seen)

    def close(self) -> None:
        self.bot.close()
        for proxy in self.proxies.values():
            proxy.close()


def total(*counted: dict[str, Any]) -> dict[str, Any]:
    """Add up what several plays counted."""
    held: Counter[str] = Counter()
    for one in counted:
        held += Counter(one["held"])
    late = [one["lateness"] for one in counted if one["lateness"] is not None]
    names = ("deliveries", "once", "duplicate", "lost")
    sums = {name: sum(one[name] for one in counted) for name in names}
    return {**sums, "held": dict(held), "lateness": max(late, default=None)}
