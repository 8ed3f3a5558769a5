"""Starting the service: logs, settings, the one lock, and an orderly stop."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path
from threading import Event

from bot.app.content import problems_by_path, read_files, watch_files
from bot.app.service import Bot, build
from bot.app.storage import clock_of, create_store, lock_for, mode_of, settings, unused_secrets
from bot.app.web import dashboard_of
from bot.clock import Clock, SharedClock, SystemClock
from bot.db.lock import ProcessLock
from bot.engine.scheduler import LONGEST_WAIT, PeriodicJob, Service, stop_on_signals
from bot.log import catch_uncaught, configure, get_logger
from bot.rendering.cards.typefaces import require_raqm
from bot.settings import Settings

log = get_logger(__name__)


def serve(config: Path, posts: Path, data: Path) -> None:
    """Run until told to stop.

    Raises:
        OperatorError: a setting, a secret, the database or the content is not usable.
    """
    known, stop = settings(), Event()
    configure(form=known.log_format, level=known.log_level)
    catch_uncaught()
    for library in ("apscheduler", "httpx"):
        # They tell every tick and every request; what matters of them we tell ourselves.
        logging.getLogger(library).setLevel(logging.WARNING)
    stop_on_signals(stop)
    require_raqm()
    mode = mode_of(read_files(config, posts), data)
    # Before the database is opened: what a standby knew of it would be old by its turn, and two
    # first starts at once would both create it.
    lock = lock_for(mode, data, known=known)
    if not _wait_for(lock, stop):
        return
    store = create_store(mode, data, known=known, clock=SystemClock())
    try:
        clock = clock_of(store)
        look, load = watch_files(config, posts, clock=clock, store=store)
        bot = build(
            store,
            clock=clock,
            known=known,
            look=look,
            load=load,
            rehearsed=store.directory / "rehearsed.db",
            mode=mode,
            stop=stop,
        )
        with problems_by_path(config, posts):
            _work(bot, known, stop)
    finally:
        store.close()
        if lock is not None:
            lock.release()


def _wait_for(lock: ProcessLock | None, stop: Event) -> bool:
    """Become the one process that works on an embedded database, or stand by until it can."""
    told = False
    while not stop.is_set():
        if lock is None or lock.acquire():
            return True
        if not told:
            log.info("standing by: another process works on this database")
            told = True
        stop.wait(LONGEST_WAIT.total_seconds())
    return False


def _work(bot: Bot, known: Settings, stop: Event) -> None:
    try:
        bot.start()
        for line in unused_secrets(bot.contents.campaign()):
            log.warning("unused secret", told=line)
        log.info("running", campaign=bot.contents.campaign().schedule.campaign)
        service = Service(
            bot.clock, bot.account_workers(), (*bot.jobs(known.reload), *_looks(bot.clock)),
            grace=known.stop_grace, stop=stop,
        )  # fmt: skip
        with dashboard_of(bot, known):
            service.run()
    finally:
        bot.connections.close()


def _looks(clock: Clock) -> tuple[PeriodicJob, ...]:
    """Keep to the database's clock where that is the one to go by."""
    if not isinstance(clock, SharedClock):
        return ()
    return (PeriodicJob("clock", timedelta(seconds=10), clock.synchronize),)
