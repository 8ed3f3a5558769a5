"""`init`: a new campaign in an empty folder."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from bot import program
from bot.app.content import TRAITS
from bot.cli.starter import write_campaign


@click.command()
@click.argument("folder", metavar="DIR", type=Path)
def command(folder: Path) -> None:
    """Write a small campaign into DIR that passes `check`: a schedule, a source, two posts."""
    for path in write_campaign(folder, TRAITS.values()):
        click.echo(f"wrote {path}")
    config, posts = (shlex.quote(str(folder / name)) for name in ("schedule.yaml", "posts"))
    click.echo(f"next: {program()} check --config {config} --posts {posts}")
