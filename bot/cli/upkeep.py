"""Verbs of who runs the bot: what is so, whether it can work, users, and the whole state."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from bot import program
from bot.app.desk import Workspace, office
from bot.app.doctor import examine
from bot.app.people import access
from bot.app.upkeep import Restored, restore_backup
from bot.authority.users import SHORTEST, Role
from bot.cli.output import Places, as_option, as_rows, json_option, lines, places, print_json
from bot.content.zones import shown
from bot.delivery.model import State
from bot.operations.status import ServiceStatus, status_of


@click.command()
@click.option("--health", is_flag=True,
              help="Only tell by the exit code whether `run` is alive and well.")  # fmt: skip
@json_option
@places
def status(where: Places, health: bool, as_json: bool) -> int:
    """Return what is so; asks no server and spends nothing."""
    with office(where.config, where.posts, where.data) as place:
        found = status_of(place.store, place.campaign, place.clock)
        zone = place.campaign.zone
    if as_json:
        fields = {name: getattr(found, name) for name in ServiceStatus.__slots__}
        print_json({"running": found.is_running, **fields})
    elif not health:
        for line in _status_lines(found, zone):
            click.echo(line)
    return 0 if found.is_healthy or not health else 1


def _status_lines(status: ServiceStatus, zone: ZoneInfo) -> Iterator[str]:
    running = ", ".join(status.workers) or "no: nothing is sent"
    yield f"{status.campaign} ({status.mode}), {shown(status.at, zone)}"
    yield f"running: {running}"
    if status.paused:
        yield f"PAUSED: {status.paused}"
    if status.damage:
        yield f"BROKEN, nothing is sent: {status.damage}"
    if status.settling:
        yield f"SETTLING FIRST: {status.settling}"
    yield f"next: {shown(status.next_due, zone) if status.next_due else 'nothing is planned'}"
    if status.last_sent:
        yield f"last sent: {shown(status.last_sent, zone)}"
    counts = ", ".join(f"{count} {state}" for state, count in sorted(status.counts.items()))
    yield f"deliveries: {counts or 'none'}"
    for one in status.accounts:
        budget = f", ${one.budget_left:.2f} left this month" if one.budget_left is not None else ""
        stopped = f", STOPPED: {one.stopped}" if one.stopped else ""
        due = f", next {shown(one.next_due, zone)}" if one.next_due else ""
        yield f"  {one.name} ({one.platform}){due}{budget}{stopped}"
    for text in status.notices:
        yield f"needs a person: {text}"


@click.command()
@click.argument("delivery_id", required=False, metavar="[ID]")
@click.option("--state", type=click.Choice([one.value for one in State]), multiple=True)
@click.option("--account")
@click.option("--post", "post_id")
@json_option
@places
def deliveries(
    where: Places,
    delivery_id: str | None,
    state: tuple[str, ...],
    account: str | None,
    post_id: str | None,
    as_json: bool,
) -> None:
    """List deliveries by due time; with an ID (its beginning will do) tell one's whole history."""
    with office(where.config, where.posts, where.data) as place:
        if delivery_id is not None:
            _history(place, delivery_id, as_json)
            return
        states = {State(one) for one in state} or None
        rows = place.store.outbox.find(states=states, account=account, post_id=post_id)
        zone = place.campaign.zone
    if as_json:
        print_json(as_rows(rows))
        return
    for line in lines(rows, zone):
        click.echo(line)


def _history(place: Workspace, delivery_id: str, as_json: bool) -> None:
    row = place.desk.find(delivery_id)
    moves = place.store.outbox.moves_of(row.id)
    attempts = place.store.outbox.attempts_of(row.id)
    if as_json:
        print_json({**as_rows([row])[0], "moves": moves, "attempts": attempts})
        return
    for line in lines([row], place.campaign.zone):
        click.echo(line)
    click.echo(row.status.text)
    for move in moves:
        when = shown(move.at, place.campaign.zone)
        why = f": {move.reason}" if move.reason else ""
        click.echo(f"  {when}  {move.before} -> {move.after}  {move.actor}{why}")


@click.group()
def audit() -> None:
    """Show or verify the log of decisions."""


@audit.command()
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 100_000))
@json_option
@places
def show(where: Places, limit: int, as_json: bool) -> None:
    """Show who decided what, when and why; the newest last."""
    with office(where.config, where.posts, where.data) as place:
        rows = place.store.audit.rows(limit=limit)[::-1]
        zone = place.campaign.zone
    if as_json:
        print_json(rows)
        return
    for row in rows:
        why = f" ({row.why})" if row.why else ""
        click.echo(f"{row.seq:>5}  {shown(row.at, zone)}  {row.who}: {row.verb} {row.subject}{why}")


