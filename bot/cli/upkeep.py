"""Verbs of who runs the bot: the service, what is so, accounts, users, and the whole state."""

from collections.abc import Mapping
from contextlib import closing
from functools import partial
from pathlib import Path

import click

from bot.app.backups import EMBEDDED, back_up_for, move_database, restore_backup
from bot.app.connections import Connections, keep_secrets, refuse_given_elsewhere
from bot.app.content import Paths
from bot.app.workspace import Workspace, open_readonly
from bot.authority.access import Access
from bot.authority.trust import ConfigurationGuard, unfit
from bot.authority.users import Right
from bot.cli.output import READ, Output, as_rows, in_workspace, lines, places, prints
from bot.cli.proof import confirming, decides
from bot.cli.terminal import show
from bot.content.model import Account, Mode
from bot.content.values import no_such
from bot.content.zones import brief
from bot.delivery.model import State
from bot.errors import DecisionError
from bot.masking import mask
from bot.platforms.registry import PLATFORMS


@places
def run(paths: Paths) -> None:
    """Plan, publish, settle and tell people, until SIGTERM or Ctrl-C.

    A second process with the same data waits, and takes over when the first one dies.
    """
    from bot.app.service import serve  # takes long to load

    serve(paths)


@click.argument("delivery_id", required=False, metavar="[ID]")
@click.option("--state", type=click.Choice([state.value for state in State]), multiple=True)
@click.option("--account")
@click.option("--post", "post_id")
@in_workspace
def deliveries(
    workspace: Workspace,
    delivery_id: str | None,
    state: tuple[str, ...],
    account: str | None,
    post_id: str | None,
) -> Output:
    """List deliveries by due time; with an ID (its beginning will do) tell one's whole history."""
    if delivery_id is not None:
        return _history(workspace, delivery_id)
    if post_id is not None:
        workspace.require_post(post_id)
    states = set(map(State, state)) or None
    find = partial(workspace.store.outbox.each, states=states, account=account, post_id=post_id)
    return Output(as_rows(find()), lines(find(), workspace.campaign.zone))


def _history(workspace: Workspace, delivery_id: str) -> Output:
    row, zone = workspace.desk.find(delivery_id), workspace.campaign.zone
    moves = workspace.store.outbox.moves_of(row.id)
    attempts = workspace.store.outbox.attempts_of(row.id)
    told = [*lines([row], zone), row.status.text]
    for move in moves:
        why = f": {move.reason}" if move.reason else ""
        told.append(
            f"  {brief(move.at, zone):<17}  {move.before} -> {move.after}  {move.actor}{why}"
        )
    return Output({**next(as_rows([row])), "moves": moves, "attempts": attempts}, told)


@click.option("--ask/--no-ask", default=True, show_default=True,
              help="Ask each account's server (some platforms charge a cent for it).")  # fmt: skip
@click.option("--send", is_flag=True, help="Send a test to each address of alerts.")
@prints
def doctor(paths: Paths, ask: bool, send: bool) -> Output:
    """Try all that `run` needs: libraries, files, database, disk, ports, alerts, each account.

    Where `run` would stop, this says so in the same words.
    """
    from bot.app.doctor import examine  # takes long to load

    findings = tuple(examine(paths, ask=ask, send=send))
    marks = {True: "ok   ", False: "WRONG"}
    told = [f"{marks[each.is_well]} {each.what}: {each.told}" for each in findings]
    return Output(findings, told, code=0 if all(each.is_well for each in findings) else 1)


@click.argument("name", metavar="ACCOUNT")
@click.option("--post", is_flag=True,
              help="Send a test that few see, read it back and delete it; may cost.")  # fmt: skip
@decides(Right.CONFIRM, asks_why=False)
def probe(workspace: Workspace, name: str, post: bool, by: str) -> Output:
    """Tell what ACCOUNT's server can do, as far as reading shows; nothing is posted.

    With --post: a status with a warning and a picture, and a reply, tried and deleted at once.
    The answers are kept, and used by the next `run`.
    """
    from bot.app.doctor import probe as tried  # takes long to load

    accounts = workspace.campaign.schedule.accounts
    if name not in accounts:
        raise DecisionError(no_such("account", name, accounts))
    store, now = workspace.store, workspace.clock.now()
    with closing(workspace.connections()) as connections:
        platform = connections.platform(name)
        seen, trials = platform.abilities(), tuple(tried(platform, now)) if post else ()
        server = platform.profile().server if post else ""
    if trials:
        store.accounts.sync(accounts.values(), now)
        abilities = {subject: not words.startswith("no") for subject, words in seen.items()}
        abilities |= {trial.ability: trial.is_able for trial in trials}
        seen_at = {"of": str(accounts[name].destination), "abilities": abilities, "server": server}
        store.accounts.remember(name, profile={"probe": seen_at})
        store.audit.write(by, "probe", name, detail=abilities, now=now)
    signs = {True: "can   ", False: "CANNOT"}
    told = [f"{subject}: {words}" for subject, words in seen.items()]
    told += [f"{signs[trial.is_able]} {trial.ability}: {trial.told}" for trial in trials]
    return Output({"account": name, "seen": seen, "trials": trials}, told)


