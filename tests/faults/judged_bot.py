"""A bot with one post, against the networks behind fault proxies; their ledger judges it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.fakes.faultproxy import Fault, FaultProxy
from tests.faults.ledgers import Networks
from tests.faults.networks import PUBLISH
from tests.faults.prepared import LeadingClock, PreparedBot, prepare_campaign
from tests.faults.reporting import judged_by_ledger

DUE_IN = timedelta(seconds=30)


class JudgedBot(PreparedBot):
    """One post to these accounts, due in half a minute of its own time."""

    clock: LeadingClock

    def __init__(
        self, folder: Path, world: Networks, accounts: Iterable[str] = "xmb", *, long: bool = False
    ) -> None:
        self.world = world
        world.forget()
        clock = LeadingClock(world.set_ahead)
        self.proxies = {name: FaultProxy(world.origins[name]) for name in accounts}
        self.due = clock.now().replace(microsecond=0) + DUE_IN
        origins = {name: proxy.origin for name, proxy in self.proxies.items()}
        campaign = prepare_campaign(folder, origins, long=long)
        campaign.empty()
        super().__init__(campaign.due_at(self.due), clock)

    def spoil(self, account: str, fault: Fault, *, times: int = 1, match: str = "") -> None:
        """Let a fault befall the next requests; those that publish, where nothing else is said."""
        self.proxies[account].spoil(match or PUBLISH[account], fault, times=times)

    def run(self) -> dict[str, Any]:
        """Start, go on until all is at rest, and judge."""
        self.start()
        return self.result()

    def result(self) -> dict[str, Any]:
        """Go on until all is at rest, and hold the outbox against the ledger."""
        self.finish()
        return judged_by_ledger(self.rows(), self.world.taken())

    def calls(self, account: str) -> int:
        """Count the requests to publish that reached the proxy."""
        words = {"x": "POST /2/tweets ", "m": "POST /api/v1/statuses ", "b": "putRecord "}
        return sum(words[account] in line for line in self.proxies[account].seen)

    def close(self) -> None:
        self.stop()
        for proxy in self.proxies.values():
            proxy.close()
