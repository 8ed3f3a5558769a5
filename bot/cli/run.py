"""`run`: the service, in one process."""

from __future__ import annotations

import click

from bot.app.run import serve
from bot.cli.output import Places, places


@click.command()
@places
def command(where: Places) -> None:
    """Plan, publish, settle and tell people, until SIGTERM or Ctrl-C.

    A second process with the same data waits, and takes over when the first one dies.
    """
    serve(where.config, where.posts, where.data)
