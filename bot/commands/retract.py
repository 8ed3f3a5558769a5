"""`retract`: take a post down on every network."""

from __future__ import annotations

import click

from bot.commands.common import Places, as_option, json_option, places, print_json
from bot.wiring.people import corrections


@click.command()
@click.argument("post")
@click.option("--why", required=True, metavar="TEXT", help="What was wrong; it is public.")
@as_option
@json_option
@places
def command(where: Places, post: str, why: str, by: str, as_json: bool) -> int:
    """Delete every status of POST and say what could not be deleted; then the exit code is 1.

    To keep it from coming again, its file must say `status: draft`.
    """
    with corrections(where.config, where.posts, where.data) as desk:
        outcomes = desk.retract(post, by=by, why=why)
    if as_json:
        print_json(outcomes)
    else:
        for one in outcomes:
            sign = "deleted" if one.deleted else "NOT deleted"
            click.echo(f"{sign}: {one.account} {one.url}: {one.told}")
    return 0 if all(one.deleted for one in outcomes) else 1
