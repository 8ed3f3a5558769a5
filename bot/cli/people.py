"""The verbs that change users, and where they are told what waits for them."""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial, wraps
from pathlib import Path
from typing import Any

import click

from bot import program
from bot.app.content import Paths, read_files
from bot.app.storage import known_store, owner_for
from bot.app.workspace import EmergencyDesk, open_users
from bot.authority.access import SHORTEST, Access
from bot.authority.notices import absence_of
from bot.authority.user_table import User
from bot.authority.users import Right, Role
from bot.cli.output import READ, Output, as_option, in_emergency, places, prints
from bot.cli.proof import proved
from bot.cli.terminal import show
from bot.content.model import Mode
from bot.content.zones import shown
from bot.errors import DecisionError
from bot.planning.store import Store

_ROLES = click.option(
    "--role", "roles", multiple=True, required=True,
    type=click.Choice([role.value for role in Role]), help="May be given several times.",
)  # fmt: skip
_FILE = click.option(
    "--password-file", type=READ, help="Read the password from a file instead of asking."
)
_NAME = click.argument("name", metavar="NAME")


def _by(prove: Callable[[Access, str, str], str]) -> Callable[..., Any]:
    """Return a decorator of verbs over users, that return what they did; whatever the mode is.

    ``prove`` returns who decides, once they have proved it: of the users, by ``--as``, for NAME.
    """

    def decorate(verb: Callable[..., str]) -> Callable[..., Any]:
        @as_option
        @places
        @wraps(verb)
        def called(paths: Paths, /, by: str, **options: Any) -> None:
            with open_users(paths) as users:
                by = prove(users, by, options.get("name", by))
                show(verb(users, by=by, **options))

        return called

    return decorate


def _operator(users: Access, by: str, _name: str) -> str:
    return proved(users, Mode.LIVE, by, Right.USERS, takes_token=False)


def _self(users: Access, by: str, name: str, *, takes_token: bool = False) -> str:
    """Return who decides for a user: they themselves or an operator."""
    right = Right.LOOK if by.casefold() == name.casefold() else Right.USERS
    return proved(users, Mode.LIVE, by, right, takes_token=takes_token)


def _first(users: Access, by: str, name: str) -> str:
    return _operator(users, by, name) if users.has_users() else by


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
@_by(_first)
def add_user(
    users: Access, name: str, roles: tuple[str, ...], password_file: Path | None, by: str
) -> str:
    """Make a user; the first one needs no proof, and must be an operator."""
    given = frozenset(map(Role, roles))
    if not users.has_users() and Role.OPERATOR not in given:
        raise DecisionError("the first user makes all others: give --role operator too")
    users.add(name, given, _password(password_file), by=by)
    return f"{name} may sign in: {', '.join(sorted(roles))}"


@user.command("password")
@_NAME
@_FILE
@_by(_self)
def set_password(users: Access, name: str, password_file: Path | None, by: str) -> str:
    """Give yourself, or as an operator somebody else, another password.

    It ends all sessions and tokens. Your own asks for the one before.
    """
    users.set_password(name, _password(password_file), by=by)
    return f"{name} has another password, is signed out everywhere and has no tokens"


@user.command("roles")
@_NAME
@_ROLES
@_by(_operator)
def set_roles(users: Access, name: str, roles: tuple[str, ...], by: str) -> str:
    """Give a user these roles and no other."""
    users.set_roles(name, frozenset(map(Role, roles)), by=by)
    if Role.APPROVER not in roles:
        _unpin(users, name)
    return f"{name} is {', '.join(sorted(roles))}"


@user.command("remove")
@_NAME
@_by(_operator)
def remove_user(users: Access, name: str, by: str) -> str:
    """Take a user away and sign them out."""
    users.remove(name, by=by)
    _unpin(users, name)
    return f"{name} is removed"


@user.command("sign-out")
@_NAME
@_by(partial(_self, takes_token=True))
def sign_out(users: Access, name: str, by: str) -> str:
    """End all sessions and tokens of a user."""
    ended = users.sign_out_everywhere(name, by=by)
    return f"{ended} session(s) of {name} ended, and all tokens"


@user.command("reset")
@_NAME
@_by(_operator)
def reset_user(users: Access, name: str, by: str) -> str:
    """Forget NAME's lost device: its codes, passkeys, tokens and sessions; not the password."""
    users.reset(name, by=by)
    _unpin(users, name)
    return f"{name} signs in with the password alone until they set up a device anew"


@user.command("token")
@click.option("--label", required=True, help="What it is for.")
@_by(_self)
def make_token(users: Access, label: str, by: str) -> str:
    """Print a token that stands for you on the command line for 90 days; it is shown this once.

    Put it into a file that only you can read, and name that in VERBATIM_TOKEN_FILE. It asks for
    your password.
    """
    person = users.person(by)
    return users.new_token(person, label) if person else ""


@user.command("pin")
@_NAME
@click.argument("code", metavar="CODE")
@_by(_operator)
def pin_key(users: Access, name: str, code: str, by: str) -> str:
    """Let the passkey of NAME that has CODE sign approvals. Ask NAME for the code by voice.

    It is written to the file that VERBATIM_APPROVER_KEYS names, which no database can change.
    """
    pinned = users.store.keys.pin(users.store.passkeys.of(name), code)
    users.write(by, "user pin", name, {"key": pinned.public_key, "origin": pinned.origin})
    return f"{name} signs approvals with it; it stands in {users.store.keys.path}"


@user.command("unpin")
@_NAME
@_by(_operator)
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
    told = []
    for row in rows:
        codes = ", asked for one-time codes" if row["codes"] else ""
        told.append(f"{row['name']}: {', '.join(row['roles'])}{codes}")
        told += [f"    passkey {key['code']} ({key['label']})" + ", signs approvals" * key["pinned"]
                 for key in row["passkeys"]]  # fmt: skip
    none = ["no users; this makes one:", f"  {program()} user add NAME --role operator --as NAME"]
    return Output(rows, told or none)


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


@click.group()
def contact() -> None:
    """Say where users are told what waits for them, and who is told while they are away.

    Users do it for themselves, operators for anybody; it asks for the password, no token.
    """


@contact.command("address")
@_NAME
@click.option("--file", type=READ, help="Read the address from a file instead of asking.")
@click.option("--forget", is_flag=True, help="Forget it.")
@_by(_self)
def set_address(users: Access, name: str, file: Path | None, forget: bool, by: str) -> str:
    """Keep where NAME is told what waits for them: an Apprise address (mail, Signal, Matrix, ...).

    It is kept in a private file on this machine, shown to nobody, and tried at once.
    """
    from bot.operations.personal_address import prove_taken  # loads Apprise

    address = ""
    if not forget:
        prompt = partial(click.prompt, "Address", hide_input=True, err=True)
        address = str(file.read_text(encoding="utf-8") if file else prompt()).strip()
        prove_taken(name, address)
    users.set_address(name, address, by=by)
    return f"{name} has no address" if forget else f"{name} is told what waits for them"


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
    by = _self(users, by, name)
    now = workspace.clock.now()
    absence = absence_of(name, substitute, first, until, zone=zone, now=now)
    users.set_absence(absence, by=by)
    times = f"from {shown(absence.since, zone)} to {shown(absence.until, zone)}"
    return Output(asdict(absence), [f"{times} {substitute} is told what waits for {name}"])


@contact.command("back")
@_NAME
@_by(_self)
def set_back(users: Access, name: str, by: str) -> str:
    """Let NAME be told again what waits for them."""
    users.end_absence(name, by=by)
    return f"{name} is told again what waits for them"
