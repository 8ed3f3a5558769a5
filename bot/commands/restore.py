"""`restore`: a backup in the database's place; nothing is sent before it is settled."""

from __future__ import annotations

from pathlib import Path

import click

from bot.commands.common import Places, json_option, places, print_json
from bot.wiring.upkeep import restore_backup


@click.command()
@click.argument("backup", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--mode", type=click.Choice(["live", "rehearsal"]), required=True,
              help="Whose database FILE is.")  # fmt: skip
@json_option
@places
def command(where: Places, backup: Path, mode: str, as_json: bool) -> None:
    """Put FILE in the place of the database; the bot must be stopped.

    What stood there is kept beside it. At the next `run` everything that may have gone out since
    the backup is read back first; what cannot be told is held for a person.
    """
    kept = restore_backup(backup, where.data, mode)
    if as_json:
        print_json({"restored": str(backup), "kept": str(kept) if kept else None})
        return
    click.echo("restored; at the next `run` nothing is sent before everything due is read back")
    if kept:
        click.echo(f"what stood there is kept as {kept}")
