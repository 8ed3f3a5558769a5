"""A rehearsal: the real services over a scratch database, a fast clock and accounts of our own."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Event

from bot.app.content import Paths, by_path, problems_by_path, watch_files
from bot.app.service import build, dashboard_of
from bot.app.storage import settings
from bot.checks.checking import CheckedContent
from bot.clock import Clock, FastClock, ShiftedClock, SystemClock
from bot.content.model import Mode
from bot.engine.rehearsal import RehearsalReport, run_fast
from bot.engine.scheduler import interrupt_noted
from bot.engine.service import Bot
from bot.errors import Problem, SettingsError
from bot.log import configure
from bot.operations.opening import open_store
from bot.platforms.registry import PLATFORMS
from bot.settings import Settings, prepare_data

#: What rehearsal accounts publish, beside the scratch database.
_NETWORK = "network.db"


def rehearse(paths: Paths, *, days: int, progress: Callable[[datetime], None]) -> RehearsalReport:
    """Live the coming days from scratch; nothing leaves the machine.

    The scratch database stays in ``DATA/rehearse`` until the next rehearsal.

    Raises:
        ContentError: the files have errors.
    """
    known = settings()
    configure(form=known.log_format, level="ERROR")
    folder = prepare_data(paths.data) / "rehearse"
    shutil.rmtree(folder, ignore_errors=True)
    start = SystemClock().now().replace(microsecond=0)
    clock, until = FastClock(start), start + timedelta(days=days)
    with _rehearsing(paths, clock, known, create=True) as (bot, left_out):
        with interrupt_noted() as stop:
            with problems_by_path(paths.config, paths.posts):
                bot.start()
            empty_slots = bot.planner.outlook(bot.contents.rendered, days=days).empty_slots
            workers = bot.account_workers()
            run_fast(clock, workers, bot.plan, until, progress=progress, stop=stop)
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


def serve_rehearsal(paths: Paths, *, at: datetime, stop: Event) -> None:
    """Show what the last rehearsal came to on the dashboard, until ``stop``; nothing is sent.

    Raises:
        SettingsError: the dashboard is off, or cannot be reached.
    """
    known = settings()
    configure(form="console", level=known.log_level)
    with _rehearsing(paths, ShiftedClock(at), known, create=False) as (bot, _left_out):
        with problems_by_path(paths.config, paths.posts):
            bot.contents.start()
        with dashboard_of(bot, known, bot.store.directory / _NETWORK) as address:
            if address is None:
                raise SettingsError(f"VERBATIM_WEB={known.web}: cannot be listened on")
            stop.wait()


@contextmanager
def _rehearsing(
    paths: Paths, clock: Clock, known: Settings, *, create: bool
) -> Iterator[tuple[Bot, list[Problem]]]:
    """Put a bot together that publishes beside its own database; return what it leaves out too."""
    url = f"sqlite:///{paths.data.absolute() / 'rehearse' / 'verbatim.db'}"
    store = open_store(url, create=create, machine=known.machine_id(), now=clock.now)
    # What is past or to come in the files is so by the machine's clock, not by the fast one.
    look, load = watch_files(paths.config, paths.posts, clock=SystemClock(), store=store)
    left_out: list[Problem] = []

    def load_good() -> CheckedContent:
        content = load()
        left_out[:] = _named(content)
        return _rehearsed(content.without_errors())

    bot = build(
        store,
        clock=clock,
        known=known,
        look=look,
        load=load_good,
        rehearsed=store.directory / _NETWORK,
    )
    with closing(bot):
        yield bot, left_out


def _named(content: CheckedContent) -> Iterator[Problem]:
    """Yield errors; not of a live campaign's past posts, as no scratch database has them sent."""
    is_live = content.readable and content.readable.campaign.schedule.mode is Mode.LIVE
    return (each for each in content.errors if not (is_live and each.rule == "time-past"))


def _rehearsed(content: CheckedContent) -> CheckedContent:
    """Whatever the schedule's mode is, this is a rehearsal."""
    if content.readable is None:
        return content
    campaign = content.readable.campaign
    schedule = replace(campaign.schedule, mode=Mode.REHEARSAL)
    return content.changed(replace(campaign, schedule=schedule))
