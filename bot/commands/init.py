"""`init`: a new campaign in an empty folder."""

from __future__ import annotations

from pathlib import Path

import click

from bot.services.starter import write_campaign
from bot.wiring.content import TRAITS


@click.command()
@click.argument("folder", metavar="DIR", type=Path)
def command(folder: Path) -> None:
    """Write a small campaign into DIR that passes `check`: a schedule, a source, two posts."""
    for path in write_campaign(folder, TRAITS.values()):
        click.echo(f"wrote {path}")
    click.echo(f"next: run_bot.py check --config {folder}/schedule.yaml --posts {folder}/posts")
