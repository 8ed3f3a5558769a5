"""Where users are told what waits for them, and who is told while they are away."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from bot.app.content import Paths
from bot.app.workspace import EmergencyDesk, open_users
from bot.authority.access import Access
from bot.authority.contacts import absence_of
from bot.cli.output import Output, as_option, in_emergency, places
from bot.cli.people import self_or_operator
from bot.cli.terminal import show
from bot.content.zones import shown

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
    from bot.operations.personal_address import prove_taken  # loads Apprise

    with open_users(paths) as users:
        by = self_or_operator(users, by, name)
        address = ""
        if not forget:
            asked = file.read_text(encoding="utf-8") if file else _asked("Address")
            address = asked.strip()
            prove_taken(name, address)
        users.set_address(name, address, by=by)
    show(f"{name} has no address" if forget else f"{name} is told what waits for them")


def _asked(what: str) -> str:
    found: str = click.prompt(what, hide_input=True, err=True)
    return found


@contact.command("away")
@_NAME
@click.option("--from", "first", metavar="DAY", default="",
              help="First day away; without it, from now on.")  # fmt: skip
@click.option("--until", metavar="DAY", required=True, help="First day on which they are back.")
@click.option("--substitute", metavar="NAME", required=True,
              help="Who is told in their place; they must have the right to answer.")  # fmt: skip
@as_option
@in_emergency
def set_away(
    workspace: EmergencyDesk, name: str, first: str, until: str, substitute: str, by: str
) -> Output:
    """Let a substitute be told what waits for NAME, who is away; each acts by their own roles.

    Days are those of the schedule's zone.
    """
    users, zone = Access(workspace.store, workspace.clock), workspace.zone
    by = self_or_operator(users, by, name)
    now = workspace.clock.now()
    absence = absence_of(name, substitute, first, until, zone=zone, now=now)
    users.set_absence(absence, by=by)
    times = f"from {shown(absence.since, zone)} to {shown(absence.until, zone)}"
    return Output(asdict(absence), [f"{times} {substitute} is told what waits for {name}"])


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
