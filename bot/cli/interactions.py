"""Verbs about what others do with a post that is out: replies and quotes."""

from contextlib import closing
from dataclasses import replace

import click

from bot.app.workspace import Workspace
from bot.authority.users import Right
from bot.cli.output import Output, in_workspace, why_option
from bot.cli.people import decides
from bot.delivery.interactions import Interactions, Verb


@click.command()
@click.argument("delivery_id", metavar="ID")
@click.argument("address", metavar="ADDRESS")
@why_option
@in_workspace
@decides(Right.CORRECT)
def hide_reply(workspace: Workspace, delivery_id: str, address: str, by: str, why: str) -> Output:
    """Hide the reply at ADDRESS below the delivery ID; everybody can still open it there.

    The log keeps a hash of the address, nothing of what was replied or by whom.
    """
    return _decided(workspace, "hide reply", delivery_id, address, by, why)


@click.command()
@click.argument("delivery_id", metavar="ID")
@click.argument("address", metavar="ADDRESS")
@why_option
@in_workspace
@decides(Right.CORRECT)
def revoke_quote(workspace: Workspace, delivery_id: str, address: str, by: str, why: str) -> Output:
    """Take the delivery ID out of the quote at ADDRESS; the words around it stay.

    The log keeps a hash of the address, nothing of what was written or by whom.
    """
    return _decided(workspace, "revoke quote", delivery_id, address, by, why)


def _decided(
    workspace: Workspace, verb: Verb, delivery_id: str, address: str, by: str, why: str
) -> Output:
    with closing(workspace.connections()) as connections:
        desk = replace(workspace.desk, platform=connections.platform)
        row = desk.find(delivery_id)
        interactions = Interactions(workspace.store, workspace.clock, connections.platform)
        interactions.decide(row, verb, address, by=by, why=why)
    value = {"done": verb, "delivery": row.id, "post": row.post_id, "account": row.account}
    return Output(value, [f"done: {verb}, {row.post_id} on {row.account}"])
