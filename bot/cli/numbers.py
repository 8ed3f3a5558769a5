"""Verbs of who reads the numbers."""

from __future__ import annotations

import click

from bot.app.collecting import collect_now
from bot.cli.output import Places, json_option, places, print_json


@click.command()
@json_option
@places
def collect(where: Places, as_json: bool) -> None:
    """Read the numbers that are due now; a running service does so by itself."""
    tally = collect_now(where.config, where.posts, where.data)
    if as_json:
        print_json(tally)
        return
    click.echo(
        f"{tally.taken} read, {tally.put_off} tried again later, {tally.failed} failed, "
        f"{tally.missed} missed, {tally.gone} gone; followers of {tally.followers} account(s)"
    )
