"""An account whose numbers are read as the service reads them, from a server of the tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.clock import FastClock
from bot.content.model import Account
from bot.engagement.collector import Collector
from bot.engagement.snapshots import SnapshotState
from bot.planning.store import Store
from bot.platforms.base import Platform
from bot.platforms.registry import PLATFORMS
from bot.platforms.status import Metrics, PostRef, Status
from tests.fakes.engaged import publish_row
from tests.fakes.written import campaign
from tests.integration.store_rows import new_publication


@dataclass
class MeasuredAccount:
    """One account on a moved clock, with a real database and a real adapter."""

    store: Store
    account: Account
    connect: Callable[[FastClock], Platform]
    clock: FastClock

    def __post_init__(self) -> None:
        self.platform = self.connect(self.clock)
        self.campaign = campaign(accounts=[self.account])
        self.store.accounts.sync([self.account], self.clock.now())
        self.collector = Collector(
            self.store, self.clock, lambda: self.campaign, lambda _name: self.platform,
            lambda name: PLATFORMS[name].spec,
        )  # fmt: skip

    def publish(self, text: str, id_: str = "") -> PostRef:
        """Publish through the adapter, and note it as the publisher does."""
        id_ = id_ or text
        made = new_publication(
            Status(text), id=id_, post_id=id_, account=self.account.name,
            platform=self.account.platform, due_at=self.clock.now(),
        )  # fmt: skip
        return publish_row(self.store, made, self.platform, self.clock.now())

    def at(self, age: str) -> None:
        """Move to an age of what was published first, and collect as the service does."""
        due = [snapshot for snapshot in self.store.snapshots.find() if snapshot.age_label == age]
        self.clock.advance(min(one.due_at for one in due) - self.clock.now())
        self.collector.run()

    def taken(self, id_: str, age: str) -> Metrics:
        found = next(
            snapshot for snapshot in self.store.snapshots.of(id_) if snapshot.age_label == age
        )
        assert found.outcome is SnapshotState.TAKEN, found
        return found.metrics
