"""The verbs that hold what would be sent, and let it go on: all of it, or a part."""

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import click

from bot import program
from bot.app.workspace import EmergencyDesk
from bot.authority.access import Access
from bot.authority.pauses import EVERYTHING, PauseTarget, until_of
from bot.authority.tables import PauseScope
from bot.authority.users import Right
from bot.cli.output import Output, as_option, in_emergency, why_option
from bot.cli.people import decides, named
from bot.content.zones import shown

_OPTIONS = {
    "account": PauseScope.ACCOUNT,
    "theme": PauseScope.THEME,
    "lang": PauseScope.LANGUAGE,
}


def _targets(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Return a verb whose ``targets`` are what its options name; none of them is everything."""

    @wraps(verb)
    def called(*args: Any, **options: Any) -> Any:
        named = {scope: options.pop(f"only_{name}") for name, scope in _OPTIONS.items()}
        targets = [(scope, value) for scope, values in named.items() for value in values]
        return verb(*args, targets=targets, **options)

    for name, scope in reversed(_OPTIONS.items()):
        called = click.option(
            f"--{name}", f"only_{name}", multiple=True, metavar=name.upper(),
            help=f"Only what has this {scope}; may be given several times.",
        )(called)  # fmt: skip
    return called


@click.command()
@click.option("--reason", required=True, help="Why; people will read it.")
@click.option("--all-calls", is_flag=True, help="Nothing is read from any platform either.")
@_targets
@click.option("--until", default="", metavar="TIME",
              help="It ends by itself: '2026-12-09 18:00', in the schedule's zone.")  # fmt: skip
@as_option
@in_emergency
def pause(
    workspace: EmergencyDesk,
    reason: str,
    by: str,
    all_calls: bool,
    targets: list[tuple[PauseScope, str]],
    until: str,
) -> Output:
    """Hold every post, correction and deletion before its next network call, in every process.

    With --account, --theme or --lang only what has one of these. With --all-calls no platform, or
    for none of the accounts that are named, is called for anything.
    """
    by = named(Access(workspace.store, workspace.clock), workspace.mode, by)
    desk, zone = workspace.desk, workspace.zone
    ends = until_of(until, zone=zone, now=workspace.clock.now())
    wanted = [desk.pause_target(*each, workspace.schedule) for each in targets] or [EVERYTHING]
    with workspace.store.transaction():
        for target in wanted:
            desk.pause(reason, by=by, all_calls=all_calls, target=target, until=ends)
    what = "no platform is called" if all_calls else "nothing is sent or deleted"
    of = f" of {_listed(wanted)}" if targets else ""
    last = f"until {shown(ends, zone)}, or `resume`" if ends else "until `resume`"
    return Output(
        {
            "paused": True, "reason": reason, "by": by, "all_calls": all_calls,
            "targets": wanted, "until": ends,
        },
        [f"paused: {what}{of} {last}; what lapses waits under `held`"],
    )  # fmt: skip


@click.command()
@click.argument("account", required=False, metavar="[ACCOUNT]")
@_targets
@why_option
@in_emergency
@decides(Right.RESUME)
def resume(
    workspace: EmergencyDesk,
    account: str | None,
    targets: list[tuple[PauseScope, str]],
    by: str,
    why: str,
) -> Output:
    """Let sending go on; what lapsed meanwhile waits for a person under `held`.

    What was paused by itself (--account, --theme, --lang) goes on only where it is named.
    With ACCOUNT: let one account send again that was stopped (by revoked credentials, say).
    """
    if account and targets:
        raise click.UsageError("ACCOUNT was stopped, --account was paused: say one of them")
    desk = workspace.desk
    if account:
        return _restarted(workspace, account, desk.restart(account, by=by, why=why))
    wanted = [PauseTarget(scope, value.lower() if scope is PauseScope.LANGUAGE else value)
              for scope, value in targets] or [EVERYTHING]  # fmt: skip
    with workspace.store.transaction():
        for target in wanted:
            desk.resume(by=by, why=why, target=target)
    lines = [f"{_listed(wanted) if targets else 'sending'} goes on; {_waiting(workspace)}"]
    return _resumed(workspace, lines, account=None, stopped="")


def _restarted(workspace: EmergencyDesk, account: str, stopped: str) -> Output:
    state = workspace.store.accounts.get(account)
    then = (
        f"is still stopped: {state.stopped_detail}"
        if state and state.stops
        else "is looked at and may send again"
    )
    line = f"{account} {then}; it was stopped: {stopped}"
    return _resumed(workspace, [line], account=account, stopped=stopped)


def _resumed(workspace: EmergencyDesk, lines: list[str], **fields: str | None) -> Output:
    lasting = workspace.store.pauses.lasting()
    value = {
        "paused": any(each.target == EVERYTHING for each in lasting),
        **fields,
        "held": len(workspace.desk.held()),
        "still_paused": lasting,
    }
    return Output(value, [*lines, *_still(workspace)])


def _waiting(workspace: EmergencyDesk) -> str:
    return f"{len(workspace.desk.held())} held or failed delivery(ies) wait: see `held`"


def _still(workspace: EmergencyDesk) -> Iterator[str]:
    for each in workspace.store.pauses.lasting():
        yield f"still paused: {each.target}: {each.text(workspace.zone)}"
        yield f"  end it: {program()} resume{each.target.option} --as NAME"


def _listed(targets: list[PauseTarget]) -> str:
    return ", ".join(str(target) for target in targets)
