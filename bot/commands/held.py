"""`held`: what waits for a person, with the evidence."""

from __future__ import annotations

import click

from bot import program
from bot.commands.common import Places, json_option, places, print_json
from bot.commands.listing import as_rows, lines
from bot.wiring.desk import office


@click.command()
@json_option
@places
def command(where: Places, as_json: bool) -> None:
    """List held and failed deliveries, with why and what is known."""
    with office(where.config, where.posts, where.data) as place:
        waiting = place.desk.held()
        zone = place.campaign.zone
    if as_json:
        print_json(as_rows(waiting))
        return
    for line in lines(waiting, zone):
        click.echo(line)
    if not waiting:
        click.echo("nothing waits for a person")
    else:
        click.echo(f"decide: {program()} resolve ID send|queue|drop|ADDRESS --as NAME")
        click.echo(f"or:     {program()} retry ID --as NAME")
