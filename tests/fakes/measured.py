"""An account whose numbers are read as the service reads them, from a server or as written down."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bot.clock import FastClock
from bot.content.model import Account
from bot.engagement.collector import Collector
from bot.engagement.snapshots import SnapshotState
from bot.planning.store import Store
from bot.platforms.base import Platform, Profile
from bot.platforms.registry import PLATFORMS
from bot.platforms.spec import Limits, PlatformSpec
from bot.platforms.status import Draft, Metrics, PostRef, Status
from tests.fakes.engaged import publish_row
from tests.fakes.written import campaign
from tests.integration.store_rows import new_publication


@dataclass
class CountedPlatform:
    """One account's numbers."""

    numbers: dict[str, Metrics] = field(default_factory=dict)
    #: Live, but the answer does not mention them.
    silent: set[str] = field(default_factory=set)
    #: Raised by the next reads, one each.
    errors: deque[Exception] = field(default_factory=deque)
    #: Raised by the next looks at the account.
    unseen: deque[Exception] = field(default_factory=deque)
    followers: int | None = None
    #: Ids of each read, in order.
    reads: list[tuple[str, ...]] = field(default_factory=list)
    profiles: int = 0

    @property
    def spec(self) -> PlatformSpec:
        return PLATFORMS["bluesky"].spec

    def metrics(self, refs: Sequence[PostRef]) -> Mapping[PostRef, Metrics]:
        self.reads.append(tuple(sorted(ref.id for ref in refs)))
        if self.errors:
            raise self.errors.popleft()
        return {ref: self.numbers[ref.id] for ref in refs if ref.id in self.numbers}

    def exists(self, ref: PostRef) -> bool:
        return ref.id in self.numbers or ref.id in self.silent

    def profile(self) -> Profile:
        self.profiles += 1
        if self.unseen:
            raise self.unseen.popleft()
        return Profile("1", "voice", True, self.followers)

    def hide_reply(self, ref: PostRef, address: str) -> None:
        raise NotImplementedError

    def revoke_quote(self, ref: PostRef, address: str) -> None:
        raise NotImplementedError

    def locate(self, address: str) -> PostRef | None:
        raise NotImplementedError

    def abilities(self) -> Mapping[str, str]:
        raise NotImplementedError

    def limits(self) -> Limits:
        raise NotImplementedError

    def prepare(self, status: Status, **_: object) -> Draft:
        raise NotImplementedError

    def publish(self, draft: Draft) -> PostRef:
        raise NotImplementedError

    def find(self, draft: Draft) -> PostRef | None:
        raise NotImplementedError

    def delete(self, ref: PostRef) -> bool:
        raise NotImplementedError

    def recent(self) -> Sequence[PostRef]:
        return ()

    def close(self) -> None:
        """Hold nothing."""


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
        due = [snapshot for snapshot in self.store.snapshots.each() if snapshot.age_label == age]
        self.clock.advance(min(one.due_at for one in due) - self.clock.now())
        self.collector.run()

    def taken(self, id_: str, age: str) -> Metrics:
        found = next(
            snapshot for snapshot in self.store.snapshots.of(id_) if snapshot.age_label == age
        )
        assert found.outcome is SnapshotState.TAKEN, found
        return found.metrics
