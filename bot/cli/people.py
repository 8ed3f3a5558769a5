"""Who decides: the proof that a decision asks for, and the verbs that change users."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from bot import program
from bot.app.content import Paths, read_files
from bot.app.storage import known_store, owner_for, settings
from bot.app.workspace import EmergencyDesk, Workspace, open_users
from bot.authority.access import Access
from bot.authority.passwords import SHORTEST
from bot.authority.signing_in import SignIn
from bot.authority.user_table import User
from bot.authority.users import Person, Right, Role
from bot.cli.output import Output, as_option, places, prints
from bot.cli.terminal import show
from bot.content.model import Mode
from bot.errors import DecisionError
from bot.planning.corrections import Corrections
from bot.planning.store import Store

_Verb = TypeVar("_Verb", bound=Callable[..., Any])


def decides(right: Right) -> Callable[[_Verb], _Verb]:
    """Return a decorator: the verb's ``by`` is a user who has proved it and has this right."""

    def decorate(verb: _Verb) -> _Verb:
        @as_option
        @wraps(verb)
        def called(
            workspace: Workspace | EmergencyDesk | Corrections, by: str, **options: Any
        ) -> Any:
            by = proved(Access(workspace.store, workspace.clock), workspace.mode, by, right)
            return verb(workspace, by=by, **options)

        return called  # type: ignore[return-value]  # the same but for `by`, which click gives it

    return decorate


def proved(access: Access, mode: Mode, name: str, right: Right, *, takes_token: bool = True) -> str:
    """Return the name of who decides, once they have proved it by a token or their password.

    Args:
        takes_token: Not for what would outlast the token: a stolen one must end.

    Raises:
        DecisionError: they have not, or they may not.
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


_ROLES = click.option(
    "--role", "roles", multiple=True, required=True,
    type=click.Choice([role.value for role in Role]), help="May be given several times.",
)  # fmt: skip
_FILE = click.option(
    "--password-file", type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Read the password from a file instead of asking.",
)  # fmt: skip
_NAME = click.argument("name", metavar="NAME")


def _by_operator(verb: Callable[..., str]) -> Callable[..., Any]:
    """Return a verb that an operator decides, whatever the mode is, and that says what it did."""

    @as_option
    @places
    @wraps(verb)
    def called(paths: Paths, /, by: str, **options: Any) -> None:
        with open_users(paths) as users:
            show(verb(users, by=_operator(users, by), **options))

    return called


@click.group()
def user() -> None:
    """Make, change and remove users of the dashboard.

    A viewer looks; an editor also checks texts and may pause; an approver also approves, corrects
    and retracts; an operator also resumes and settles what is held. One may have several roles.
    """


@user.command("add")
@_NAME
@_ROLES
@_FILE
@as_option
@places
def add_user(
    paths: Paths, name: str, roles: tuple[str, ...], password_file: Path | None, by: str
) -> None:
    """Make a user; the first one needs no proof, and must be an operator."""
    given = frozenset(map(Role, roles))
    with open_users(paths) as users:
        if users.has_users():
            by = _operator(users, by)
        elif Role.OPERATOR not in given:
            raise DecisionError("the first user makes all others: give --role operator too")
        users.add(name, given, _password(password_file), by=by)
    show(f"{name} may sign in: {', '.join(sorted(roles))}")


@user.command("password")
@_NAME
@_FILE
@as_option
@places
def set_password(paths: Paths, name: str, password_file: Path | None, by: str) -> None:
    """Give yourself, or as an operator somebody else, another password.

    It ends all sessions and tokens. Your own asks for the one before.
    """
    with open_users(paths) as users:
        is_own = by.casefold() == name.casefold()
        by = _self(users, by, takes_token=False) if is_own else _operator(users, by)
        new = _password(password_file)
        users.set_password(name, new, by=by)
    show(f"{name} has another password, is signed out everywhere and has no tokens")


@user.command("roles")
@_NAME
@_ROLES
@_by_operator
def set_roles(users: Access, name: str, roles: tuple[str, ...], by: str) -> str:
    """Give a user these roles and no other."""
    users.set_roles(name, frozenset(map(Role, roles)), by=by)
    if Role.APPROVER not in roles:
        _unpin(users, name)
    return f"{name} is {', '.join(sorted(roles))}"


@user.command("remove")
@_NAME
@_by_operator
def remove_user(users: Access, name: str, by: str) -> str:
    """Take a user away and sign them out."""
    users.remove(name, by=by)
    _unpin(users, name)
    return f"{name} is removed"


@user.command("sign-out")
@_NAME
@as_option
@places
def sign_out(paths: Paths, name: str, by: str) -> None:
    """End all sessions and tokens of a user."""
    with open_users(paths) as users:
        by = _self(users, by) if by == name else _operator(users, by, takes_token=True)
        ended = users.sign_out_everywhere(name, by=by)
    show(f"{ended} session(s) of {name} ended, and all tokens")


@user.command("reset")
@_NAME
@_by_operator
def reset_user(users: Access, name: str, by: str) -> str:
    """Forget NAME's lost device: its codes, passkeys, tokens and sessions; not the password."""
    users.reset(name, by=by)
    _unpin(users, name)
    return f"{name} signs in with the password alone until they set up a device anew"


