"""`deliveries`: where each one stands, and its history."""

from __future__ import annotations

import click

from bot.commands.common import Places, json_option, places, print_json
from bot.commands.listing import as_rows, lines
from bot.core.model import State
from bot.core.zones import shown
from bot.wiring.desk import Office, office


@click.command()
@click.argument("delivery_id", required=False, metavar="[ID]")
@click.option("--state", type=click.Choice([one.value for one in State]), multiple=True)
@click.option("--account")
@click.option("--post", "post_id")
@json_option
@places
def command(
    where: Places,
    delivery_id: str | None,
    state: tuple[str, ...],
    account: str | None,
    post_id: str | None,
    as_json: bool,
) -> None:
    """List deliveries by due time; with an ID (its beginning will do) tell one's whole history."""
    with office(where.config, where.posts, where.data) as place:
        if delivery_id is not None:
            _history(place, delivery_id, as_json)
            return
        states = {State(one) for one in state} or None
        rows = place.store.outbox.find(states=states, account=account, post_id=post_id)
        zone = place.campaign.zone
    if as_json:
        print_json(as_rows(rows))
        return
    for line in lines(rows, zone):
        click.echo(line)


def _history(place: Office, delivery_id: str, as_json: bool) -> None:
    row = place.desk.find(delivery_id)
    moves = place.store.outbox.moves_of(row.id)
    attempts = place.store.outbox.attempts_of(row.id)
    if as_json:
        print_json({**as_rows([row])[0], "moves": moves, "attempts": attempts})
        return
    for line in lines([row], place.campaign.zone):
        click.echo(line)
    click.echo(row.status.text)
    for move in moves:
        when = shown(move.at, place.campaign.zone)
        why = f": {move.reason}" if move.reason else ""
        click.echo(f"  {when}  {move.before} -> {move.after}  {move.actor}{why}")
