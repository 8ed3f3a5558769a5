"""A platform that tells the numbers a test wrote down; nothing can be published there."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.platforms.base import Profile
from bot.platforms.registry import PLATFORMS
from bot.platforms.spec import Limits, PlatformSpec
from bot.platforms.status import Draft, Metrics, PostRef, Status


@dataclass
class Counted:
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

    def close(self) -> None:
        """Hold nothing."""
