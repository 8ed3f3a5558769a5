"""`export`: everything for other programs."""

from __future__ import annotations

from pathlib import Path

import click

from bot.app.desk import open_readonly
from bot.cli.output import Places, json_option, places, print_json
from bot.engagement.export import export


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@json_option
@places
def command(where: Places, folder: Path, as_json: bool) -> None:
    """Write deliveries, snapshots and provenance to FOLDER: CSV, JSON Lines, data dictionary."""
    with open_readonly(where.config, where.posts, where.data) as place:
        counts = export(place.store, folder)
    if as_json:
        print_json(counts)
        return
    for name, count in counts.items():
        click.echo(f"{folder / name}.csv, .jsonl: {count} rows")
    click.echo(f"{folder / 'data-dictionary.md'}: what the columns mean")
