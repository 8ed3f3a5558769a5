"""`resume`: let sending go on."""

from __future__ import annotations

import click

from bot.commands.common import Places, as_option, json_option, places, print_json, why_option
from bot.wiring.desk import office


@click.command()
@click.argument("account", required=False, metavar="[ACCOUNT]")
@as_option
@why_option
@json_option
@places
def command(where: Places, account: str | None, by: str, why: str, as_json: bool) -> None:
    """Let sending go on; what lapsed meanwhile waits for a person under `held`.

    With ACCOUNT: let one account send again that was stopped (by revoked credentials, say).
    """
    with office(where.config, where.posts, where.data) as place:
        stopped = place.desk.restart(account, by=by, why=why) if account else ""
        if not account:
            place.desk.resume(by=by, why=why)
        waiting = len(place.desk.held())
    if as_json:
        print_json({"paused": False, "account": account, "stopped": stopped, "held": waiting})
        return
    if account:
        click.echo(f"{account} is looked at and may send again; it was stopped: {stopped}")
    else:
        click.echo(f"sending goes on; {waiting} held or failed delivery(ies) wait: see `held`")
