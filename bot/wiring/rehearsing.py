"""A rehearsal: the real services over a scratch database, a fast clock and accounts of our own."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event

from bot.clock import FastClock, ShiftedClock, SystemClock
from bot.content.loading import Loaded
from bot.content.watching import print_of
from bot.core.campaign import Mode
from bot.errors import SettingsError
from bot.log import configure
from bot.platforms.registry import KINDS
from bot.services.rehearsal import FastRun, Report
from bot.settings import prepare_data
from bot.store import open_store
from bot.wiring.content import prove_files
from bot.wiring.service import build
from bot.wiring.storage import settings
from bot.wiring.web import dashboard_of


def rehearse(
    config: Path,
    posts: Path,
    data: Path,
    *,
    days: int,
    progress: Callable[[datetime], None],
) -> Report:
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

    def load() -> Loaded:
        return _rehearsed(prove_files(config, posts, clock=SystemClock(), store=store))

    bot = build(
        store,
        clock=clock,
        known=known,
        look=lambda: print_of(config, posts),
        load=load,
        rehearsed=folder / "network.db",
    )
    try:
        bot.start()
        holes = bot.planner.outlook(bot.contents.composition, days=days).holes
        FastRun(store, clock, bot.plan, bot.busy, bot.lane).run(until, progress=progress)
        schedule = bot.contents.campaign().schedule
        months = sorted({(start + timedelta(days=day)).replace(day=1) for day in range(days + 1)})
        return Report(
            campaign=schedule.campaign,
            timezone=schedule.timezone,
            start=start,
            end=until,
            deliveries=store.outbox.find(until=until),
            holes=holes,
            spent={
                name: {
                    f"{month:%Y-%m}": store.ledger.spent(name, month_of=month) for month in months
                }
                for name, account in schedule.accounts.items()
                if KINDS[account.platform].traits.prices
            },
        )
    finally:
        bot.close()


def address() -> str:
    """Tell where the dashboard will be."""
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
    bot = build(
        store,
        clock=clock,
        known=known,
        look=lambda: print_of(config, posts),
        load=lambda: _rehearsed(prove_files(config, posts, clock=SystemClock(), store=store)),
        rehearsed=folder / "network.db",
    )
    try:
        bot.contents.start()
        with dashboard_of(bot, known) as address:
            if address is None:
                raise SettingsError(f"VERBATIM_WEB={known.web}: cannot be listened on")
            stop.wait()
    finally:
        bot.close()


def _rehearsed(loaded: Loaded) -> Loaded:
    """Whatever the schedule's mode is, this is a rehearsal."""
    if loaded.campaign is None:
        return loaded
    schedule = replace(loaded.campaign.schedule, mode=Mode.REHEARSAL)
    return replace(loaded, campaign=replace(loaded.campaign, schedule=schedule))
