"""`doctor`: whether everything that `run` needs is there and works."""

from __future__ import annotations

import click

from bot.commands.common import Places, json_option, places, print_json
from bot.wiring.doctoring import examine


@click.command()
@click.option("--ask/--no-ask", default=True, show_default=True,
              help="Ask each account's server (some platforms charge a cent for it).")  # fmt: skip
@json_option
@places
def command(where: Places, ask: bool, as_json: bool) -> int:
    """Try libraries, fonts, files, secrets, the database, and each account."""
    findings = examine(where.config, where.posts, where.data, ask=ask)
    if as_json:
        print_json(findings)
    else:
        for one in findings:
            click.echo(f"{'ok   ' if one.is_well else 'WRONG'} {one.what}: {one.told}")
    return 0 if all(one.is_well for one in findings) else 1
