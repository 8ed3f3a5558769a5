"""`user`: who may use the dashboard, and what each may do."""

from __future__ import annotations

from pathlib import Path

import click

from bot import program
from bot.commands.common import Places, as_option, json_option, places, print_json
from bot.services.users import SHORTEST, Role
from bot.wiring.people import access

_ROLES = click.option(
    "--role", "roles", multiple=True, required=True, type=click.Choice([one.value for one in Role]),
    help="May be given several times.",
)  # fmt: skip
_FILE = click.option(
    "--password-file", type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Read the password from a file instead of asking.",
)  # fmt: skip
_NAME = click.argument("name", metavar="NAME")


@click.group()
def command() -> None:
    """Make, change and remove users of the dashboard.

    A viewer looks; an editor also checks texts and may pause; an approver also approves, corrects
    and retracts; an operator also resumes and settles what is held. One may have several roles.
    """


@command.command()
@_NAME
@_ROLES
@_FILE
@as_option
@places
def add(
    where: Places, name: str, roles: tuple[str, ...], password_file: Path | None, by: str
) -> None:
    """Make a user."""
    password = _password(password_file)
    with access(where.config, where.posts, where.data) as users:
        users.add(name, frozenset(map(Role, roles)), password, by=by)
    click.echo(f"{name} may sign in: {', '.join(sorted(roles))}")


@command.command()
@_NAME
@_FILE
@as_option
@places
def password(where: Places, name: str, password_file: Path | None, by: str) -> None:
    """Give a user another password; they are signed out everywhere."""
    new = _password(password_file)
    with access(where.config, where.posts, where.data) as users:
        users.set_password(name, new, by=by)
    click.echo(f"{name} has another password and is signed out everywhere")


@command.command()
@_NAME
@_ROLES
@as_option
@places
def roles(where: Places, name: str, roles: tuple[str, ...], by: str) -> None:
    """Give a user these roles and no other."""
    with access(where.config, where.posts, where.data) as users:
        users.set_roles(name, frozenset(map(Role, roles)), by=by)
    click.echo(f"{name} is {', '.join(sorted(roles))}")


@command.command()
@_NAME
@as_option
@places
def remove(where: Places, name: str, by: str) -> None:
    """Take a user away and sign them out."""
    with access(where.config, where.posts, where.data) as users:
        users.remove(name, by=by)
    click.echo(f"{name} is removed")


@command.command(name="sign-out")
@_NAME
@as_option
@places
def sign_out(where: Places, name: str, by: str) -> None:
    """End all sessions of a user."""
    with access(where.config, where.posts, where.data) as users:
        ended = users.sign_out_everywhere(name, by=by)
    click.echo(f"{ended} session(s) of {name} ended")


@command.command(name="list")
@json_option
@places
def list_users(where: Places, as_json: bool) -> None:
    """List users and their roles."""
    with access(where.config, where.posts, where.data) as users:
        known = users.store.users.all()
    if as_json:
        rows = [{"name": one.name, "roles": sorted(one.roles)} for one in known]
        print_json(rows)
        return
    for one in known:
        click.echo(f"{one.name}: {', '.join(sorted(one.roles))}")
    if not known:
        click.echo(f"no users; this makes one: {program()} user add NAME --role ROLE --as YOU")


def _password(file: Path | None) -> str:
    """Read a password from a file without its last line break, or ask twice."""
    if file is not None:
        return file.read_text(encoding="utf-8").rstrip("\r\n")
    prompt = f"Password ({SHORTEST} characters or more)"
    entered: str = click.prompt(prompt, hide_input=True, confirmation_prompt=True)
    return entered
