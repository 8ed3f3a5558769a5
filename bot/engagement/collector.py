"""Reads what each post brought, when it is time, and what came of each read.

What is due stands in the database, so a restart or a second worker neither skips a read nor
repeats one. A read that fails is tried again while its window is open, and is then a failed read;
nothing is ever estimated.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from bot.authority.trust import note_profile
from bot.clock import Clock
from bot.content.model import Account, Campaign
from bot.delivery.ledger import budget_left
from bot.delivery.lifecycle import Event
from bot.delivery.model import Delivery, State
from bot.engagement.ages import due_times, window
from bot.engagement.costs import kept_for_posts, price_of_read
from bot.engagement.snapshots import Snapshot, SnapshotState
from bot.engagement.store import EngagementStore
from bot.errors import DecisionError, OverBudgetError, PausedError, PlatformError, SettingsError
from bot.log import get_logger
from bot.platforms.base import Platform
from bot.platforms.spec import PlatformSpec
from bot.platforms.status import Metrics

log = get_logger(__name__)

ME = "collector"
#: How long a worker may take for one account's reads before another may try.
LEASE = timedelta(minutes=3)
#: Between two tries of a failed read; the shortest window is 12 minutes long.
AGAIN = timedelta(minutes=3)
#: Between two tries to learn an account's followers.
FOLLOWERS_AGAIN = timedelta(hours=1)
_FOR_POSTS = "given up for the posts to come"
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
    #: Of the round that runs, or ran last.
    _tally: Tally = field(default_factory=Tally)

    def run(self) -> Tally:
        """Read all that is due now, one account after another."""
        self._tally = Tally()
        self.schedule()
        for name, reads in self._due().items():
            self._collect(name, reads)
        for account in self.campaign().schedule.accounts.values():
            if self.store.outbox.has_sent(account.name):
                self._count_followers(account)
        return self._tally

    def schedule(self) -> None:
        """Note when the numbers of what went out are to be read."""
        accounts = self.campaign().schedule.accounts
        for row in self.store.snapshots.unscheduled():
            account = accounts.get(row.account)
            is_paid = account is not None and bool(self.spec(account.platform).prices)
            dues = due_times(row.sent_at, in_few_days=is_paid) if row.state is State.SENT else {}
            self.store.snapshots.schedule(row.id, dues)

    def _due(self) -> Mapping[str, list[_Read]]:
        """Return by account what can be read now; close the reads whose window is over."""
        now = self.clock.now()
        open_: dict[str, list[_Read]] = defaultdict(list)
        for snapshot in self.store.snapshots.claim(self.store.snapshots.due(now), now + LEASE):
            delivery = self.store.outbox.get(snapshot.delivery_id)
            if delivery is None:
                continue
            read = _Read(snapshot, delivery)
            if delivery.state is not State.SENT:
                self._close(read, SnapshotState.GONE, f"the post is {delivery.state}")
            elif now > read.closes_at:
                late = f"not read in time; noticed {now - read.closes_at} late"
                self._close(read, snapshot.closes_as, snapshot.reason or late)
            else:
                open_[delivery.account].append(read)
        return open_

    def _collect(self, name: str, reads: Sequence[_Read]) -> None:
        account = self.campaign().schedule.accounts.get(name)
        if account is None:
            self._put_off(reads, "the account is not in the schedule")
            return
        affordable = self._affordable(account, reads)
        if not affordable:
            return
        refs = list({read.delivery.ref: None for read in affordable})
        try:
            platform = self.platform(name)
            numbers = platform.metrics(refs)
            gone = {ref for ref in refs if ref not in numbers and not platform.exists(ref)}
        except OverBudgetError as error:
            self._put_off(affordable, f"{_FOR_POSTS}: {error}", SnapshotState.MISSED)
            return
        except (PlatformError, SettingsError, PausedError) as error:
            self._put_off(affordable, str(error))
            return
        for read in affordable:
            ref = read.delivery.ref
            if ref in numbers:
                metrics = self._by_others(read.delivery, numbers[ref])
                self._close(read, SnapshotState.TAKEN, metrics=metrics)
            elif ref in gone:
                self._close(read, SnapshotState.GONE, _GONE)
                self._mark_deleted(read.delivery)
            else:
                self._put_off([read], "the platform told no numbers of a live post")

    def _by_others(self, delivery: Delivery, told: Metrics) -> Metrics:
        """Take the account's own replies away: parts of a thread and corrections engage nobody."""
        own = self.store.outbox.replies_to(delivery.id)
        return replace(told, replies=None if told.replies is None else max(0, told.replies - own))

    def _affordable(self, account: Account, reads: Sequence[_Read]) -> Sequence[_Read]:
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
        why = f"{_FOR_POSTS}: ${left:.2f} are left this month and ${kept:.2f} are kept for posts"
        self._put_off(reads[can_pay:], why, SnapshotState.MISSED)
        return reads[:can_pay]

    def _mark_deleted(self, delivery: Delivery) -> None:
        """Note that somebody else took it down; two reads in a row did not find it."""
        now = self.clock.now()
        try:
            self.store.outbox.move(
                delivery.id, Event.REMOTE_DELETED, now=now, actor=ME,
                detail="two reads did not find it any more",
            )  # fmt: skip
        except DecisionError:
            return  # a person has just retracted it, or another read of this round said so
        for read in self.store.snapshots.of(delivery.id):
            if read.outcome is SnapshotState.DUE:
                self.store.snapshots.put(
                    delivery.id, read.age_label, taken_at=now, outcome=SnapshotState.GONE,
                    reason=_GONE,
                )  # fmt: skip

    def _put_off(
        self, reads: Sequence[_Read], why: str, closes_as: SnapshotState = SnapshotState.FAILED
    ) -> None:
        """Try again while the window is open; afterwards it is closed for good."""
        now = self.clock.now()
        for read in reads:
            until = min(now + AGAIN, read.closes_at + timedelta(seconds=1))
            self.store.snapshots.put_off(
                read.snapshot.delivery_id, read.snapshot.age_label, until=until, reason=why,
                closes_as=closes_as,
            )  # fmt: skip
            self._tally.put_off += 1
        if reads:
            log.warning("read put off", account=reads[0].delivery.account, reads=len(reads),
                        reason=why)  # fmt: skip

    def _close(
        self, read: _Read, outcome: SnapshotState, why: str = "", metrics: Metrics | None = None
    ) -> None:
        is_new = self.store.snapshots.put(
            read.snapshot.delivery_id, read.snapshot.age_label, taken_at=self.clock.now(),
            metrics=metrics, outcome=outcome, reason=why,
        )  # fmt: skip
        name = outcome.value.lower()
        setattr(self._tally, name, getattr(self._tally, name) + is_new)

    def _count_followers(self, account: Account) -> None:
        """Note today's followers; asks the server only where nobody else has today."""
        now = self.clock.now()
        today = now.astimezone(UTC).date()
        if self.store.followers.last(account.name, today, today) is not None:
            return
        # The daily look at the account may have told already.
        state = self.store.accounts.get(account.name)
        profile = state.profile if state else {}
        is_of_today = str(profile.get("seen_at", ""))[:10] == today.isoformat()
        followers = profile.get("followers") if is_of_today else None
        if not isinstance(followers, int):
            followers = self._ask(account, now)
        if followers is not None:
            self.store.followers.put(account.name, followers, now)
            self._tally.followers += 1

    def _ask(self, account: Account, now: datetime) -> int | None:
        """Return its followers as its server tells them; None where it may not be asked (yet)."""
        if now < self._not_before.get(account.name, now):
            return None
        self._not_before[account.name] = now + FOLLOWERS_AGAIN
        spec = self.spec(account.platform)
        left = budget_left(self.store.ledger, account, self.clock)
        if spec.prices and left is not None:
            price = price_of_read(account, spec, self.campaign().schedule, "user_read")
            if left - kept_for_posts(self.store, account.name, now) < price:
                return None
        try:
            profile = self.platform(account.name).profile()
        except (PlatformError, SettingsError, PausedError) as error:
            log.warning("followers not read", account=account.name, reason=str(error))
            return None
        if self.store.accounts.get(account.name):
            note_profile(self.store, account.name, profile, now)
        return profile.followers
