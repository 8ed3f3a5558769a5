"""A platform without a network: each call does what a test wrote down, and a ledger tells all."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.platforms.base import Connection, PictureReader, Platform, Profile
from bot.platforms.registry import PLATFORMS, RegisteredPlatform
from bot.platforms.spec import Charge, Limits, PlatformSpec
from bot.platforms.status import Draft, Metrics, PostRef, ReplyTo, Status


@dataclass(frozen=True, slots=True)
class Published:
    """One status that the server keeps; it knows no keys, so a second copy would show."""

    id: str
    key: str
    text: str
    parent: str | None
    at: str


@dataclass(frozen=True, slots=True)
class PublishCall:
    """What one call to publish does."""

    #: Raised in place of an answer.
    error: Exception | None = None
    #: The status is kept, whatever is answered.
    keeps: bool = True
    #: Happens in the middle of the call.
    meanwhile: Callable[[], None] = lambda: None


@dataclass
class Server:
    """One account's side of a network; it outlives the bot."""

    live: list[Published] = field(default_factory=list)
    #: What the next calls to publish do; without any all is well.
    steps: deque[PublishCall] = field(default_factory=deque)
    #: Happens once, in the middle of the next call to prepare.
    before_prepare: Callable[[], None] | None = None
    #: The same of the next read.
    before_find: Callable[[], None] | None = None
    #: Raised by the next calls to prepare.
    unprepared: deque[Exception] = field(default_factory=deque)
    #: Raised by the next reads.
    unread: deque[Exception] = field(default_factory=deque)
    #: So many reads more see nothing, as of a timeline that lags.
    blind: int = 0
    #: Raised by every look at the account.
    unseen: Exception | None = None
    profile: Profile = field(default_factory=lambda: Profile("1", "", True))
    limits: Limits | None = None
    calls: list[str] = field(default_factory=list)
    #: Replies that were hidden and quotes that were revoked, with whose they were.
    turned_away: list[tuple[str, str]] = field(default_factory=list)

    def fails(self, error: Exception, *, keeps: bool = False) -> None:
        """Let the next call to publish end so."""
        self.steps.append(PublishCall(error, keeps))

    @property
    def texts(self) -> list[str]:
        return [status.text for status in self.live]


@dataclass
class Scripted:
    """The adapter of one account."""

    spec: PlatformSpec
    connection: Connection
    server: Server

    def profile(self) -> Profile:
        self._called("profile")
        if self.server.unseen is not None:
            raise self.server.unseen
        return self.server.profile

    def limits(self) -> Limits:
        return self.server.limits or self.spec.limits

    def prepare(
        self,
        status: Status,
        *,
        key: str,
        at: datetime,
        reply_to: ReplyTo | None,
        pictures: PictureReader,
    ) -> Draft:
        self._called("prepare")
        happens, self.server.before_prepare = self.server.before_prepare, None
        if happens is not None:
            happens()
        if self.server.unprepared:
            raise self.server.unprepared.popleft()
        for picture in status.pictures:
            pictures(picture)
        parent = reply_to.parent.id if reply_to else None
        root = reply_to.root.id if reply_to else None
        charges = [[charge.action, charge.units] for charge in self.spec.charges(status)]
        return Draft(
            key,
            {
                "text": status.text,
                "at": at.isoformat(),
                "parent": parent,
                "root": root,
                "charges": charges,
            },
        )

    def publish(self, draft: Draft) -> PostRef:
        self._pay(draft)
        self._called("publish")
        step = self.server.steps.popleft() if self.server.steps else PublishCall()
        step.meanwhile()
        ref = self._keep(draft) if step.keeps else None
        if step.error is not None or ref is None:
            raise step.error or AssertionError("a step that keeps nothing needs an error")
        return ref

    def _pay(self, draft: Draft) -> None:
        meter = self.connection.meter
        for charge in _charges(draft):
            meter.settle(meter.reserve(charge), charge.units)

    def _keep(self, draft: Draft) -> PostRef:
        number = str(len(self.server.live) + 1)
        body = draft.body
        self.server.live.append(
            Published(number, draft.key, body["text"], body["parent"], body["at"])
        )
        return PostRef(number, f"https://{self.connection.account.name}.example/{number}")

    def find(self, draft: Draft) -> PostRef | None:
        self._called("find")
        happens, self.server.before_find = self.server.before_find, None
        if happens is not None:
            happens()
        if self.server.unread:
            raise self.server.unread.popleft()
        if self.server.blind:
            self.server.blind -= 1
            return None
        found = [status for status in self.server.live if status.key == draft.key]
        return PostRef(found[0].id) if found else None

    def delete(self, ref: PostRef) -> bool:
        before = len(self.server.live)
        self.server.live = [status for status in self.server.live if status.id != ref.id]
        return len(self.server.live) < before

    def exists(self, ref: PostRef) -> bool:
        return any(status.id == ref.id for status in self.server.live)

    def locate(self, address: str) -> PostRef | None:
        last = address.rpartition("/")[2]
        is_live = any(status.id == last for status in self.server.live)
        return PostRef(last, address) if is_live else None

    def abilities(self) -> Mapping[str, str]:
        return {}

    def hide_reply(self, ref: PostRef, address: str) -> None:
        self.server.turned_away.append((ref.id, address))

    def revoke_quote(self, ref: PostRef, address: str) -> None:
        self.server.turned_away.append((ref.id, address))

    def metrics(self, refs: Sequence[PostRef]) -> Mapping[PostRef, Metrics]:
        return {ref: Metrics() for ref in refs if self.exists(ref)}

    def recent(self) -> Sequence[PostRef]:
        return [
            PostRef(status.id, f"https://{self.connection.account.name}.example/{status.id}")
            for status in reversed(self.server.live)
        ]

    def close(self) -> None:
        self._called("close")

    def _called(self, what: str) -> None:
        self.server.calls.append(what)


def _charges(draft: Draft) -> Sequence[Charge]:
    return [Charge(action, units) for action, units in draft.body["charges"]]


def network(servers: Mapping[str, Server]) -> dict[str, RegisteredPlatform]:
    """Return every platform with its own spec, and accounts that these servers keep."""

    def connect_with(spec: PlatformSpec) -> Callable[[Connection], Platform]:
        def connect(connection: Connection) -> Platform:
            return Scripted(spec, connection, servers[connection.account.name])

        return connect

    return {
        name: RegisteredPlatform(replace(kind.spec, secrets=()), connect_with(kind.spec))
        for name, kind in PLATFORMS.items()
    }
