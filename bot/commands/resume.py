"""`resume`: let sending go on."""

from __future__ import annotations

import click

from bot.commands.common import Places, as_option, json_option, places, print_json, why_option
from bot.wiring.desk import office


@click.command()
@as_option
@why_option
@json_option
@places
def command(where: Places, by: str, why: str, as_json: bool) -> None:
    """Let sending go on; what lapsed meanwhile waits for a person under `held`."""
    with office(where.config, where.posts, where.data) as place:
        place.desk.resume(by=by, why=why)
        waiting = len(place.desk.held())
    if as_json:
        print_json({"paused": False, "held": waiting})
    else:
        click.echo(f"sending goes on; {waiting} held or failed delivery(ies) wait: see `held`")
