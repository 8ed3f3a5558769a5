"""A rehearsal: the real services over a scratch database, a fast clock and accounts of our own."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event

from bot.app.content import problems_by_path, watch_files
from bot.app.service import Bot, build
from bot.app.storage import settings
from bot.app.web import dashboard_of
from bot.checks.checking import CheckedContent
from bot.clock import Clock, FastClock, ShiftedClock, SystemClock
from bot.content.model import Mode
from bot.engine.rehearsal import RehearsalReport, run_fast
from bot.errors import SettingsError
from bot.log import configure
from bot.operations.opening import open_store
from bot.planning.plan import EmptySlot
from bot.planning.store import Store
from bot.platforms.registry import PLATFORMS
from bot.settings import Settings, prepare_data


def rehearse(
    config: Path,
    posts: Path,
    data: Path,
    *,
    days: int,
    progress: Callable[[datetime], None],
) -> RehearsalReport:
    """Live the coming days from scratch; nothing leaves the machine.

    The scratch database stays in ``DATA/rehearse`` until the next rehearsal.

    Raises:
        ContentError: the files have errors.
    """
    known = settings()
    configure(form=known.log_format, level="ERROR")
    folder = prepare_data(data) / "rehearse"
    shutil.rmtree(folder, ignore_errors=True)
    start = SystemClock().now().replace(microsecond=0)
    clock, until = FastClock(start), start + timedelta(days=days)
    store = open_store(
        f"sqlite:///{folder / 'verbatim.db'}",
        create=True,
        machine=known.machine_id(),
        now=clock.now,
    )
    bot = _rehearsing(config, posts, store, clock, known)
    try:
        with problems_by_path(config, posts):
            bot.start()
        empty_slots = bot.planner.outlook(bot.contents.rendered, days=days).empty_slots
        run_fast(clock, bot.account_workers(), bot.plan, until, progress=progress)
        return _told(bot, start, until, empty_slots)
    finally:
        bot.close()


def _rehearsing(config: Path, posts: Path, store: Store, clock: Clock, known: Settings) -> Bot:
    """Put a bot together that publishes beside its own database."""
    # What is past or to come in the files is so by the machine's clock, not by the fast one.
    look, load = watch_files(config, posts, clock=SystemClock(), store=store)
    return build(
        store,
        clock=clock,
        known=known,
        look=look,
        load=lambda: _rehearsed(load()),
        rehearsed=store.directory / "network.db",
    )


def _told(
    bot: Bot, start: datetime, end: datetime, empty_slots: tuple[EmptySlot, ...]
) -> RehearsalReport:
    schedule = bot.contents.campaign().schedule
    days = range((end - start).days + 1)
    months = sorted({(start + timedelta(days=day)).replace(day=1) for day in days})
    spent = {
        name: {f"{one:%Y-%m}": bot.store.ledger.spent(name, month_of=one) for one in months}
        for name, account in schedule.accounts.items()
        if PLATFORMS[account.platform].spec.prices
    }
    return RehearsalReport(
        campaign=schedule.campaign,
        timezone=schedule.timezone,
        start=start,
        end=end,
        deliveries=bot.store.outbox.find(until=end),
        empty_slots=empty_slots,
        spent=spent,
    )


def address() -> str:
    """Return where the dashboard will be."""
    return settings().web


def serve_rehearsal(config: Path, posts: Path, data: Path, *, at: datetime, stop: Event) -> None:
    """Show what the last rehearsal came to on the dashboard, until ``stop``; nothing is sent.

    Raises:
        SettingsError: the dashboard is off, or cannot be reached.
    """
    known, clock = settings(), ShiftedClock(at)
    configure(form="console", level=known.log_level)
    folder = data.absolute() / "rehearse"
    url = f"sqlite:///{folder / 'verbatim.db'}"
    store = open_store(url, create=False, machine=known.machine_id(), now=clock.now)
    bot = _rehearsing(config, posts, store, clock, known)
    try:
        with problems_by_path(config, posts):
            bot.contents.start()
        with dashboard_of(bot, known) as address:
            if address is None:
                raise SettingsError(f"VERBATIM_WEB={known.web}: cannot be listened on")
            stop.wait()
    finally:
        bot.close()


def _rehearsed(content: CheckedContent) -> CheckedContent:
    """Whatever the schedule's mode is, this is a rehearsal."""
    if content.readable is None:
        return content
    campaign = content.readable.campaign
    schedule = replace(campaign.schedule, mode=Mode.REHEARSAL)
    return content.changed(replace(campaign, schedule=schedule))
