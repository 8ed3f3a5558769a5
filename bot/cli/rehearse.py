"""`rehearse`: the coming days, lived on a fast clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from threading import Event

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from bot.app.rehearsal import address, rehearse, serve_rehearsal
from bot.cli.output import Places, json_option, places, print_json
from bot.content.zones import shown
from bot.delivery.model import Delivery
from bot.delivery.publications import occurrence_text
from bot.engine.rehearsal import RehearsalReport
from bot.engine.scheduler import stop_on_signals


@click.command()
@click.option("--days", default=30, show_default=True, type=click.IntRange(1, 800))
@click.option("--serve", is_flag=True, help="Then show it on the dashboard, until Ctrl-C.")
@json_option
@places
def command(where: Places, days: int, serve: bool, as_json: bool) -> int:
    """Run the real planner and publisher over the coming days; nothing leaves the machine."""
    errors = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"),
        console=errors, transient=True, disable=not errors.is_terminal,
    )  # fmt: skip
    start = datetime.now(UTC)
    with bar:
        task = bar.add_task("rehearsing", total=days * 86400)

        def progress(now: datetime) -> None:
            done = (now - start) / timedelta(seconds=1)
            bar.update(task, completed=done, description=f"{now:%a %d %b %Y}")

        report = rehearse(where.config, where.posts, where.data, days=days, progress=progress)
    if as_json:
        print_json({**_plain(report), "counts": report.counts})
    else:
        _print(report, Console())
    if serve:
        stop = Event()
        stop_on_signals(stop)
        click.echo(f"The dashboard is at http://{address()}/ until Ctrl-C.", err=True)
        serve_rehearsal(where.config, where.posts, where.data, at=report.end, stop=stop)
    return 0


def _plain(report: RehearsalReport) -> dict[str, object]:
    return {
        "campaign": report.campaign, "start": report.start, "end": report.end,
        "approvals": "simulated",
        "deliveries": [_row(one) for one in report.deliveries],
        "holes": report.empty_slots, "spent": report.spent,
    }  # fmt: skip


def _row(one: Delivery) -> dict[str, object]:
    """Return all that is stored of a delivery, as one flat object."""
    shared, own = asdict(one.publication), asdict(one)
    del own["publication"], own["detail"]  # it is in the reason
    own["reason"] = one.reason_text
    names = ("author", "theme", "excerpt", "lang", "form", "slot", "graphic")
    labels = {name: shared.pop(name) for name in names}
    labels |= {"queue": one.publication.queue, "cost": own.pop("cost_usd")}
    occurrence = occurrence_text(one.publication.occurrence)
    return {**shared, **own, "occurrence": occurrence, "labels": labels}


def _print(report: RehearsalReport, console: Console) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("when", "account", "post"):
        table.add_column(heading, no_wrap=True)
    for one in report.sent:
        part = f" ({one.part + 1}/{one.parts})" if one.parts > 1 else ""
        when = shown(one.sent_at or one.updated_at, report.zone)
        table.add_row(when, one.account, f"{one.post_id}{part}")
    console.print(table)
    for line in _rest(report):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _rest(report: RehearsalReport) -> Iterator[str]:
    accounts = Counter(one.account for one in report.sent)
    span = f"{shown(report.start, report.zone)} to {shown(report.end, report.zone)}"
    yield f"{report.campaign}: {span}"
    told = ", ".join(f"{count} on {name}" for name, count in sorted(accounts.items()))
    yield f"Published on rehearsal accounts: {len(report.sent)} statuses ({told or 'none'})."
    yield "Approvals were simulated; nothing left this machine."
    for one in report.not_sent:
        when = shown(one.due_at, report.zone) if one.due_at else "next free slot"
        yield f"Not sent: {when} {one.account} {one.post_id}: {one.state} ({one.reason_text})"
    for slot in report.empty_slots:
        yield f"Empty: {shown(slot.due_at, report.zone)} {slot.account}: {slot.why}"
    for account, months in report.spent.items():
        for month, dollars in months.items():
            yield f"Cost on {account} in {month}: ${dollars:.3f}"
