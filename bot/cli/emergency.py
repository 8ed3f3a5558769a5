"""Verbs that need no content: how it stands, and what holds sending or lets it go on."""

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo

import click

from bot import program
from bot.app.workspace import EmergencyDesk
from bot.authority.access import Access
from bot.authority.pauses import EVERYTHING, PauseTarget, until_of
from bot.authority.tables import PauseScope
from bot.authority.users import Right
from bot.cli.output import Output, as_option, in_emergency
from bot.cli.proof import decides, named
from bot.content.zones import brief, shown
from bot.operations.model import AccountLine, ServiceStatus
from bot.operations.status import status_of


@click.option("--health", is_flag=True,
              help="Only tell by the exit code whether `run` is alive and well.")  # fmt: skip
@in_emergency
def status(workspace: EmergencyDesk, health: bool) -> Output:
    """Tell what is so; asks no server and spends nothing."""
    found = status_of(workspace.store, workspace.schedule, workspace.clock)
    fields = {name: getattr(found, name) for name in ServiceStatus.__slots__}
    return Output(
        {"running": bool(found.workers), "ready": found.is_ready, **fields},
        () if health else _status_lines(found, workspace.zone),
        code=0 if not health or (found.workers and not found.damage) else 1,
    )


def _status_lines(status: ServiceStatus, zone: ZoneInfo) -> Iterator[str]:
    yield from _facts(status, zone)
    yield from (f"  {', '.join(_account_words(account, zone))}" for account in status.accounts)
    for matter in status.matters:
        what = "URGENT" if matter in status.errors else "needs a person"
        yield f"{what}: {matter.text}"
        if matter.command:  # on one line, to be pasted
            yield f"  do: {program()} {matter.command}"


def _facts(status: ServiceStatus, zone: ZoneInfo) -> Iterator[str]:
    running = ", ".join(status.workers) or "no: nothing is sent"
    yield f"{status.campaign} ({status.mode}), {shown(status.at, zone)}"
    yield f"running: {running}"
    for pause in status.pauses:
        what = f"PAUSED, {pause.detail}" if pause.detail else "PAUSED"
        yield f"{what}: {pause.text(zone)}"
    if status.damage:
        yield f"BROKEN, nothing is sent: {status.damage}"
    if status.settling:
        yield f"SETTLING FIRST: {status.settling}"
    yield f"next: {brief(status.next_due, zone) if status.next_due else 'nothing is planned'}"
    if status.last_sent:
        yield f"last sent: {brief(status.last_sent, zone)}"
    counts = ", ".join(f"{count} {state}" for state, count in sorted(status.counts.items()))
    yield f"deliveries: {counts or 'none'}"


def _account_words(account: AccountLine, zone: ZoneInfo) -> Iterator[str]:
    yield f"{account.name} ({account.platform})"
    if account.next_due:
        yield f"next {brief(account.next_due, zone)}"
    if account.budget_left is not None:
        yield f"${account.budget_left:.2f} left this month"
    if account.overdue_seconds >= 60:
        yield f"{account.overdue_seconds // 60:.0f} MIN LATE"
    if account.stopped:
        yield f"STOPPED: {account.stopped}"
    elif account.obstacle:
        yield f"{account.obstacle}: {account.why}"


_OPTIONS = {"account": PauseScope.ACCOUNT, "theme": PauseScope.THEME, "lang": PauseScope.LANGUAGE}


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
    of = f" of {', '.join(map(str, wanted))}" if targets else ""
    last = f"until {shown(ends, zone)}, or `resume`" if ends else "until `resume`"
    return Output(
        {
            "paused": True, "reason": reason, "by": by, "all_calls": all_calls,
            "targets": wanted, "until": ends,
        },
        [f"paused: {what}{of} {last}; what lapses waits under `held`"],
    )  # fmt: skip


@click.argument("account", required=False, metavar="[ACCOUNT]")
@_targets
@decides(Right.RESUME, in_emergency)
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
    desk, stopped = workspace.desk, ""
    if account:
        stopped = desk.restart(account, by=by, why=why)
        state, then = workspace.store.accounts.get(account), "is looked at and may send again"
        if state and state.stops:
            then = f"is still stopped: {state.stopped_detail}"
        line = f"{account} {then}; it was stopped: {stopped}"
    else:
        wanted = [PauseTarget(scope, value.lower() if scope is PauseScope.LANGUAGE else value)
                  for scope, value in targets] or [EVERYTHING]  # fmt: skip
        with workspace.store.transaction():
            for target in wanted:
                desk.resume(by=by, why=why, target=target)
        waiting = f"{len(desk.held())} held or failed delivery(ies) wait: see `held`"
        line = f"{', '.join(map(str, wanted)) if targets else 'sending'} goes on; {waiting}"
    return _resumed(workspace, line, account=account, stopped=stopped)


def _resumed(workspace: EmergencyDesk, line: str, **fields: str | None) -> Output:
    lasting, lines = workspace.store.pauses.lasting(), [line]
    for each in lasting:
        lines += [f"still paused: {each.target}: {each.text(workspace.zone)}",
                  f"  end it: {program()} resume{each.target.option} --as NAME"]  # fmt: skip
    paused, held = any(each.target == EVERYTHING for each in lasting), workspace.desk.held()
    value = {"paused": paused, **fields, "held": len(held), "still_paused": lasting}
    return Output(value, lines)
