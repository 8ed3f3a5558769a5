"""`accept-config`: confirm, on this machine, what the files now say."""

from __future__ import annotations

import click

from bot.commands.common import Places, as_option, json_option, places, print_json, why_option
from bot.services.trust import Guard
from bot.wiring.desk import office


@click.command()
@as_option
@why_option
@json_option
@places
def command(where: Places, by: str, why: str, as_json: bool) -> None:
    """Confirm a change of mode, accounts, approvals, coalition or sources.

    The accounts that the change stopped may send again.
    """
    with office(where.config, where.posts, where.data) as place:
        found = Guard(place.store, place.clock).accept(place.campaign, by=by, why=why)
    if as_json:
        print_json(found)
        return
    for change in found:
        click.echo(str(change))
    click.echo(f"confirmed by {by}: {len(found)} change(s)")
