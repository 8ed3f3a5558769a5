"""Verbs of who writes: the calendar ahead."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import click

from bot.app.desk import look_ahead
from bot.cli.output import Places, json_option, places, print_json
from bot.content.zones import shown
from bot.planning.outlook import Outlook, as_calendar


@click.command()
@click.option("--days", default=30, show_default=True, type=click.IntRange(1, 800))
@click.option("--ics", type=Path, help="Write an iCalendar file too.")
@json_option
@places
def plan(where: Places, days: int, ics: Path | None, as_json: bool) -> None:
    """Show the calendar ahead: local time and UTC, empty slots, held and unapproved posts, cost."""
    outlook = look_ahead(where.config, where.posts, where.data, days=days)
    if ics is not None:
        ics.write_bytes(as_calendar(outlook))
    if as_json:
        print_json(outlook)
        return
    for line in _plan_lines(outlook):
        click.echo(line)


def _plan_lines(outlook: Outlook) -> Iterator[str]:
    yield f"{outlook.campaign}, {outlook.days} days from {shown(outlook.start, outlook.zone)}"
    by_moment: dict[str, list[str]] = defaultdict(list)
    for entry in outlook.entries:
        when = f"{shown(entry.due_at, outlook.zone)}  ({entry.due_at:%H:%M} UTC)"
        note = f"  [{entry.note}]" if entry.note else ""
        by_moment[when].append(f"    {entry.account:<22} {entry.post_id}{note}")
    for when, lines in by_moment.items():
        yield f"  {when}"
        yield from lines
    if outlook.holes:
        yield "Empty slots:"
    for slot in outlook.holes:
        yield f"    {shown(slot.due_at, outlook.zone)}  {slot.account}: {slot.why}"
    for month, cost in outlook.cost_by_month.items():
        reading = outlook.reading_by_month.get(month, 0.0)
        budget = "" if outlook.budget is None else f" of ${outlook.budget:.2f} a month"
        yield f"cost in {month}: ${cost:.3f} for posting, ${reading:.3f} for reading{budget}"
