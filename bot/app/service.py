"""The service, put together from its parts, and started with its dashboard."""

import logging
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from datetime import timedelta
from functools import partial
from threading import Event

from bot.app import storage
from bot.app.connections import Connections
from bot.app.content import (
    SPECS,
    Paths,
    problems_by_path,
    prove_kept,
    prove_stored,
    read_files,
    rendered_for,
    watch_files,
)
from bot.authority.access import Access
from bot.authority.passkeys import Challenges
from bot.authority.signing_in import SignIn
from bot.authority.trust import AccountVerifier, ConfigurationGuard
from bot.checks.checking import CheckCache, DeskCheck
from bot.clock import Clock, SharedClock
from bot.content.branches import ProposalBranches
from bot.content.ceilings import bounded
from bot.content.model import Mode
from bot.content.repository import GitRepository
from bot.db.lock import lock_beside
from bot.delivery.decide import Policy
from bot.delivery.model import Delivery
from bot.delivery.publisher import Publisher, Releaser
from bot.delivery.reconciler import Reconciler, Recovery
from bot.engagement.account_watch import AccountWatch
from bot.engagement.collector import Collector
from bot.engagement.report import Kept, Reporter
from bot.engine.clock_guard import ClockGuard
from bot.engine.content import ContentInForce, Load, TreeHash, kept_files
from bot.engine.scheduler import Activity, PeriodicJob, Service, stopped_by_signals, wait_for_lock
from bot.engine.service import HORIZON, Bot
from bot.errors import StoreError
from bot.evidence.archive import archive_of
from bot.log import catch_uncaught, configure, get_logger
from bot.operations.channels import channels_of
from bot.operations.digest import digest_of
from bot.operations.opening import sent_log_path
from bot.operations.personal_address import PersonalAddresses
from bot.operations.status import DiskWatch, Inspector
from bot.planning.corrections import Corrections
from bot.planning.store import Planner, Store
from bot.platforms.base import Platform
from bot.platforms.registry import PLATFORMS, RegisteredPlatform
from bot.rendering.cards.typefaces import require_raqm
from bot.settings.environment import Settings
from bot.settings.private import prepare_data
from bot.web.context import AppContext
from bot.web.server import Monitor, dashboard, monitoring

log = get_logger(__name__)


def build(
    store: Store,
    *,
    clock: Clock,
    known: Settings,
    look: TreeHash,
    load: Load,
    mode: Mode | None = None,
    platforms: Mapping[str, RegisteredPlatform] = PLATFORMS,
    stop: Event | None = None,
) -> Bot:
    """Put a bot together over an open store, which is of one mode for ever."""
    guard, planner = ConfigurationGuard(store, clock), Planner(store, clock)
    contents = ContentInForce(
        store=store,
        clock=clock,
        look=look,
        load=load,
        load_last=lambda: prove_kept(store, clock),
        render_again=lambda content: rendered_for(content, store),
        inspect=guard.inspect,
        bounded=lambda campaign: bounded(campaign, known, SPECS),
        cancels=partial(planner.cancels, days=HORIZON),
        mode=mode,
    )
    campaign = contents.campaign
    clock_guard, inspector = ClockGuard(clock), Inspector(store)
    is_ending = (stop or Event()).is_set
    connections, readers = (
        # The collector has its own: an adapter serves one thread at a time.
        Connections(
            store, clock, known, campaign, platforms=platforms, heard=clock_guard.note_server_time
        )
        for _ in range(2)
    )
    specs = {name: kind.spec for name, kind in platforms.items()}
    channels = channels_of(tuple(map(str, known.alerts)))
    machine, platform = socket.gethostname(), connections.platform
    owner = f"{machine}/{os.getpid()}"

    def policy(delivery: Delivery) -> Policy:
        account = campaign().schedule.accounts.get(delivery.account)
        read_back = specs[delivery.platform].read_back
        return Policy(
            read_back.waiting(known.settle_first, known.settle_apart, known.settle_last),
            holds_unknown=account is not None and account.on_unknown == "hold",
        )

    def disconnect() -> None:
        connections.close()
        readers.close()

    disk, activity = DiskWatch(store.directory, store.room, clock), Activity(clock)
    releaser = Releaser(store, clock, campaign, lambda: disk.why() or clock_guard.why())
    return Bot(
        store=store,
        clock=clock,
        contents=contents,
        planner=planner,
        releaser=releaser,
        publisher=Publisher(
            store, clock, campaign, platform, releaser, policy, owner, known.lease,
            clock_guard.is_sure, activity.step, lambda: is_ending() or bool(inspector.damage),
        ),
        reconciler=Reconciler(store, clock, platform, policy),
        recovery=Recovery(store, clock, platform),
        verifier=AccountVerifier(store, clock, campaign, platform, contents.recompose),
        guard=guard,
        clock_guard=clock_guard,
        inspector=inspector,
        disk=disk,
        activity=activity,
        channels=channels,
        collector=Collector(store, clock, campaign, readers.platform, specs.__getitem__),
        watcher=AccountWatch(store, clock, campaign, readers.platform),
        digest=digest_of(store, clock, lambda: contents.rendered, specs, channels),
        owner=owner,
        machine=machine,
        known=known,
        disconnect=disconnect,
        archive=partial(archive_of, store, clock, known) if known.links == "weekly" else None,
    )  # fmt: skip


