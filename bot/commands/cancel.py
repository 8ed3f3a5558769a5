"""`cancel`: Take a delivery out that is not sent."""

from __future__ import annotations

import click

from bot.commands.common import Places, as_option, json_option, places, why_option
from bot.commands.listing import tell
from bot.wiring.desk import office


@click.command()
@click.argument("delivery_id", metavar="ID")
@as_option
@why_option
@json_option
@places
def command(where: Places, delivery_id: str, by: str, why: str, as_json: bool) -> None:
    """Take a delivery out that is not sent."""
    with office(where.config, where.posts, where.data) as place:
        row = place.desk.cancel(delivery_id, by=by, why=why)
    tell(row, as_json=as_json)
