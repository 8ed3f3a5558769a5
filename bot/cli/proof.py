"""Who decides: the proof that a decision asks for."""

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from bot import program
from bot.app.storage import settings
from bot.app.workspace import EmergencyDesk, Workspace
from bot.authority.access import Access
from bot.authority.signing_in import SignIn
from bot.authority.users import Person, Right
from bot.cli.output import Output, as_option, in_workspace, why_option
from bot.content.model import Mode
from bot.errors import DecisionError
from bot.planning.corrections import Corrections


def decides(
    right: Right, opened: Callable[..., Any] = in_workspace, *, asks_why: bool = True
) -> Callable[[Callable[..., Output]], Callable[..., Any]]:
    """Return a decorator: the verb's ``by`` is a user who has proved it and has this right.

    It works with what is ``opened``, and has ``--why`` where it ``asks_why``.
    """

    def decorate(verb: Callable[..., Output]) -> Callable[..., Any]:
        @opened
        @as_option
        @wraps(verb)
        def called(
            workspace: Workspace | EmergencyDesk | Corrections, by: str, **options: Any
        ) -> Output:
            by = proved(Access(workspace.store, workspace.clock), workspace.mode, by, right)
            return verb(workspace, by=by, **options)

        decided: Callable[..., Any] = called
        return why_option(decided) if asks_why else decided

    return decorate


def proved(access: Access, mode: Mode, name: str, right: Right, *, takes_token: bool = True) -> str:
    """Return the name of who decides; DecisionError where they may not, or have not proved it.

    It takes their password or a token; no token for what would outlast it: a stolen one must end.
    """
    if _believes_all(access, mode):
        return name
    if not access.has_users():
        raise DecisionError(
            "nobody can decide yet; the first user is made by: "
            f"{program()} user add NAME --role operator --role approver --as NAME"
        )
    person = _person(access, name, takes_token=takes_token)
    person.require(right)
    return person.name


def confirming(access: Access, name: str) -> str:
    """Return who confirms where secrets go; before there are users, whoever is at the machine."""
    if not access.has_users():
        return "command line"
    if not name:
        raise DecisionError("say who confirms where the secrets go: --as NAME")
    return proved(access, Mode.LIVE, name, Right.CONFIRM)


def named(access: Access, mode: Mode, name: str) -> str:
    """Return who says so, for what nobody need prove: a pause must never wait for a password."""
    token = settings().token
    person = access.person_of_token(token) if token else None
    is_proved = person is not None and person.name == name
    return name if is_proved or _believes_all(access, mode) else f"{name} (not proved)"


def _believes_all(access: Access, mode: Mode) -> bool:
    """Whether this is a rehearsal without users: nothing leaves the machine."""
    return mode is Mode.REHEARSAL and not access.has_users()


def _person(access: Access, name: str, *, takes_token: bool) -> Person:
    users = access.store.users
    user = users.get(name) or users.get(name.casefold())
    if user is None:
        raise DecisionError(f"there is no user {name!r}; `user list` names them")
    if takes_token and (token := settings().token):
        person = access.person_of_token(token)
        if person is None or person.name != user.name:
            raise DecisionError(f"VERBATIM_TOKEN does not stand for {user.name}, or no longer")
        return person
    if not sys.stdin.isatty():
        other = "set VERBATIM_TOKEN_FILE, or " if takes_token else "by the password, no token: "
        raise DecisionError(f"prove that you are {user.name}: {other}decide in a terminal")
    password: str = click.prompt(f"Password of {user.name}", hide_input=True, err=True)
    code = click.prompt("One-time code", err=True) if user.totp_secret else ""
    return SignIn(access).prove(user.name, password, code)
