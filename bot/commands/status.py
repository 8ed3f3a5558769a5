"""`status`: what is so, read from the database by another process."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

import click

from bot.commands.common import Places, json_option, places, print_json
from bot.core.zones import shown
from bot.services.status import Status, status_of
from bot.wiring.desk import office


@click.command()
@click.option("--health", is_flag=True,
              help="Only tell by the exit code whether `run` is alive and well.")  # fmt: skip
@json_option
@places
def command(where: Places, health: bool, as_json: bool) -> int:
    """Tell what is so; asks no server and spends nothing."""
    with office(where.config, where.posts, where.data) as place:
        status = status_of(place.store, place.campaign, place.clock)
        zone = place.campaign.zone
    if as_json:
        print_json({"running": status.is_running, **_plain(status)})
    elif not health:
        for line in _lines(status, zone):
            click.echo(line)
    return 0 if status.is_healthy or not health else 1


def _plain(status: Status) -> dict[str, object]:
    return {name: getattr(status, name) for name in Status.__slots__}


def _lines(status: Status, zone: ZoneInfo) -> Iterator[str]:
    running = ", ".join(status.workers) or "no: nothing is sent"
    yield f"{status.campaign} ({status.mode}), {shown(status.at, zone)}"
    yield f"running: {running}"
    if status.paused:
        yield f"PAUSED: {status.paused}"
    if status.damage:
        yield f"BROKEN, nothing is sent: {status.damage}"
    if status.settling:
        yield f"SETTLING FIRST: {status.settling}"
    yield f"next: {shown(status.next_due, zone) if status.next_due else 'nothing is planned'}"
    if status.last_sent:
        yield f"last sent: {shown(status.last_sent, zone)}"
    counts = ", ".join(f"{count} {state}" for state, count in sorted(status.counts.items()))
    yield f"deliveries: {counts or 'none'}"
    for one in status.accounts:
        budget = f", ${one.budget_left:.2f} left this month" if one.budget_left is not None else ""
        stopped = f", STOPPED: {one.stopped}" if one.stopped else ""
        due = f", next {shown(one.next_due, zone)}" if one.next_due else ""
        yield f"  {one.name} ({one.platform}){due}{budget}{stopped}"
    for text in status.notices:
        yield f"needs a person: {text}"
