"""`corrections`: the public list of what was corrected and retracted."""

from __future__ import annotations

from pathlib import Path

import click

from bot.commands.common import Places, json_option, places, print_json
from bot.wiring.people import as_page, corrections


@click.command()
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False),
              help="Write it as a page to publish.")  # fmt: skip
@json_option
@places
def command(where: Places, html: Path | None, as_json: bool) -> None:
    """List what was corrected and retracted; it names no person."""
    with corrections(where.config, where.posts, where.data) as desk:
        entries = desk.listed()
    if html is not None:
        page = as_page(where.config, where.posts, where.data, entries)
        html.write_text(page, encoding="utf-8")
    if as_json:
        print_json(entries)
        return
    for one in entries:
        click.echo(f"{one.at:%Y-%m-%d %H:%M} UTC  {one.kind} of {one.post}: {one.why}")
        for line in (one.text, *one.addresses, *(f"not deleted: {left}" for left in one.remaining)):
            click.echo(f"    {line}" if line else "", nl=bool(line))
    if not entries:
        click.echo("nothing was corrected or retracted")
