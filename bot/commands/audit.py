"""`audit`: the log of decisions, and the proof that nobody changed it."""

from __future__ import annotations

import click

from bot.commands.common import Places, json_option, places, print_json
from bot.core.zones import shown
from bot.wiring.desk import office


@click.group()
def command() -> None:
    """Show or verify the log of decisions."""


@command.command()
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 100_000))
@json_option
@places
def show(where: Places, limit: int, as_json: bool) -> None:
    """Show who decided what, when and why; the newest last."""
    with office(where.config, where.posts, where.data) as place:
        rows = place.store.audit.rows(limit=limit)[::-1]
        zone = place.campaign.zone
    if as_json:
        print_json(rows)
        return
    for row in rows:
        why = f" ({row.why})" if row.why else ""
        click.echo(f"{row.seq:>5}  {shown(row.at, zone)}  {row.who}: {row.verb} {row.subject}{why}")


@command.command()
@json_option
@places
def verify(where: Places, as_json: bool) -> int:
    """Prove the running hash of the whole log; exit code 1 where a row was changed."""
    with office(where.config, where.posts, where.data) as place:
        broken, (length, head) = place.store.audit.verify(), place.store.audit.head()
    if as_json:
        print_json({"broken_at": broken, "rows": length, "head": head})
    elif broken is None:
        click.echo(f"the log is whole: {length} row(s), head {head}")
    else:
        click.echo(f"row {broken} is not what was written; bring a backup and ask who had access")
    return 0 if broken is None else 1
