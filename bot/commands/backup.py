"""`backup`: the whole state in one file, proved."""

from __future__ import annotations

from pathlib import Path

import click

from bot.commands.common import Places, json_option, places, print_json
from bot.wiring.desk import office


@click.command()
@click.argument("target", metavar="FILE", type=Path)
@json_option
@places
def command(where: Places, target: Path, as_json: bool) -> None:
    """Write the whole state to FILE, while the bot runs, and prove the copy.

    Keep it as you keep secrets: it holds unpublished posts.
    """
    with office(where.config, where.posts, where.data) as place:
        made = place.store.backup(target)
    if as_json:
        print_json(made)
    else:
        click.echo(f"{target}: {made.deliveries} deliveries, proved")
