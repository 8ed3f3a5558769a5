"""A rehearsal: the real services over a scratch database, a fast clock and accounts of our own."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from threading import Event

from bot.app.connections import Connections
from bot.app.content import Paths, by_path, problems_by_path, watch_files
from bot.app.service import build, build_context
from bot.app.storage import settings
from bot.checks.checking import CheckedContent
from bot.clock import Clock, FastClock, ShiftedClock, SystemClock
from bot.content.model import Mode
from bot.db.backup import back_up
from bot.db.lock import ProcessLock
from bot.engine.rehearsal import RehearsalReport, run_fast
from bot.engine.scheduler import interrupt_noted
from bot.engine.service import Bot
from bot.errors import Problem, SettingsError
from bot.log import configure
from bot.operations.opening import open_store
from bot.platforms.registry import PLATFORMS
from bot.settings.environment import Settings
from bot.settings.private import prepare_data
from bot.web.context import AppContext, RehearsedDays
from bot.web.server import dashboard

#: The scratch database, and the folder of those that are kept: one a day, named after its time.
_STATE, _DAYS, _NAME = "verbatim.db", "days", "%Y%m%dT%H%M%S%z"


def rehearse(
    paths: Paths, *, days: int, progress: Callable[[datetime], None], keeps_days: bool = False
) -> RehearsalReport:
    """Live the coming days from scratch; nothing leaves the machine.

    The scratch database stays in ``DATA/rehearse`` until the next rehearsal; with ``keeps_days``
    also as it was when each day began, and at the end.

    Raises:
        ContentError: the files have errors.
        SettingsError: another rehearsal is at work there.
    """
    known = settings()
    configure(form=known.log_format, level="ERROR")
    folder = prepare_data(paths.data) / "rehearse"
    start = SystemClock().now().replace(microsecond=0)
    clock, until = FastClock(start), start + timedelta(days=days)
    rehearsing = _rehearsing(paths, clock, known, at=folder, create=True)
    with _alone_in(folder), rehearsing as (bot, left_out):
        with interrupt_noted() as stop:
            with problems_by_path(paths.config, paths.posts):
                bot.start()
            empty_slots = bot.planner.outlook(bot.contents.rendered, days=days).empty_slots
            workers = bot.account_workers()

            def keep(now: datetime) -> None:
                if keeps_days:
                    _keep_day(folder, now)

            run_fast(clock, workers, bot.plan, until, progress=progress, on_day=keep, stop=stop)
            keep(clock.now())
        schedule = bot.contents.campaign().schedule
        months = sorted({(start + timedelta(days=day)).replace(day=1) for day in range(days + 1)})
        return RehearsalReport(
            campaign=schedule.campaign,
            timezone=schedule.timezone,
            start=start,
            end=until,
            deliveries=bot.store.outbox.find(until=until),
            empty_slots=empty_slots,
            spent={
                name: {f"{at:%Y-%m}": bot.store.ledger.spent(name, month_of=at) for at in months}
                for name, account in schedule.accounts.items()
                if PLATFORMS[account.platform].spec.prices
            },
            left_out=by_path(paths.config, paths.posts, left_out),
        )


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Empty the folder, and keep other rehearsals out of it."""
    lock = ProcessLock(folder.with_suffix(".lock"))
    if not lock.acquire():
        told = f"another rehearsal is at work in {folder}; wait for it, or name another --data"
        raise SettingsError(told)
    try:
        shutil.rmtree(folder, ignore_errors=True)
        yield
    finally:
        lock.release()


def _keep_day(folder: Path, now: datetime) -> None:
    """Keep the scratch database as it is now, with what stands beside it."""
    day = folder / _DAYS / now.strftime(_NAME)
    if day.exists():
        return
    back_up(folder / _STATE, day / _STATE)
    for beside in folder.glob("*"):
        if beside.suffix in {".log", ".key"}:
            shutil.copy(beside, day)


def serve_rehearsal(paths: Paths, *, stop: Event) -> None:
    """Show the days of the last rehearsal on the dashboard, from the first, until ``stop``.

    Each day has a database of its own; nothing is sent.

    Raises:
        SettingsError: the dashboard is off, or cannot be reached.
    """
    known = settings()
    configure(form="console", level=known.log_level)
    kept = sorted((paths.data.absolute() / "rehearse" / _DAYS).iterdir())
    moments = tuple(datetime.fromisoformat(day.name) for day in kept)
    with ExitStack() as stack:

        @cache
        def context_of(number: int) -> AppContext:
            rehearsing = _rehearsing(paths, ShiftedClock(moments[number]), known, at=kept[number])
            bot, _left_out = stack.enter_context(rehearsing)
            # A copy, as it seems to be; all that was sent it knows, and it sends nothing.
            bot.store.restore_guard.settled(moments[number])
            with problems_by_path(paths.config, paths.posts):
                bot.contents.start()
            connections = Connections(bot.store, bot.clock, known, bot.contents.campaign)
            stack.callback(connections.close)
            return replace(build_context(bot, connections.platform), days=days)

        days = RehearsedDays(moments, context_of)
        with dashboard(context_of(0), known) as address:
            if address is None:
                raise SettingsError(f"VERBATIM_WEB={known.web}: cannot be listened on")
            stop.wait()


@contextmanager
def _rehearsing(
    paths: Paths, clock: Clock, known: Settings, *, at: Path, create: bool = False
) -> Iterator[tuple[Bot, list[Problem]]]:
    """Put a bot together that publishes beside its own database; return what it leaves out too."""
    url = f"sqlite:///{at / _STATE}"
    store = open_store(url, create=create, machine=known.machine_id(), now=clock.now)
    # What is past or to come in the files is so by the machine's clock, not by the fast one.
    look, load = watch_files(paths.config, paths.posts, clock=SystemClock(), store=store)
    left_out: list[Problem] = []

    def load_good() -> CheckedContent:
        content = load()
        good, readable = content.without_errors(), content.readable
        # No scratch database has a live campaign's past posts sent.
        is_live = readable and readable.campaign.schedule.mode is Mode.LIVE
        left_out[:] = (
            each for each in content.errors if not (is_live and each.rule == "time-past")
        )
        if good.readable is None:
            return good
        campaign = good.readable.campaign  # whatever its mode is, this is a rehearsal
        schedule = replace(campaign.schedule, mode=Mode.REHEARSAL)
        return good.changed(replace(campaign, schedule=schedule))

    with closing(build(store, clock=clock, known=known, look=look, load=load_good)) as bot:
        yield bot, left_out
