"""`resolve`: one decision for one held delivery."""

from __future__ import annotations

import click

from bot.commands.common import Places, as_option, json_option, places, why_option
from bot.commands.listing import tell
from bot.wiring.desk import office


@click.command()
@click.argument("delivery_id", metavar="ID")
@click.argument("choice", metavar="send|queue|drop|ADDRESS")
@as_option
@why_option
@json_option
@places
def command(where: Places, delivery_id: str, choice: str, by: str, why: str, as_json: bool) -> None:
    """Decide a held delivery.

    send: now, once. queue: back into its queue. drop: never. ADDRESS: it is out already, there.
    """
    with office(where.config, where.posts, where.data) as place:
        row = place.desk.resolve(delivery_id, choice, by=by, why=why)
    tell(row, as_json=as_json)
