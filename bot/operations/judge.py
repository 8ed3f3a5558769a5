"""Whether the promise is kept: per account what is due, by how much it is late, and why.

A pure function of facts. What it returns is what `status`, the dashboard, the monitor, alerts and
the dead-man ping tell, so none of them can say something else.
"""

from collections.abc import Iterable, Iterator

from bot.content.zones import shown
from bot.delivery.model import Delivery, State
from bot.operations.matters import matters_of
from bot.operations.model import (
    AccountFacts,
    AccountLine,
    MachineFacts,
    Obstacle,
    ServiceFacts,
    ServiceStatus,
)


def judge(facts: ServiceFacts) -> ServiceStatus:
    """Return how everything stands."""
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
    found = [
        (Obstacle.DATABASE, facts.database),
        (Obstacle.DATABASE, _on_all(each.damage for each in machines)),
        (Obstacle.DISK, _on_all(each.disk for each in machines)),
        (Obstacle.CLOCK, _on_all(each.clock for each in machines)),
        (Obstacle.WORKER, "" if facts.workers else "`run` is not at work"),
        (Obstacle.WORKER, _on_all(_stuck(each, account.name) for each in machines)),
        (Obstacle.WORKER, _on_all(each.unchecked.get(account.name, "") for each in machines)),
        (Obstacle.SETTLING, facts.settling),
        (Obstacle.PAUSED, facts.why_paused(account.name)),
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
