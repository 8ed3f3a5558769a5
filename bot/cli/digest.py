"""`digest`: the week's summary, now."""

from __future__ import annotations

import click

from bot.app.desk import open_readonly
from bot.app.engagement import digest
from bot.cli.output import Places, json_option, places, print_json
from bot.errors import OperatorError


@click.command()
@click.option("--print", "only_print", is_flag=True, help="Show it and send nothing.")
@json_option
@places
def command(where: Places, only_print: bool, as_json: bool) -> None:
    """Send the last seven days' summary to VERBATIM_ALERTS; `run` does so each Monday."""
    with open_readonly(where.config, where.posts, where.data) as place:
        wanted = digest(place)
        message = wanted.message()
        if not (only_print or as_json) and not wanted.send(message):
            raise OperatorError("not sent: set VERBATIM_ALERTS, or see the log for who refused it")
    if as_json:
        print_json({"title": message.title, "text": message.text, "html": message.html})
    else:
        click.echo(f"{message.title}\n\n{message.text}" if only_print else f"sent: {message.title}")