@user.command("token")
@click.option("--label", required=True, help="What it is for.")
@as_option
@places
def make_token(paths: Paths, label: str, by: str) -> None:
    """Print a token that stands for you on the command line for 90 days; it is shown this once.

    Put it into a file that only you can read, and name that in VERBATIM_TOKEN_FILE. It asks for
    your password.
    """
    with open_users(paths) as users:
        person = users.person(_self(users, by, takes_token=False))
        show(users.new_token(person, label) if person else "")


@user.command("pin")
@_NAME
@click.argument("code", metavar="CODE")
@_by_operator
def pin_key(users: Access, name: str, code: str, by: str) -> str:
    """Let the passkey of NAME that has CODE sign approvals. Ask NAME for the code by voice.

    It is written to the file that VERBATIM_APPROVER_KEYS names, which no database can change.
    """
    pinned = users.store.keys.pin(users.store.passkeys.of(name), code)
    users.write(by, "user pin", name, {"key": pinned.public_key, "origin": pinned.origin})
    return f"{name} signs approvals with it; it stands in {users.store.keys.path}"


@user.command("unpin")
@_NAME
@_by_operator
def unpin_keys(users: Access, name: str, by: str) -> str:
    """Let no passkey of NAME sign approvals any more; those given before count no more either."""
    count = users.store.keys.unpin(name)
    users.write(by, "user unpin", name, {"keys": count})
    return f"{count} key(s) of {name} sign no more"


@user.command("list")
@prints
def list_users(paths: Paths) -> Output:
    """List users and their roles."""
    owner_for(paths, read_files(paths.config, paths.posts))
    with known_store(paths) as store:
        rows = [_row(store, known) for known in store.users.all()] if store else []
    return Output(
        rows,
        [line for row in rows for line in _lines(row)]
        or [
            "no users; this makes one:",
            f"  {program()} user add NAME --role operator --as NAME",
        ],
    )


def _row(store: Store, known: User) -> dict[str, Any]:
    pinned = {key.public_key for key in store.keys.of(known.name)}
    return {
        "name": known.name,
        "roles": sorted(known.roles),
        "codes": known.totp_secret is not None,
        "passkeys": [
            {"label": key.label, "code": key.code, "pinned": key.public_key in pinned}
            for key in store.passkeys.of(known.name)
        ],
    }


def _lines(row: dict[str, Any]) -> list[str]:
    codes = ", asked for one-time codes" if row["codes"] else ""
    keys = (
        f"    passkey {key['code']} ({key['label']})" + ", signs approvals" * key["pinned"]
        for key in row["passkeys"]
    )
    return [f"{row['name']}: {', '.join(row['roles'])}{codes}", *keys]


def _operator(users: Access, name: str, *, takes_token: bool = False) -> str:
    """Return the name of an operator who has proved it, whatever the mode is."""
    return proved(users, Mode.LIVE, name, Right.USERS, takes_token=takes_token)


def _self(users: Access, name: str, *, takes_token: bool = True) -> str:
    return proved(users, Mode.LIVE, name, Right.LOOK, takes_token=takes_token)


def self_or_operator(users: Access, by: str, name: str) -> str:
    """Return who decides for a user: they themselves or an operator, by the password, no token."""
    return _self(users, by, takes_token=False) if by == name else _operator(users, by)


def _unpin(users: Access, name: str) -> None:
    """Let no key of a user sign any more, where this process may write the file of keys."""
    try:
        users.store.keys.unpin(name)
    except OSError as error:
        show(f"take {name} out of {users.store.keys.path} yourself: {error}", err=True)


def _password(file: Path | None) -> str:
    """Read a password from a file without its last line break, or ask twice."""
    if file is not None:
        return file.read_text(encoding="utf-8").rstrip("\r\n")
    prompt = f"Password ({SHORTEST} characters or more)"
    entered: str = click.prompt(prompt, hide_input=True, confirmation_prompt=True)
    return entered
