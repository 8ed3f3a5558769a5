"""`restore`: a backup in the database's place; nothing is sent before it is settled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from bot.commands.common import Places, json_option, places, print_json
from bot.wiring.upkeep import Restored, restore_backup


@click.command()
@click.argument("backup", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--mode", type=click.Choice(["live", "rehearsal"]), required=True,
              help="Whose database FILE is.")  # fmt: skip
@click.option("--loaded", is_flag=True,
              help="pg_restore has loaded FILE already; only settle first.")  # fmt: skip
@json_option
@places
def command(where: Places, backup: Path, mode: str, loaded: bool, as_json: bool) -> None:
    """Put FILE in the place of the database; the bot must be stopped.

    What stood there is kept beside it. At the next `run` everything that may have gone out since
    the backup is read back first; what cannot be told is held for a person.
    """
    done = restore_backup(backup, where.data, mode, loaded=loaded)
    if as_json:
        kept = str(done.kept) if done.kept else None
        print_json({"restored": str(backup), "kept": kept, "sent_log": done.has_log})
        return
    for line in _lines(done):
        click.echo(line)


def _lines(done: Restored) -> Iterator[str]:
    yield "restored; at the next `run` nothing is sent before everything due is read back"
    yield "what cannot be told then is held: `held` lists it, `resolve` decides it"
    if done.kept:
        yield f"what stood there is kept as {done.kept}"
    if not done.has_log:
        yield (
            "there is no sent log here: put the lost one in its place, or look at the accounts"
            " before the next `run` and `cancel` what is out already"
        )
