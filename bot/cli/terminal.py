"""The printer of every verb: nothing else writes to a terminal."""

from __future__ import annotations

import click

from bot import visible


def show(*lines: object, err: bool = False) -> None:
    """Print lines for people; what is foreign in them neither acts on the terminal nor hides.

    Further lines of one stand indented, so that none passes for a line of ours.
    """
    for line in lines:
        click.echo(visible.indented(line), err=err)
