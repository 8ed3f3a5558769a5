"""`correct`: a dated correction that stands on its own."""

from __future__ import annotations

import click

from bot import program
from bot.commands.common import Places, as_option, json_option, places, print_json
from bot.commands.listing import as_rows
from bot.wiring.people import corrections


@click.command()
@click.argument("post")
@click.option("--text", required=True, help="What is right.")
@click.option("--why", required=True, metavar="TEXT", help="What was wrong; it is public.")
@click.option("--delete", is_flag=True, help="Delete the original too.")
@as_option
@json_option
@places
def command(
    where: Places, post: str, text: str, why: str, delete: bool, by: str, as_json: bool
) -> None:
    """Put a dated correction of POST before the approvers.

    It goes where the post went, as a reply where the network allows it. It needs the same approvals
    as any post; then `resolve` sends it.
    """
    with corrections(where.config, where.posts, where.data) as desk:
        rows = desk.correct(post, text, by=by, why=why, delete_original=delete)
    if as_json:
        print_json(as_rows(rows))
        return
    for row in rows:
        click.echo(f"{row.id[:8]}  {row.account}: {row.status.text}")
    click.echo(f"next: {program()} approve {rows[0].post_id} --as NAME")
    for row in rows:
        click.echo(f"then: {program()} resolve {row.id[:8]} send --as NAME")
