"""`login`: an account's secrets, proved and kept as private files."""

from __future__ import annotations

import click

from bot.app.desk import open_readonly
from bot.app.login import account_of, keep, prove
from bot.authority.account_verifier import unfit
from bot.cli.output import Places, json_option, places, print_json
from bot.log import mask
from bot.platforms.registry import PLATFORMS


@click.command()
@click.argument("name", metavar="ACCOUNT")
@json_option
@places
def command(where: Places, name: str, as_json: bool) -> None:
    """Ask for ACCOUNT's secrets (nothing is shown), try them, and keep them below the data folder.

    docs/platforms/ says where each platform gives them out, and what the try costs.
    """
    with open_readonly(where.config, where.posts, where.data) as place:
        account = account_of(place.campaign, name)
        secrets = {one: _asked(one) for one in PLATFORMS[account.platform].spec.secrets}
        profile = prove(place, account, secrets)
        remark = unfit(account, profile, place.campaign.schedule.mode)
    kept = keep(where.data, account, secrets)
    if as_json:
        print_json({"account": name, "handle": profile.handle, "files": kept, "remark": remark})
        return
    click.echo(f"{name} is {profile.handle} ({profile.server or account.platform})")
    if remark:
        click.echo(f"before it may send: {remark}")
    click.echo("put these into the environment of `run`:")
    for variable, path in kept.items():
        click.echo(f"  {variable}={path}")


def _asked(name: str) -> str:
    value: str = click.prompt(name.replace("_", " ").lower(), hide_input=True, err=True)
    mask(value)
    return value.strip()
