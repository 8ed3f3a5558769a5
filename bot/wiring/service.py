"""The running bot: every service with what it works on."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Event, Lock

from bot.clock import Clock
from bot.core.campaign import Account, Campaign, Mode
from bot.core.model import Settling, State
from bot.core.pricing import prices_for
from bot.core.retry import RetryPolicy
from bot.errors import DecisionError, SettingsError
from bot.log import get_logger, mask
from bot.platforms.base import Connection, Platform
from bot.platforms.registry import KINDS, Kind
from bot.platforms.rehearsal.adapter import connect_as
from bot.scheduler import Chore, Lanes
from bot.services.clockguard import TOLERANCE, ClockGuard
from bot.services.collector import Collector
from bot.services.composing import Composition
from bot.services.contents import Contents, Load, Look
from bot.services.digest import Digest
from bot.services.inspector import Inspector
from bot.services.metering import AccountMeter
from bot.services.notifier import Notifier, sender
from bot.services.planner import Planner
from bot.services.publisher import Publisher
from bot.services.reconciler import Reconciler
from bot.services.recovery import Recovery
from bot.services.simulation import Approver
from bot.services.standing import Standing
from bot.services.trust import Guard
from bot.settings import Settings, secrets_for
from bot.store import ConflictError, Store
from bot.wiring.content import compose_loaded, prove_kept
from bot.wiring.engagement import digest_of

log = get_logger(__name__)

#: How far ahead the service plans.
HORIZON = 35
#: How often a plan is made anew when senders change the outbox meanwhile.
TRIES = 3


@dataclass(slots=True)
class Connections:
    """One adapter an account, made when it is first needed."""

    store: Store
    clock: Clock
    known: Settings
    campaign: Callable[[], Campaign]
    #: Where rehearsal accounts keep what they publish.
    rehearsed: Path
    #: Every platform by its name.
    kinds: Mapping[str, Kind] = field(default_factory=lambda: KINDS)
    #: Told, by account, each server's own time.
    heard: Callable[[str, datetime], None] = lambda _account, _time: None
    _open: dict[str, tuple[Account, Platform]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def platform(self, name: str) -> Platform:
        """Give the adapter of an account; a new one where its place in the schedule changed.

        Raises:
            SettingsError: its secrets are missing or unsafe.
        """
        account = self.campaign().schedule.accounts[name]
        with self._lock:
            known = self._open.get(name)
            if known is not None and known[0] == account:
                return known[1]
            platform = self._connect(account)
            self._open[name] = account, platform
        return platform

    def _connect(self, account: Account) -> Platform:
        kind = self.kinds[account.platform]
        is_live = self.campaign().schedule.mode is Mode.LIVE
        names = kind.traits.secrets if is_live else ()
        connection = Connection(
            account=account,
            secrets=secrets_for(account.name, names, os.environ, mask=mask),
            meter=self._meter(account),
            connect_timeout=self.known.connect_timeout.total_seconds(),
            read_timeout=self.known.read_timeout.total_seconds(),
            on_server_time=partial(self.heard, account.name),
        )
        connect = kind.connect if is_live else connect_as(kind.traits, self.rehearsed)
        return connect(connection)

    def _meter(self, account: Account) -> AccountMeter:
        def prices() -> Mapping[str, float]:
            return prices_for(self.kinds[account.platform].traits, self.campaign().schedule)

        return AccountMeter(
            self.store, self.clock, lambda: self.campaign().schedule.accounts[account.name], prices
        )

    def check_secrets(self) -> None:
        """Connect every account, so that a missing secret is told at the start.

        Raises:
            SettingsError: every secret that is missing or unsafe, a line each.
        """
        problems = []
        for name in self.campaign().schedule.accounts:
            try:
                self.platform(name)
            except SettingsError as error:
                problems.append(str(error))
        if problems:
            raise SettingsError("\n".join(problems))

    def close(self) -> None:
        for _account, platform in self._open.values():
            platform.close()


@dataclass(slots=True)
class Bot:
    """All services of one process."""

    store: Store
    clock: Clock
    contents: Contents
    connections: Connections
    planner: Planner
    publisher: Publisher
    reconciler: Reconciler
    recovery: Recovery
    standing: Standing
    guard: Guard
    clock_guard: ClockGuard
    inspector: Inspector
    notifier: Notifier
    collector: Collector
    #: The collector's own connections: an adapter serves one thread at a time.
    readers: Connections
    digest: Digest
    #: Some address gets alerts and digests.
    has_readers: bool
    owner: str
    #: What the outbox was last brought to.
    _planned: Composition | None = None
    _planning: Lock = field(default_factory=Lock)

    def start(self) -> None:
        """Put content into force, take over what a dead process left, plan."""
        self.contents.start()
        self.connections.check_secrets()
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
            composition = self.contents.composition
            self.guard.inspect(composition.campaign)
            self._apply(composition)
            if composition.campaign.schedule.mode is Mode.REHEARSAL:
                Approver(self.store, self.clock).run(composition.campaign)
            self._planned = composition

    def _may_plan(self) -> bool:
        """Tell whether the clock is good enough to plan by.

        One that is behind would take back all that is planned beyond its horizon; no server may
        have been heard yet, but what is in the database was not written in the future.
        """
        if self.clock_guard.is_confirmed():
            return True
        latest = max((row.updated_at for row in self.store.outbox.find()), default=None)
        is_behind = latest is not None and self.clock.now() < latest - TOLERANCE
        return self.clock_guard.is_sure() and not is_behind

    def _apply(self, composition: Composition) -> None:
        """Plan again where a sender was faster: what it took is no longer the planner's."""
        for _ in range(TRIES - 1):
            with suppress(DecisionError, ConflictError):
                self.planner.apply(composition, days=HORIZON)
                return
        self.planner.apply(composition, days=HORIZON)

    def watch(self) -> None:
        """Take up changed files, and what a planning that failed left undone."""
        self.contents.refresh()
        if self.contents.composition is not self._planned:
            self.plan()
        campaign, asked = self.contents.campaign(), self.contents.asked_mode
        if asked not in {None, campaign.schedule.mode}:
            self.guard.refuse_mode(campaign, asked)

    def lane(self, account: str) -> None:
        """Take one account as far as it goes now."""
        if self.inspector.damage:
            return
        if account not in self.contents.campaign().schedule.accounts:
            self.reconciler.abandon(account)
            return
        if not self.recovery.run() or not self.standing.ensure(account):
            if self.clock_guard.is_sure():
                self.publisher.release(account)  # what gets too late meanwhile is held
            return
        if not self.clock_guard.allows(lambda: self.standing.look(account)):
            return  # nothing is late or due by a clock that is wrong
        self.reconciler.run(account)
        self.publisher.run(account)

    def busy(self, now: datetime) -> tuple[str, ...]:
        """Name the accounts with something to send or to read back, or not yet looked at."""
        reading = (one.account for one in self.store.outbox.unknown(now))
        working, unseen = self.store.outbox.accounts_with_work(now), self.standing.unseen(now)
        return tuple(sorted({*working, *reading, *unseen, *self._left()}))

    def _left(self) -> set[str]:
        """Name the accounts where something is being sent, perhaps by nobody any more.

        Another replica may have died over it, or this one could not store what came of it. Who
        gets the account's lock all the same takes over; no need to wait for the lease.
        """
        return {one.account for one in self.store.outbox.find(states={State.SENDING})}

    def beat(self) -> None:
        """Give a sign of life, and take over what other workers left."""
        now = self.clock.now()
        damage = self.inspector.damage
        self.store.workers.beat(self.owner, {"pid": os.getpid(), "damage": damage}, now)
        if damage:
            return
        self.store.outbox.expire(now)
        # Not only when something is due: what comes due after a restore is no suspect then.
        self.recovery.run()

    def lanes(self) -> Lanes:
        return Lanes(self.busy, self.lane, self.store.outbox.next_wake, self.abandon)

    def abandon(self) -> None:
        """Say that nobody waits for the calls that are in the air: they are to be read back."""
        if self.store.is_sqlite:  # on PostgreSQL other replicas take over at once
            self.store.outbox.expire(self.clock.now(), dead_owner_before=True)

    def chores(self, reload: timedelta) -> tuple[Chore, ...]:
        """List what comes back, beside the deliveries."""
        unless_broken = self.inspector.unless_broken
        return (
            Chore("beat", timedelta(seconds=5), self.beat),
            Chore("watch", reload, unless_broken(self.watch)),
            Chore("plan", timedelta(hours=1), unless_broken(self.plan)),
            Chore("notify", timedelta(seconds=5), self.notifier.run),
            Chore("collect", timedelta(seconds=60), unless_broken(self.collect)),
            Chore("digest", timedelta(minutes=15), unless_broken(self.tell_the_week)),
            Chore("inspect", timedelta(days=1), self.inspector.run),
        )

    def collect(self) -> None:
        """Read the numbers that are due; by a clock that is wrong nothing is."""
        if self.clock_guard.is_sure():
            self.collector.run()

    def tell_the_week(self) -> None:
        """Send the digest where one is due; a rehearsal has nothing to tell people."""
        if self.has_readers and self.contents.campaign().schedule.mode is Mode.LIVE:
            self.digest.run()

    def close(self) -> None:
        """Let go of connections and the database."""
        self.connections.close()
        self.readers.close()
        self.store.close()