def serve(paths: Paths) -> None:
    """Run until told to stop; OperatorError where settings, database or content are not usable."""
    known, stop = storage.settings(), Event()
    configure(form=known.log_format, level=known.log_level)
    catch_uncaught()
    for library in ("apscheduler", "httpx"):
        # They tell every tick and every request; what matters of them we tell ourselves.
        logging.getLogger(library).setLevel(logging.WARNING)
    monitor = Monitor()
    with stopped_by_signals(stop), monitoring(monitor, known):
        require_raqm()
        owner = storage.owner_for(paths, read_files(paths.config, paths.posts))
        # Before the database is opened: what a standby knew of it would be old by its turn, and
        # two first starts at once would both create it.
        url = storage.database_url(owner.mode, prepare_data(paths.data), known)
        lock = lock_beside(sent_log_path(url)) if url.startswith("sqlite") else None
        if not wait_for_lock(lock, stop):
            return
        store = storage.create_store(owner.mode, paths.data, known)
        try:
            storage.remember_owner(paths.data, owner)
            _run(paths, store, owner.mode, known, stop, monitor)
        finally:
            store.close()
            if lock is not None:
                lock.release()


def _run(
    paths: Paths, store: Store, mode: Mode, known: Settings, stop: Event, monitor: Monitor
) -> None:
    clock = storage.clock_of(store)
    look, load = watch_files(
        paths.config, paths.posts, clock=clock, store=store, signers=known.content_signers
    )
    bot = build(store, clock=clock, known=known, look=look, load=load, mode=mode, stop=stop)
    jobs = bot.jobs(known.reload)
    if isinstance(clock, SharedClock):
        # Keep to the database's clock where that is the one to go by.
        jobs = (*jobs, PeriodicJob("clock", timedelta(seconds=10), clock.synchronize))
    try:
        with problems_by_path(paths.config, paths.posts):
            bot.start()
            monitor.is_alive, monitor.status = bot.activity.is_alive, bot.status
            for line in storage.unused_secrets(bot.contents.campaign()):
                log.warning("unused secret", detail=line)
            log.info("running", campaign=bot.contents.campaign().schedule.campaign)
            service = Service(clock, bot.account_workers(), jobs, grace=known.stop_grace, stop=stop,
                              activity=bot.activity)  # fmt: skip
            # The pages have adapters of their own: one serves one thread only.
            desk = Connections(store, clock, known, bot.contents.campaign)
            context = build_context(bot, desk.platform, proposals_of(paths, known))
            with closing(desk), dashboard(context, known):
                service.run()
            with suppress(StoreError):
                store.workers.forget(bot.owner)
    finally:
        bot.disconnect()


def proposals_of(paths: Paths, known: Settings) -> ProposalBranches | None:
    """Return where posts may be proposed; None where the operator does not allow it."""
    repository = GitRepository(paths.config, paths.posts)
    return ProposalBranches(repository, known.proposals) if known.proposals else None


def build_context(
    bot: Bot, platform: Callable[[str], Platform], proposals: ProposalBranches | None = None
) -> AppContext:
    store, clock, contents = bot.store, bot.clock, bot.contents
    access, kept = Access(store, clock), Kept()
    return AppContext(
        store=store,
        clock=clock,
        specs=SPECS,
        rendered=lambda: contents.rendered,
        warnings=contents.warnings,
        broken=contents.broken,
        status=bot.status,
        access=access,
        sign_in=SignIn(access),
        challenges=Challenges(),
        corrections=Corrections(
            store, clock, lambda: contents.rendered, platform, bot.channels.announce
        ),
        deskcheck=DeskCheck(
            lambda: kept_files(store) or {},
            partial(prove_stored, store=store, clock=clock, cache=CheckCache()),
            contents.warnings,
        ),
        reporter=lambda: Reporter(store, clock, contents.campaign(), SPECS, kept),
        addresses=PersonalAddresses(access, bot.channels),
        proposals=proposals,
    )