@audit.command()
@json_option
@places
def verify(where: Places, as_json: bool) -> int:
    """Prove the running hash of the whole log; exit code 1 where a row was changed."""
    with office(where.config, where.posts, where.data) as place:
        broken, (length, head) = place.store.audit.verify(), place.store.audit.head()
    if as_json:
        print_json({"broken_at": broken, "rows": length, "head": head})
    elif broken is None:
        click.echo(f"the log is whole: {length} row(s), head {head}")
    else:
        click.echo(f"row {broken} is not what was written; bring a backup and ask who had access")
    return 0 if broken is None else 1


@click.command()
@click.option("--ask/--no-ask", default=True, show_default=True,
              help="Ask each account's server (some platforms charge a cent for it).")  # fmt: skip
@json_option
@places
def doctor(where: Places, ask: bool, as_json: bool) -> int:
    """Try libraries, fonts, files, secrets, the database, and each account."""
    findings = examine(where.config, where.posts, where.data, ask=ask)
    if as_json:
        print_json(findings)
    else:
        for one in findings:
            click.echo(f"{'ok   ' if one.is_well else 'WRONG'} {one.what}: {one.told}")
    return 0 if all(one.is_well for one in findings) else 1


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
    where: Places, name: str, roles: tuple[str, ...], password_file: Path | None, by: str
) -> None:
    """Make a user."""
    password = _password(password_file)
    with access(where.config, where.posts, where.data) as users:
        users.add(name, frozenset(map(Role, roles)), password, by=by)
    click.echo(f"{name} may sign in: {', '.join(sorted(roles))}")


@user.command("password")
@_NAME
@_FILE
@as_option
@places
def set_password(where: Places, name: str, password_file: Path | None, by: str) -> None:
    """Return a user another password; they are signed out everywhere."""
    new = _password(password_file)
    with access(where.config, where.posts, where.data) as users:
        users.set_password(name, new, by=by)
    click.echo(f"{name} has another password and is signed out everywhere")


@user.command("roles")
@_NAME
@_ROLES
@as_option
@places
def set_roles(where: Places, name: str, roles: tuple[str, ...], by: str) -> None:
    """Return a user these roles and no other."""
    with access(where.config, where.posts, where.data) as users:
        users.set_roles(name, frozenset(map(Role, roles)), by=by)
    click.echo(f"{name} is {', '.join(sorted(roles))}")


@user.command("remove")
@_NAME
@as_option
@places
def remove_user(where: Places, name: str, by: str) -> None:
    """Take a user away and sign them out."""
    with access(where.config, where.posts, where.data) as users:
        users.remove(name, by=by)
    click.echo(f"{name} is removed")


@user.command("sign-out")
@_NAME
@as_option
@places
def sign_out(where: Places, name: str, by: str) -> None:
    """End all sessions of a user."""
    with access(where.config, where.posts, where.data) as users:
        ended = users.sign_out_everywhere(name, by=by)
    click.echo(f"{ended} session(s) of {name} ended")


@user.command("list")
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


@click.command()
@click.argument("target", metavar="FILE", type=Path)
@json_option
@places
def backup(where: Places, target: Path, as_json: bool) -> None:
    """Write the whole state to FILE, while the bot runs, and prove the copy.

    Keep it as you keep secrets: it holds unpublished posts.
    """
    with office(where.config, where.posts, where.data) as place:
        made = place.store.backup(target)
    if as_json:
        print_json(made)
    else:
        click.echo(f"{target}: {made.deliveries} deliveries, proved")


@click.command()
@click.argument("backup", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--mode", type=click.Choice(["live", "rehearsal"]), required=True,
              help="Whose database FILE is.")  # fmt: skip
@click.option("--loaded", is_flag=True,
              help="pg_restore has loaded FILE already; only settle first.")  # fmt: skip
@json_option
@places
def restore(where: Places, backup: Path, mode: str, loaded: bool, as_json: bool) -> None:
    """Put FILE in the place of the database; the bot must be stopped.

    What stood there is kept beside it. At the next `run` everything that may have gone out since
    the backup is read back first; what cannot be told is held for a person.
    """
    done = restore_backup(backup, where.data, mode, loaded=loaded)
    if as_json:
        kept = str(done.kept) if done.kept else None
        print_json({"restored": str(backup), "kept": kept, "sent_log": done.has_log})
        return
    for line in _restore_lines(done):
        click.echo(line)


def _restore_lines(done: Restored) -> Iterator[str]:
    yield "restored; at the next `run` nothing is sent before everything due is read back"
    yield "what cannot be told then is held: `held` lists it, `resolve` decides it"
    if done.kept:
        yield f"what stood there is kept as {done.kept}"
    if not done.has_log:
        yield (
            "there is no sent log here: put the lost one in its place, or look at the accounts"
            " before the next `run` and `cancel` what is out already"
        )
