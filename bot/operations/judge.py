"""Whether the promise is kept: per account what is due, by how much it is late, and why.

A pure function of facts. What it returns is what `status`, the dashboard, the monitor, alerts and
the dead-man ping tell, so none of them can say something else.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import groupby
from urllib.parse import quote

from bot.authority.pauses import EVERYTHING, first_covering
from bot.authority.tables import StopReason
from bot.content.zones import shown
from bot.delivery.model import Delivery, HoldReason, State
from bot.errors import Severity
from bot.operations.model import (
    EVENT,
    SOON,
    AccountFacts,
    AccountLine,
    MachineFacts,
    Matter,
    Obstacle,
    ServiceFacts,
    ServiceStatus,
)

#: A delivery may be on its way for so long before people are told that it is late.
GRACE = timedelta(minutes=2)
#: Share of the month's budget after which people are told.
NEARLY = 0.8
#: Things of one kind that are named; the rest is counted.
NAMED = 5
#: Obstacles that are matters of their own.
_TOLD_ANYWAY = frozenset(
    {Obstacle.DATABASE, Obstacle.DISK, Obstacle.CLOCK, Obstacle.SETTLING, Obstacle.PAUSED,
     Obstacle.STOPPED}
)  # fmt: skip


def matters_of(facts: ServiceFacts, lines: Iterable[AccountLine]) -> Iterator[Matter]:
    """Yield what needs a person, what keeps everything from going out first."""
    if facts.database:
        text = f"The database does not answer, so nothing is sent: {facts.database}"
        yield Matter("database", Severity.ERROR, text, "doctor --no-ask")
    for machine in facts.machines:
        yield from _of_machine(machine, facts)
    for name in facts.silent.keys() - {machine.machine for machine in facts.machines}:
        text = f"{name} gave no sign of life since {facts.silent[name]}; restart its service"
        yield Matter(f"silent@{name}", Severity.WARNING, text, "status")
    if not facts.workers and not facts.database:
        yield Matter("worker", Severity.ERROR, "`run` is not at work: nothing is sent", "run")
    if facts.settling:
        text = f"Nothing is sent before everything due is read back: {facts.settling}"
        yield Matter("settling", Severity.WARNING, text, "status")
    yield from _paused(facts)
    yield from _of_accounts(facts)
    yield from _late(lines)
    yield from _held(facts)
    for alarm in reversed(facts.alarms):
        outcomes = (each["told"] for each in alarm.detail.get("outcomes", ()))
        told = f"{alarm.verb}: {alarm.subject} ({alarm.who}): {alarm.why}"
        text = "; ".join([told, *outcomes])
        yield Matter(f"{EVENT}{alarm.seq}", Severity.WARNING, text, "audit show", "/log")
    if facts.unapproved:
        posts = {
            row.post_id: f"{missing} approval(s) missing; first due {_due(row, facts)}"
            for row, missing in reversed(facts.unapproved)
        }
        texts = [f"{post}: {posts[post]}" for post in reversed(posts)]
        first = facts.unapproved[0][0].post_id
        command = f"approve {first} --as NAME"
        yield Matter(
            "unapproved", Severity.WARNING, _listed(texts), command, f"/posts/{quote(first)}"
        )


def _paused(facts: ServiceFacts) -> Iterator[Matter]:
    if facts.paused:
        text = f"Sending is paused: {facts.paused}"
        yield Matter("paused", Severity.WARNING, text, "resume --as NAME")
    for pause in facts.pauses:
        if pause.target != EVERYTHING:
            text = f"The {pause.target} is paused: {pause.text(facts.zone)}"
            command = f"resume{pause.target.option} --as NAME"
            yield Matter(f"paused/{pause.target}", Severity.WARNING, text, command)


def _of_machine(machine: MachineFacts, facts: ServiceFacts) -> Iterator[Matter]:
    name, error, warning = machine.machine, Severity.ERROR, Severity.WARNING
    again = "sending then goes on by itself"
    if machine.damage:
        text = f"The database is broken ({machine.damage}). Nothing is sent; bring a backup back."
        command = f"restore FILE --mode {facts.schedule.mode if facts.schedule else 'live'}"
        yield Matter(f"damage@{name}", error, text, command)
    if machine.forged:
        text = f"The database is not what the log of decisions says: {machine.forged}"
        yield Matter(f"forged@{name}", error, text, "audit verify", "/log")
    if machine.disk:
        text = f"{name} sends nothing: {machine.disk}. Let there be room to write; {again}."
        yield Matter(f"disk@{name}", error, text, "doctor --no-ask")
    elif machine.disk_soon:
        text = f"{name}: {machine.disk_soon}"
        yield Matter(f"disk@{name}{SOON}", warning, text, "doctor --no-ask")
    if machine.clock:
        text = f"{name} sends nothing: {machine.clock}. Set it; {again}."
        yield Matter(f"clock@{name}", error, text, "doctor --no-ask")
    if machine.files:
        text = f"The files have errors, so the last good ones stay in force:\n{machine.files}"
        yield Matter(f"content@{name}", warning, text, "check", "/check")
    yield from _of_parts(machine)


def _of_parts(machine: MachineFacts) -> Iterator[Matter]:
    for account, since in machine.stuck.items():
        text = f"{account} on {machine.machine} is at one step since {since}; restart the service"
        yield Matter(f"stuck/{account}@{machine.machine}", Severity.ERROR, text, "status")
    for account, why in machine.unchecked.items():
        text = f"{account} sends nothing, as it could not be looked at: {why}"
        yield Matter(
            f"unchecked/{account}", Severity.ERROR, text, f"login {account} --as NAME", "/accounts"
        )
    for account, posts in machine.left_out.items():
        why = "its server takes less than these posts need, so they do not go there"
        text = f"{account}: {why}: {', '.join(posts)}"
        yield Matter(f"misfit/{account}", Severity.WARNING, text, "check", "/accounts")
    for channel, why in machine.channels.items():
        text = f"{channel} of VERBATIM_ALERTS fails, so whom it reaches hears nothing: {why}"
        yield Matter(f"channel/{channel}", Severity.ERROR, text, "doctor --no-ask --send")


def _of_accounts(facts: ServiceFacts) -> Iterator[Matter]:
    for account in facts.accounts:
        for reason, why in account.stops.items():
            is_changed = reason is StopReason.CONFIGURATION
            settles = "accept-config" if is_changed else f"resume {account.name}"
            text, key = f"{account.name} is stopped: {why}", f"stopped/{account.name}/{reason}"
            yield Matter(key, Severity.ERROR, text, f"{settles} --as NAME", "/accounts")
        budget, left = account.budget, account.budget_left
        if budget and left is not None and left <= round(budget * (1 - NEARLY), 6):
            month = f"{facts.now:%B}"
            text = f"{account.name}: ${left:.2f} of ${budget:.2f} left for {month}"
            key = f"budget/{account.name}/{month}"
            yield Matter(key, Severity.WARNING, text, "status", "/accounts")


def _late(lines: Iterable[AccountLine]) -> Iterator[Matter]:
    for line in lines:
        if line.overdue_seconds > GRACE.total_seconds() and line.obstacle not in _TOLD_ANYWAY:
            minutes = line.overdue_seconds // 60
            why = line.why or "nothing is known to stand in its way"
            text = f"{line.name} is {minutes:.0f} min late: {why}"
            yield Matter(f"late/{line.name}", Severity.ERROR, text, "status", "/accounts")


def _held(facts: ServiceFacts) -> Iterator[Matter]:
    def cause(row: Delivery) -> str:
        return f"{row.state}/{row.reason or ''}"

    for key, rows in groupby(sorted(facts.held, key=cause), key=cause):
        found = list(rows)
        texts = [
            f"{row.state}: {row.post_id} for {row.account}, due {_due(row, facts)}: "
            + "\n".join(filter(None, (row.reason_text, row.evidence)))
            for row in found
        ]
        yield Matter(key, Severity.WARNING, _listed(texts), _settling(found[0], facts), "/held")


def _settling(row: Delivery, facts: ServiceFacts) -> str:
    if row.state is State.FAILED:
        return f"retry {row.id[:8]} --as NAME"
    send = f"resolve {row.id[:8]} send --as NAME"
    pause = first_covering(facts.pauses, *row.publication.pausable)
    settles = {
        HoldReason.UNAPPROVED: f"approve {row.post_id} --as NAME",
        HoldReason.PAUSED: f"resume{pause.target.option} --as NAME" if pause else send,
        HoldReason.OVER_BUDGET: f"resolve {row.id[:8]} drop --as NAME",
        HoldReason.UNSETTLED: f"resolve {row.id[:8]} ADDRESS --as NAME",
        HoldReason.DUPLICATE: f"resolve {row.id[:8]} ADDRESS --as NAME",
    }
    return settles.get(row.reason, send) if isinstance(row.reason, HoldReason) else send


def _due(row: Delivery, facts: ServiceFacts) -> str:
    return shown(row.due_at, facts.zone) if row.due_at else "at its queue's next free slot"


def _listed(texts: Sequence[str]) -> str:
    more = [f"and {len(texts) - NAMED} more"] if len(texts) > NAMED else []
    return "\n".join([*texts[:NAMED], *more])


def judge(facts: ServiceFacts) -> ServiceStatus:
    lines = tuple(_account(account, facts) for account in facts.accounts)
    dues = (line.next_due for line in lines if line.next_due)
    return ServiceStatus(
        at=facts.now,
        campaign=facts.schedule.campaign if facts.schedule else "?",
        mode=facts.schedule.mode.value if facts.schedule else "its schedule cannot be read",
        paused=facts.paused,
        pauses=tuple(facts.pauses),
        settling=facts.settling,
        damage=next((machine.damage for machine in facts.machines if machine.damage), ""),
        workers=facts.workers,
        accounts=lines,
        counts=facts.counts,
        next_due=min(dues, default=None),
        last_sent=facts.last_sent,
        disk_free=min((each.disk_free for each in facts.machines), default=None),
        matters=tuple(matters_of(facts, lines)),
    )


def _account(account: AccountFacts, facts: ServiceFacts) -> AccountLine:
    due = account.waiting.due_at if account.waiting else None
    obstacle, why = next(_obstacles(account, facts), (None, ""))
    return AccountLine(
        account.name, account.platform, account.stopped, account.budget_left, account.next_due,
        (facts.now - due).total_seconds() if due else 0.0, obstacle, why,
    )  # fmt: skip


def _obstacles(account: AccountFacts, facts: ServiceFacts) -> Iterator[tuple[Obstacle, str]]:
    """Yield what keeps an account from sending now, the most basic first."""
    machines = facts.machines
    pause = first_covering(facts.pauses, account.name, theme="", lang="")  # of all of it
    found = [
        (Obstacle.DATABASE, facts.database),
        (Obstacle.DATABASE, _on_all(each.damage for each in machines)),
        (Obstacle.DISK, _on_all(each.disk for each in machines)),
        (Obstacle.CLOCK, _on_all(each.clock for each in machines)),
        (Obstacle.WORKER, "" if facts.workers else "`run` is not at work"),
        (Obstacle.WORKER, _on_all(_stuck(each, account.name) for each in machines)),
        (Obstacle.WORKER, _on_all(each.unchecked.get(account.name, "") for each in machines)),
        (Obstacle.SETTLING, facts.settling),
        (Obstacle.PAUSED, facts.paused or (pause.text(facts.zone) if pause else "")),
        (Obstacle.STOPPED, account.stopped),
    ]
    yield from (pair for pair in found if pair[1])
    if account.waiting:
        yield from _of_row(account.waiting, facts)
    elif account.missing:  # the next one; what is late already was approved
        yield Obstacle.UNAPPROVED, f"{account.missing} approval(s) missing"


def _on_all(found: Iterable[str]) -> str:
    """Return what all machines have; where one has nothing, that one sends instead."""
    texts = list(found)
    return texts[0] if texts and all(texts) else ""


def _stuck(machine: MachineFacts, account: str) -> str:
    since = machine.stuck.get(account)
    return f"its worker on {machine.machine} has been at one step since {since}" if since else ""


def _of_row(row: Delivery, facts: ServiceFacts) -> Iterator[tuple[Obstacle, str]]:
    if row.state is State.SENDING:
        yield Obstacle.LOCK, f"{row.owner} is sending it"
    if row.state is State.UNKNOWN:
        yield Obstacle.LOCK, "it may be out, and is read back first"
    if row.retry_at is not None and row.retry_at > facts.now:
        again = shown(row.retry_at, facts.zone)
        yield Obstacle.LIMITS, f"{row.reason_text or 'it could not be sent'}; again {again}"
