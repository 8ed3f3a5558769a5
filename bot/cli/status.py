"""The verb `status`: what is so, and whether it works."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

import click

from bot import program
from bot.app.workspace import EmergencyDesk
from bot.cli.output import Output, in_emergency
from bot.content.zones import brief, shown
from bot.operations.model import AccountLine, ServiceStatus
from bot.operations.status import status_of


@click.command()
@click.option("--health", is_flag=True,
              help="Only tell by the exit code whether `run` is alive and well.")  # fmt: skip
@in_emergency
def status(workspace: EmergencyDesk, health: bool) -> Output:
    """Tell what is so; asks no server and spends nothing."""
    found = status_of(workspace.store, workspace.schedule, workspace.clock)
    fields = {name: getattr(found, name) for name in ServiceStatus.__slots__}
    return Output(
        {"running": found.is_running, "ready": found.is_ready, **fields},
        () if health else _status_lines(found, workspace.zone),
        code=0 if found.is_healthy or not health else 1,
    )


def _status_lines(status: ServiceStatus, zone: ZoneInfo) -> Iterator[str]:
    yield from _facts(status, zone)
    yield from (f"  {', '.join(_account_words(account, zone))}" for account in status.accounts)
    for matter in status.matters:
        what = "URGENT" if matter in status.errors else "needs a person"
        yield f"{what}: {matter.text}"
        if matter.command:  # on one line, to be pasted
            yield f"  do: {program()} {matter.command}"


def _facts(status: ServiceStatus, zone: ZoneInfo) -> Iterator[str]:
    running = ", ".join(status.workers) or "no: nothing is sent"
    yield f"{status.campaign} ({status.mode}), {shown(status.at, zone)}"
    yield f"running: {running}"
    for pause in status.pauses:
        what = f"PAUSED, {pause.detail}" if pause.detail else "PAUSED"
        yield f"{what}: {pause.text(zone)}"
    if status.damage:
        yield f"BROKEN, nothing is sent: {status.damage}"
    if status.settling:
        yield f"SETTLING FIRST: {status.settling}"
    yield f"next: {brief(status.next_due, zone) if status.next_due else 'nothing is planned'}"
    if status.last_sent:
        yield f"last sent: {brief(status.last_sent, zone)}"
    counts = ", ".join(f"{count} {state}" for state, count in sorted(status.counts.items()))
    yield f"deliveries: {counts or 'none'}"


def _account_words(account: AccountLine, zone: ZoneInfo) -> Iterator[str]:
    yield f"{account.name} ({account.platform})"
    if account.next_due:
        yield f"next {brief(account.next_due, zone)}"
    if account.budget_left is not None:
        yield f"${account.budget_left:.2f} left this month"
    if account.overdue_seconds >= 60:
        yield f"{account.overdue_seconds // 60:.0f} MIN LATE"
    if account.stopped:
        yield f"STOPPED: {account.stopped}"
    elif account.obstacle:
        yield f"{account.obstacle}: {account.why}"