@click.argument("name", metavar="ACCOUNT")
@click.option(
    "--as", "by", default="", metavar="NAME", help="Who confirms it; once there are users."
)
@prints
def login(paths: Paths, name: str, by: str) -> Output:
    """Ask for ACCOUNT's secrets (nothing is shown), try them, and keep them below the data folder.

    Where a platform gives out tokens by a code, leave them empty: you are told which page to open.
    They are bound to where they were tried: this confirms a changed server or handle, nothing else.

    docs/platforms/ says where each platform gives them out, and what the try costs.
    """
    with open_readonly(paths) as workspace:
        accounts = workspace.campaign.schedule.accounts
        if name not in accounts:
            raise DecisionError(no_such("account", name, accounts))
        account = accounts[name]
        by = confirming(Access(workspace.store, workspace.clock), by)
        refuse_given_elsewhere(paths.data, account)
        show(f"what you type is sent to {account.destination}", err=True)
        with closing(workspace.connections()) as connections:
            secrets = _secrets(account, connections)
            profile = connections.prove(account, secrets)
        obstacle = unfit(account, profile, workspace.campaign.schedule.mode)
        kept = keep_secrets(paths.data, account, secrets)
        if workspace.campaign.schedule.mode is Mode.LIVE:
            guard = ConfigurationGuard(workspace.store, workspace.clock)
            guard.bind(workspace.written, name, profile.id, by=by)
    return Output(
        {"account": name, "handle": profile.handle, "files": kept, "obstacle": obstacle},
        [
            f"{name} is {profile.handle} ({profile.server or account.platform})",
            *([f"before it may send: {obstacle}"] if obstacle else []),
            "`run` finds them by itself, and notices when they are replaced:",
            *(f"  {path}" for path in kept.values()),
        ],
    )


def _secrets(account: Account, connections: Connections) -> Mapping[str, str]:
    spec = PLATFORMS[account.platform].spec
    given: dict[str, str] = {}
    for name in spec.secrets:
        words = name.replace("_", " ").lower()
        if name not in spec.granted:
            given[name] = _secret(words)
        elif value := _secret(f"{words} (empty: get one by a code)", default=""):
            given[name] = value
        else:
            secrets = connections.authorize(account, given, _code)
            for granted in secrets.values():
                mask(granted)
            return secrets
    return given


def _code(address: str) -> str:
    show("sign in as the account at this address, and type the code that you get:", err=True)
    show(address, err=True)
    return _secret("code")


def _secret(words: str, default: str | None = None) -> str:
    value: str = click.prompt(words, default, hide_input=True, err=True, show_default=False)
    mask(value)
    return value.strip()


@click.argument("target", metavar="FILE", type=Path)
@click.option("--encrypt-to", "readers", multiple=True, metavar="KEY",
              help="Public key (age1… or an SSH key) of who alone can open FILE.")  # fmt: skip
@in_workspace
def backup(workspace: Workspace, target: Path, readers: tuple[str, ...]) -> Output:
    """Write the whole state to FILE, while the bot runs, and prove the copy.

    Keep it as you keep secrets: it holds unpublished posts.
    """
    made = back_up_for(workspace.store, target, readers, now=workspace.clock.now())
    return Output(made, [f"{target}: {made.deliveries} deliveries, proved"])


@click.argument("backup", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--mode", type=click.Choice(["live", "rehearsal"]), required=True,
              help="Whose database FILE is.")  # fmt: skip
@click.option("--loaded", is_flag=True,
              help="pg_restore has loaded FILE already; only settle first.")  # fmt: skip
@click.option("--identity", type=READ, help="The private key that opens an encrypted FILE.")
@prints
def restore(paths: Paths, backup: Path, mode: str, loaded: bool, identity: Path | None) -> Output:
    """Put FILE in the place of the database; the bot must be stopped.

    What stood there is kept beside it. At the next `run` everything that may have gone out since
    the backup is read back first; what cannot be told is held for a person.
    """
    kept, has_log = restore_backup(backup, paths.data, mode, loaded=loaded, identity=identity)
    told = [
        "restored; at the next `run` nothing is sent before everything due is read back",
        "what cannot be told then is held: `held` lists it, `resolve` decides it",
    ]
    told += [f"what stood there is kept as {kept}"] * bool(kept)
    if not has_log:
        told.append(
            "there is no sent log here: put the lost one in its place, or look at the accounts"
            " before the next `run` and `cancel` what is out already"
        )
    return Output({"restored": backup, "kept": kept, "sent_log": has_log}, told)


@click.option("--to", "target", required=True, metavar="URL",
              help=f"postgresql://… (its password: in ~/.pgpass), or `{EMBEDDED}`.")  # fmt: skip
@prints
def move(paths: Paths, target: str) -> Output:
    """Move the whole state to the database at URL, and compare every row; the bot must be stopped.

    The old database then refuses its use, until all is moved back. If it is killed: the old one
    is in force, or says that it was moved; then the same call finishes it.
    """
    done = move_database(paths.data, target)
    settle = "unset" if target == EMBEDDED else "let URL stand in"
    copied = "" if done.rows is None else f"{done.rows} rows, "
    return Output(
        done,
        [
            f"moved to {done.target}: {copied}{done.deliveries} deliveries, each row compared",
            f"audit log: {'; '.join(done.problems) or 'it verifies'}",
            *([f"what was in that place is kept as {done.kept}"] if done.kept else []),
            f"now {settle} VERBATIM_DATABASE_URL, and start `run`;"
            " the old database is not used any more",
        ],
        code=1 if done.problems else 0,
    )
