"""Reads what each post brought, when it is time, and what came of each read.

What is due stands in the database, so a restart or a second worker neither skips a read nor
repeats one. A read that fails is tried again while its window is open, and is then a failed read;
nothing is ever estimated.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta

from bot.clock import Clock
from bot.content.model import Account, Campaign
from bot.delivery.ledger import budget_left
from bot.delivery.lifecycle import Event
from bot.delivery.model import Delivery, State
from bot.engagement.ages import due_times, window
from bot.engagement.costs import kept_for_posts, price_of_read
from bot.engagement.snapshots import Snapshot, SnapshotState
from bot.engagement.store import EngagementStore
from bot.errors import DecisionError, OverBudgetError, PlatformError, SettingsError
from bot.log import get_logger
from bot.platforms.base import Platform
from bot.platforms.spec import PlatformSpec
from bot.platforms.status import Metrics, PostRef

log = get_logger(__name__)

ME = "collector"
#: How long a worker may take for one account's reads before another may try.
LEASE = timedelta(minutes=3)
#: Between two tries of a failed read; the shortest window is 12 minutes long.
AGAIN = timedelta(minutes=3)
#: Between two tries to learn an account's followers.
FOLLOWERS_AGAIN = timedelta(hours=1)
_TOO_DEAR = "given up for the posts to come"
_GONE = "the platform says that it is gone"


@dataclass(slots=True)
class Tally:
    """What one round of reads came to, in reads."""

    taken: int = 0
    failed: int = 0
    missed: int = 0
    gone: int = 0
    put_off: int = 0
    followers: int = 0


@dataclass(frozen=True, slots=True)
class _Read:
    """One due read and what it is of."""

    snapshot: Snapshot
    delivery: Delivery

    @property
    def closes_at(self) -> datetime:
        return window(self.delivery.sent_at or self.snapshot.due_at, self.snapshot.age_label)[1]


@dataclass(slots=True)
class Collector:
    """Takes snapshots of what is out, and each account's followers once a UTC day."""

    store: EngagementStore
    clock: Clock
    campaign: Callable[[], Campaign]
    platform: Callable[[str], Platform]
    spec: Callable[[str], PlatformSpec]
    _not_before: dict[str, datetime] = field(default_factory=dict)

    def run(self) -> Tally:
        """Read all that is due now, one account after another."""
        tally = Tally()
        self.schedule()
        for name, reads in self._due(tally).items():
            self._collect(name, reads, tally)
        for account in self.campaign().schedule.accounts.values():
            if self.store.outbox.find(states={State.SENT}, account=account.name, limit=1):
                tally.followers += self._count_followers(account)
        return tally

    def schedule(self) -> None:
        """Note when the numbers of what went out are to be read."""
        accounts = self.campaign().schedule.accounts
        for delivery_id, sent_at in self.store.snapshots.unscheduled():
            row = self.store.outbox.get(delivery_id)
            account = accounts.get(row.account) if row else None
            is_paid = account is not None and bool(self.spec(account.platform).prices)
            dues = due_times(sent_at, in_few_days=is_paid)
            self.store.snapshots.schedule(delivery_id, dues)

    def _due(self, tally: Tally) -> Mapping[str, list[_Read]]:
        now = self.clock.now()
        open_: dict[str, list[_Read]] = defaultdict(list)
        for snapshot in self.store.snapshots.claim(self.store.snapshots.due(now), now + LEASE):
            delivery = self.store.outbox.get(snapshot.delivery_id)
            if delivery is None:
                continue
            read = _Read(snapshot, delivery)
            if delivery.state is not State.SENT:
                self._put(read, SnapshotState.GONE, f"the post is {delivery.state}", tally)
            elif now > read.closes_at:
                self._close(read, tally)
            else:
                open_[delivery.account].append(read)
        return open_

    def _collect(self, name: str, reads: Sequence[_Read], tally: Tally) -> None:
        account = self.campaign().schedule.accounts.get(name)
        if account is None:
            self._put_off(reads, "the account is not in the schedule", tally)
            return
        affordable = self._affordable(account, reads, tally)
        if not affordable:
            return
        refs = list({read.delivery.ref: None for read in affordable})
        try:
            platform = self.platform(name)
            told = platform.metrics(refs)
            lost = {ref for ref in refs if ref not in told and not platform.exists(ref)}
        except OverBudgetError as error:
            self._put_off(
                affordable, f"{_TOO_DEAR}: {error}", tally, closes_as=SnapshotState.MISSED
            )
        except (PlatformError, SettingsError) as error:
            self._put_off(affordable, str(error), tally)
        else:
            for read in affordable:
                self._record(read, told, lost, tally)

    def _affordable(
        self, account: Account, reads: Sequence[_Read], tally: Tally
    ) -> Sequence[_Read]:
        """Leave out what would take money from posts: they go before numbers."""
        spec, schedule = self.spec(account.platform), self.campaign().schedule
        price = price_of_read(account, spec, schedule)
        left = budget_left(self.store.ledger, account, self.clock)
        if left is None or not price:
            return reads
        kept = kept_for_posts(self.store, account.name, self.clock.now())
        # A read that was paid for today is free, but then the meter says so; this errs on the
        # side of the posts.
        can_pay = max(0, int((left - kept) / price + 1e-9))
        dear = reads[can_pay:]
        if dear:
            why = f"{_TOO_DEAR}: ${left:.2f} are left this month and ${kept:.2f} are kept for posts"
            self._put_off(dear, why, tally, closes_as=SnapshotState.MISSED)
        return reads[:can_pay]

    def _record(
        self, read: _Read, told: Mapping[PostRef, Metrics], lost: set[PostRef], tally: Tally
    ) -> None:
        ref = read.delivery.ref
        if ref in told:
            taken = self.store.snapshots.put(
                read.snapshot.delivery_id, read.snapshot.age_label, taken_at=self.clock.now(),
                metrics=told[ref],
            )  # fmt: skip
            tally.taken += taken
        elif ref in lost:
            self._put(read, SnapshotState.GONE, _GONE, tally)
            self._vanish(read.delivery)
        else:
            self._put_off([read], "the platform told no numbers of a live post", tally)

    def _vanish(self, delivery: Delivery) -> None:
        """Note that somebody else took it down; two reads in a row did not find it."""
        try:
            self.store.outbox.move(
                delivery.id, Event.REMOTE_DELETED, now=self.clock.now(), actor=ME,
                detail="two reads did not find it any more",
            )  # fmt: skip
        except DecisionError:
            return  # a person has just retracted it, or another read of this round said so
        for one in self.store.snapshots.of(delivery.id):
            if one.outcome is SnapshotState.DUE:
                self.store.snapshots.put(
                    delivery.id, one.age_label, taken_at=self.clock.now(),
                    outcome=SnapshotState.GONE, reason=_GONE,
                )  # fmt: skip

    def _put_off(
        self,
        reads: Sequence[_Read],
        why: str,
        tally: Tally,
        *,
        closes_as: SnapshotState = SnapshotState.FAILED,
    ) -> None:
        """Try again while the window is open; afterwards it is closed for good."""
        now = self.clock.now()
        for read in reads:
            until = min(now + AGAIN, read.closes_at + timedelta(seconds=1))
            self.store.snapshots.put_off(
                read.snapshot.delivery_id, read.snapshot.age_label, until=until, reason=why,
                closes_as=closes_as,
            )  # fmt: skip
            tally.put_off += 1
        if reads:
            log.warning("read put off", account=reads[0].delivery.account, reads=len(reads),
                        reason=why)  # fmt: skip

    def _close(self, read: _Read, tally: Tally) -> None:
        """Return a read up whose window is over: failed where it was tried, else missed."""
        late = self.clock.now() - read.closes_at
        why = read.snapshot.reason or f"not read in time; noticed {late} late"
        self._put(read, read.snapshot.closes_as, why, tally)

    def _put(self, read: _Read, outcome: SnapshotState, why: str, tally: Tally) -> None:
        is_new = self.store.snapshots.put(
            read.snapshot.delivery_id, read.snapshot.age_label, taken_at=self.clock.now(),
            outcome=outcome, reason=why,
        )  # fmt: skip
        name = outcome.value.lower()
        setattr(tally, name, getattr(tally, name) + is_new)

    def _count_followers(self, account: Account) -> int:
        """Note today's followers; asks the server only where nobody else has today."""
        now = self.clock.now()
        if now.astimezone(UTC).date().isoformat() in self.store.followers.of(account.name):
            return 0
        followers = self._known_today(account.name, now)
        if followers is None and now >= self._not_before.get(account.name, now):
            self._not_before[account.name] = now + FOLLOWERS_AGAIN
            followers = self._ask(account)
        if followers is None:
            return 0
        self.store.followers.put(account.name, followers, now)
        return 1

    def _known_today(self, name: str, now: datetime) -> int | None:
        """Return what the daily look at the account told already."""
        state = self.store.accounts.get(name)
        profile = state.profile if state else {}
        seen = str(profile.get("seen_at", ""))[:10]
        told = profile.get("followers")
        return told if seen == f"{now.astimezone(UTC):%Y-%m-%d}" and isinstance(told, int) else None

    def _ask(self, account: Account) -> int | None:
        spec, now = self.spec(account.platform), self.clock.now()
        left = budget_left(self.store.ledger, account, self.clock)
        if spec.prices and left is not None:
            price = price_of_read(account, spec, self.campaign().schedule, "user_read")
            if left - kept_for_posts(self.store, account.name, now) < price:
                return None
        try:
            profile = self.platform(account.name).profile()
        except (PlatformError, SettingsError) as error:
            log.warning("followers not read", account=account.name, reason=str(error))
            return None
        if self.store.accounts.get(account.name):
            known = {**asdict(profile), "seen_at": now.isoformat()}
            self.store.accounts.remember(account.name, profile=known)
        return profile.followers
