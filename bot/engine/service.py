"""The running bot: what its services do when, and what must hold before they may."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from threading import Lock

from bot.authority.trust import AccountVerifier, ConfigurationGuard
from bot.clock import Clock
from bot.content.model import Campaign, Mode
from bot.delivery.model import CancelReason, State
from bot.delivery.publisher import Publisher, Releaser
from bot.delivery.reconciler import Reconciler, Recovery
from bot.engagement.account_watch import AccountWatch
from bot.engagement.collector import Collector
from bot.engine.clock_guard import TOLERANCE, ClockGuard
from bot.engine.content import ContentInForce
from bot.engine.rehearsal import simulate_approvals
from bot.engine.scheduler import LONGEST_WAIT, AccountWorkers, Activity, ChangeWatch, PeriodicJob
from bot.errors import ConflictError, DecisionError
from bot.evidence.archive import Archive
from bot.log import get_logger
from bot.operations.channels import Channels, Notifier, ping
from bot.operations.digest import Digest
from bot.operations.model import MachineFacts, ServiceStatus
from bot.operations.status import DiskWatch, Inspector, in_large_steps, status_of
from bot.operations.waiting import PersonalNotifier
from bot.planning.store import Planner, Store
from bot.rendering.rendered import RenderedCampaign
from bot.settings.environment import Settings

log = get_logger(__name__)

#: How far ahead the service plans.
HORIZON = 35
#: Copies from before an upgrade that are kept; each is the way back from one.
COPIES = 3
#: How often a plan is made anew when senders change the outbox meanwhile.
TRIES = 3


@dataclass
class Bot:
    """All services of one process."""

    store: Store
    clock: Clock
    contents: ContentInForce
    planner: Planner
    releaser: Releaser
    publisher: Publisher
    reconciler: Reconciler
    recovery: Recovery
    verifier: AccountVerifier
    guard: ConfigurationGuard
    clock_guard: ClockGuard
    inspector: Inspector
    disk: DiskWatch
    activity: Activity
    channels: Channels
    collector: Collector
    watcher: AccountWatch
    digest: Digest
    owner: str
    machine: str
    known: Settings
    #: Lets go of all accounts' connections.
    disconnect: Callable[[], None]
    #: Looks after the links of a campaign; None where nobody asked for that.
    archive: Callable[[Campaign], Archive] | None = None
    #: What the outbox was last brought to.
    _planned: RenderedCampaign | None = None
    _planning: Lock = field(default_factory=Lock)

    def start(self) -> None:
        """Put content into force, take over what a dead process left, plan."""
        self.contents.start()
        self.guard.record_first(self.contents.written())
        self.plan()
        self.store.outbox.expire(
            self.clock.now(), dead_owner_before=self.store.is_sqlite, owner=self.owner
        )

    def plan(self) -> None:
        """Bring the outbox to the content in force."""
        with self._planning:
            if not self._may_plan():
                log.warning("not planned: the clock cannot be trusted")
                self._planned = None  # `watch` tries again
                return
            rendered = self.contents.rendered
            self._apply(rendered)
            if rendered.campaign.schedule.mode is Mode.REHEARSAL:
                simulate_approvals(self.store, rendered.campaign, self.clock.now())
            self._planned = rendered

    def _may_plan(self) -> bool:
        """Return whether the clock is good enough to plan by.

        One that is behind would take back all that is planned beyond its horizon; no server may
        have been heard yet, but what is in the database was not written in the future.
        """
        if self.clock_guard.is_confirmed():
            return True
        latest = self.store.outbox.last_change()
        is_behind = latest is not None and self.clock.now() < latest - TOLERANCE
        return self.clock_guard.is_sure() and not is_behind

    def _apply(self, rendered: RenderedCampaign) -> None:
        """Plan again where a sender was faster: what it took is no longer the planner's."""
        planned = self._planned
        tree = rendered.campaign.tree_sha256
        is_reread = planned is None or planned.campaign.tree_sha256 != tree
        why = CancelReason.EDITED if is_reread else CancelReason.LIMITS
        for _ in range(TRIES - 1):
            with suppress(DecisionError, ConflictError):
                self.planner.apply(rendered, days=HORIZON, why=why)
                return
        self.planner.apply(rendered, days=HORIZON, why=why)

    def watch(self) -> None:
        """Take up changed files, and what a planning that failed left undone."""
        self.contents.refresh()
        if self.contents.rendered is not self._planned:
            self.plan()
        campaign, asked = self.contents.campaign(), self.contents.asked_mode
        if asked not in {None, campaign.schedule.mode}:
            self.guard.refuse_mode(campaign, asked)

    def work_account(self, account: str) -> None:
        """Take one account as far as it goes now."""
        if self.inspector.damage:
            return
        if account not in self.contents.campaign().schedule.accounts:
            self.reconciler.abandon(account)
            return
        if not self.recovery.run() or not self.verifier.ensure(account):
            if self.clock_guard.is_sure():
                self.releaser.run(account)  # what gets too late meanwhile is held
            return
        if not self.clock_guard.is_sure(lambda: self.verifier.look(account)):
            return  # nothing is late or due by a clock that is wrong
        self.store.end_pauses(self.clock.now())  # before what is due at that moment is held
        self.reconciler.run(account)
        self.publisher.run(account)

    @cached_property
    def notifier(self) -> Notifier:
        desk, head = self.known.desk(), self.store.audit.signed_head
        return Notifier(self.store.notices, self.clock, self.status, self.channels, desk, head)

    @cached_property
    def personal(self) -> PersonalNotifier:
        desk = self.known.desk()
        return PersonalNotifier(self.store, self.clock, self.contents.campaign, desk)

    def busy(self, now: datetime) -> tuple[str, ...]:
        """Name the accounts with something to send or to read back, or not yet looked at."""
        outbox = self.store.outbox
        with self.store.looking():
            reading = [row.account for row in outbox.unknown(now)]
            # What is being sent, perhaps by nobody any more: another replica may have died over it,
            # or this one could not store what came of it. Who gets the account's lock all the same
            # takes over; no need to wait for the lease.
            sending = [row.account for row in outbox.find(states={State.SENDING})]
            working, unseen = outbox.accounts_with_work(now), self.verifier.unseen(now)
        return tuple(sorted({*working, *reading, *unseen, *sending}))

    def beat(self) -> None:
        """Return a sign of life, and take over what other workers left."""
        now = self.clock.now()
        facts = self.facts()
        # In large steps, or each sign of life would have something new to store.
        told = replace(facts, disk_free=in_large_steps(facts.disk_free))
        self.store.workers.beat(self.owner, asdict(told), now)
        if self.inspector.damage:
            return
        self.store.outbox.expire(now)
        self.end_pauses()
        # Not only when something is due: what comes due after a restore is no suspect then.
        self.recovery.run()

    def end_pauses(self) -> None:
        """End the pauses whose time is over, by a clock that a server agrees with.

        Where no server is asked for anything, nothing must speak against the clock.
        """
        is_alone = self.contents.campaign().schedule.mode is Mode.REHEARSAL
        pause = self.store.pauses.current()
        is_alone = is_alone or (pause is not None and pause.all_calls)
        if self.clock_guard.is_confirmed() or (is_alone and self.clock_guard.is_sure()):
            self.store.end_pauses(self.clock.now())

    def facts(self) -> MachineFacts:
        """Return what this process knows of itself; asks nobody."""
        return MachineFacts(
            worker=self.owner,
            machine=self.machine,
            clock=self.clock_guard.why(),
            damage=self.inspector.damage,
            forged=self.inspector.forged,
            files=self.contents.broken(),
            disk=self.disk.why(),
            disk_soon=self.disk.soon(),
            disk_free=self.disk.free(),
            stuck=self.activity.stuck(),
            unchecked=dict(self.verifier.failing),
            left_out=dict(self.contents.left_out()),
            channels=self.channels.failing(),
        )

    def status(self) -> ServiceStatus:
        is_at_work = self.activity.ticked is not None
        own = self.facts() if is_at_work else None
        return status_of(self.store, self.contents.campaign().schedule, self.clock, own)

    def tell_dead_man(self) -> None:
        """Say that all is well; who hears nothing raises an alarm."""
        if self.status().is_ready:
            ping(self.known.deadman)

    def account_workers(self) -> AccountWorkers:
        watch = ChangeWatch(self.store.version, self.clock)
        #: When something is due next; None where that must be asked.
        wake: datetime | None = None

        def busy(now: datetime) -> tuple[str, ...]:
            nonlocal wake
            if not watch.is_due() and wake and now < wake and not self.verifier.unseen(now):
                return ()
            accounts, wake = self.busy(now), None
            if not accounts:
                wake = next_wake(now)
            return accounts

        def next_wake(now: datetime) -> datetime:
            return wake or self.store.outbox.next_wake(now) or now + timedelta(days=1)

        # On PostgreSQL, what another replica left is taken over at once.
        wait = LONGEST_WAIT * (3 if self.store.is_sqlite else 1)
        return AccountWorkers(busy, self.work_account, next_wake, self.abandon, wait)

    def abandon(self) -> None:
        """Say that nobody waits for the calls that are in the air: they are to be read back."""
        if self.store.is_sqlite:  # on PostgreSQL other replicas take over at once
            self.store.outbox.expire(self.clock.now(), dead_owner_before=True)

    def jobs(self, reload: timedelta) -> tuple[PeriodicJob, ...]:
        """List what comes back, beside the deliveries."""
        unless_broken = self.inspector.unless_broken
        notify = ChangeWatch(self.store.version, self.clock).unless_same(self.notifier.run)
        look = PeriodicJob("links", timedelta(minutes=1), unless_broken(self.look_at_links))
        return (
            PeriodicJob("beat", timedelta(seconds=5), self.beat),
            PeriodicJob("watch", reload, unless_broken(self.watch)),
            PeriodicJob("plan", timedelta(hours=1), unless_broken(self.plan)),
            PeriodicJob("notify", timedelta(seconds=5), notify),
            PeriodicJob("tell people", timedelta(minutes=1), unless_broken(self.personal.run)),
            PeriodicJob("disk", timedelta(minutes=1), self.disk.run),
            PeriodicJob("dead man", timedelta(minutes=1), self.tell_dead_man),
            PeriodicJob("collect", timedelta(seconds=60), unless_broken(self.collect)),
            PeriodicJob("digest", timedelta(minutes=15), unless_broken(self.tell_the_week)),
            PeriodicJob("inspect", timedelta(days=1), self.inspector.run),
            PeriodicJob("prune", timedelta(days=1), unless_broken(self.prune)),
            *((look,) if self.archive else ()),
        )

    def look_at_links(self) -> None:
        """Look at a link where that was asked for; a rehearsal calls nobody."""
        pause, campaign = self.store.pauses.current(), self.contents.campaign()
        is_quiet = campaign.schedule.mode is Mode.REHEARSAL or (pause and pause.all_calls)
        if self.archive and self.clock_guard.is_sure() and not is_quiet:
            self.archive(campaign).look_at_next(campaign)

    def collect(self) -> None:
        """Read the numbers that are due; by a clock that is wrong nothing is."""
        if self.clock_guard.is_sure():
            self.collector.run()
            # After a restore the database may not know yet what is its own.
            if self.store.restore_guard.reason() is None:
                self.watcher.run()

    def prune(self) -> None:
        """Forget what is old and proves nothing; by a clock that is wrong nothing is old."""
        if not self.clock_guard.is_sure() or self.store.restore_guard.reason():
            return
        store, before = self.store, self.clock.now() - timedelta(days=self.known.keep_days)
        copies = (store.directory / "backups").glob("*-before-*.db")
        old = sorted(copies, key=lambda path: path.stat().st_mtime)[:-COPIES]
        for path in old:
            path.unlink(missing_ok=True)
        pruned = {
            "pictures": store.media.prune(before),
            "charges": store.ledger.prune(before),
            "workers": store.workers.prune(before),
            "copies": len(old),
        }
        if any(pruned.values()):
            log.info("pruned", **pruned)

    def tell_the_week(self) -> None:
        """Send the digest where one is due; a rehearsal has nothing to tell people."""
        if self.channels.all and self.contents.campaign().schedule.mode is Mode.LIVE:
            self.digest.run()

    def close(self) -> None:
        self.disconnect()
        self.store.close()
