"""`pause`: hold everything before its next network call."""

from __future__ import annotations

import click

from bot.commands.common import Places, as_option, json_option, places, print_json
from bot.wiring.desk import office


@click.command()
@click.option("--reason", required=True, help="Why; people will read it.")
@as_option
@json_option
@places
def command(where: Places, reason: str, by: str, as_json: bool) -> None:
    """Hold everything before its next network call, in every process."""
    with office(where.config, where.posts, where.data) as place:
        place.desk.pause(reason, by=by)
    if as_json:
        print_json({"paused": True, "reason": reason, "by": by})
    else:
        click.echo("paused: nothing is sent until `resume`; what lapses waits under `held`")