def build(
    store: Store,
    *,
    clock: Clock,
    known: Settings,
    look: Look,
    load: Load,
    rehearsed: Path,
    mode: Mode | None = None,
    kinds: Mapping[str, Kind] = KINDS,
    stop: Event | None = None,
) -> Bot:
    """Put a bot together over an open store, which is of one mode for ever."""
    contents = Contents(
        store=store,
        clock=clock,
        look=look,
        load=load,
        load_last=lambda: prove_kept(store, clock),
        compose=lambda loaded: compose_loaded(loaded, store),
        mode=mode,
    )
    campaign, policy = contents.campaign, RetryPolicy()
    clock_guard, inspector = ClockGuard(clock), Inspector(store)
    is_ending = (stop or Event()).is_set
    connections = Connections(store, clock, known, campaign, rehearsed, kinds, clock_guard.heard)
    readers = Connections(store, clock, known, campaign, rehearsed, kinds, clock_guard.heard)
    traits, addresses = {name: kind.traits for name, kind in kinds.items()}, known.alerts
    machine, platform = socket.gethostname(), connections.platform
    owner = f"{machine}/{os.getpid()}"

    def settling(name: str) -> Settling:
        return known.settling(kinds[name].traits.settling)

    return Bot(
        store=store,
        clock=clock,
        contents=contents,
        connections=connections,
        planner=Planner(store, clock),
        publisher=Publisher(
            store, clock, campaign, platform, settling, owner, policy, known.lease,
            clock_guard.is_sure, lambda: is_ending() or bool(inspector.damage),
        ),
        reconciler=Reconciler(store, clock, campaign, platform, settling, policy),
        recovery=Recovery(store, clock, platform),
        standing=Standing(store, clock, campaign, platform, contents.recompose),
        guard=Guard(store, clock),
        clock_guard=clock_guard,
        inspector=inspector,
        notifier=Notifier(
            store, clock, campaign, sender(tuple(map(str, known.alerts))), contents.broken,
            clock_guard.why, lambda: inspector.damage, machine,
        ),
        collector=Collector(store, clock, campaign, readers.platform, traits.__getitem__),
        readers=readers,
        digest=digest_of(
            store, clock, lambda: contents.composition, tuple(map(str, addresses))
        ),
        has_readers=bool(addresses),
        owner=owner,
    )  # fmt: skip
