"""Where users are told what waits for them, and who is told while they are away."""

from datetime import UTC, datetime
from pathlib import Path

import click

from bot.app.content import Paths
from bot.app.workspace import open_users
from bot.cli.output import as_option, places
from bot.cli.people import self_or_operator
from bot.cli.terminal import show
from bot.errors import DecisionError
from bot.masking import masked

_NAME = click.argument("name", metavar="NAME")


@click.group()
def contact() -> None:
    """Say where users are told what waits for them, and who is told while they are away.

    Users do it for themselves, operators for anybody; it asks for the password, no token.
    """


@contact.command("address")
@_NAME
@click.option("--file", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="Read the address from a file instead of asking.")  # fmt: skip
@click.option("--forget", is_flag=True, help="Forget it.")
@as_option
@places
def set_address(paths: Paths, name: str, file: Path | None, forget: bool, by: str) -> None:
    """Keep where NAME is told what waits for them: an Apprise address (mail, Signal, Matrix, ...).

    It is kept in a private file on this machine, shown to nobody, and tried at once.
    """
    with open_users(paths) as users:
        by = self_or_operator(users, by, name)
        address = ""
        if not forget:
            asked = file.read_text(encoding="utf-8") if file else _asked("Address")
            address = asked.strip()
            masked.add(address)
            _try_address(name, address)
        users.set_address(name, address, by=by)
    show(f"{name} has no address" if forget else f"{name} is told what waits for them")


def _asked(what: str) -> str:
    found: str = click.prompt(what, hide_input=True, err=True)
    return found


def _try_address(name: str, address: str) -> None:
    from bot.operations.channels import Alert, channels_of  # loads Apprise

    if address.split() != [address]:  # of several, Apprise writes into the log what it cannot read
        raise DecisionError("give one address, with no space in it")
    channels = channels_of((address,), whose=f"address of {name}")
    if not channels.send(Alert("Verbatim", "Here you are told what waits for you.")):
        raise DecisionError(f"it takes no messages: {', '.join(channels.failing().values())}")


@contact.command("away")
@_NAME
@click.option("--until", metavar="DAY", required=True, type=click.DateTime(["%Y-%m-%d"]),
              help="First day on which they are back.")  # fmt: skip
@click.option("--substitute", metavar="NAME", required=True, help="Who is told in their place.")
@as_option
@places
def set_away(paths: Paths, name: str, until: datetime, substitute: str, by: str) -> None:
    """Let a substitute be told what waits for NAME, who is away; each acts by their own roles."""
    with open_users(paths) as users:
        by = self_or_operator(users, by, name)
        users.set_absence(name, substitute, until.replace(tzinfo=UTC), by=by)
    show(f"until {until:%Y-%m-%d} {substitute} is told what waits for {name}")


@contact.command("back")
@_NAME
@as_option
@places
def set_back(paths: Paths, name: str, by: str) -> None:
    """Let NAME be told again what waits for them."""
    with open_users(paths) as users:
        by = self_or_operator(users, by, name)
        users.end_absence(name, by=by)
    show(f"{name} is told again what waits for them")
