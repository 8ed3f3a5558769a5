"""How the service stands: the facts that are judged, read for `status`, alerts and the dashboard.

The database is looked through once a day: from a broken one nothing may be sent.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from datetime import timedelta

from bot.authority.notices import WorkerBeat
from bot.clock import Clock
from bot.content.model import Account, Campaign
from bot.delivery.gate import approvers
from bot.delivery.ledger import budget_left
from bot.delivery.model import Delivery, State
from bot.errors import StoreError
from bot.log import get_logger
from bot.operations.disk import DiskWatch
from bot.operations.judge import judge
from bot.operations.model import AccountFacts, MachineFacts, ServiceFacts, ServiceStatus
from bot.planning.store import Store

log = get_logger(__name__)

#: A worker that was silent for longer is taken for dead.
SILENT = timedelta(seconds=15)
#: How long before its time people are told that a post lacks approvals.
AHEAD = timedelta(days=1)
_COMING = frozenset({State.PLANNED, State.READY})
_WAITING = _COMING | {State.SENDING, State.UNKNOWN}


@dataclass(frozen=True, slots=True)
class Own:
    """The process that asks, if it is the service."""

    worker: str
    facts: MachineFacts


def status_of(
    store: Store, campaign: Campaign, clock: Clock, own: Own | None = None
) -> ServiceStatus:
    """Read how everything stands and judge it; asks no server and spends nothing.

    A database that does not answer is a finding too.
    """
    facts = ServiceFacts(clock.now(), campaign, workers=(own.worker,) if own else (),
                  machines=(own.facts,) if own else ())  # fmt: skip
    try:
        return judge(_with_database(facts, store, clock, own))
    except StoreError as error:
        accounts = [AccountFacts(each.name, each.platform) for each in _accounts(campaign)]
        return judge(replace(facts, database=str(error), accounts=accounts))


def _with_database(
    facts: ServiceFacts, store: Store, clock: Clock, own: Own | None
) -> ServiceFacts:
    now, campaign, pause = facts.now, facts.campaign, store.pauses.current()
    beats = store.workers.alive(now, within=SILENT)
    others = [beat for beat in beats if own is None or beat.name != own.worker]
    machines = [*facts.machines, *map(_machine, others)]
    if not machines and (disk := DiskWatch(store.directory, store.room).why()):
        machines = [MachineFacts(socket.gethostname(), disk=disk)]  # which silences the service
    return replace(
        facts,
        machines=machines,
        workers=(*facts.workers, *(beat.name for beat in others)),
        paused=f"{pause.reason} ({pause.by})" if pause else "",
        settling=store.restore_guard.reason() or "",
        accounts=[_account(each, facts, store, clock) for each in _accounts(campaign)],
        held=store.outbox.find(states={State.HELD, State.FAILED}),
        unapproved=tuple(_unapproved(facts, store)),
        counts=store.outbox.counts(),
        last_sent=store.outbox.last_sent_at(),
    )


def _accounts(campaign: Campaign) -> Iterable[Account]:
    return campaign.schedule.accounts.values()


def _machine(beat: WorkerBeat) -> MachineFacts:
    known = {each.name: beat.facts[each.name] for each in fields(MachineFacts)
             if each.name in beat.facts}  # fmt: skip
    return MachineFacts(**{"machine": beat.name, **known})


def _account(account: Account, facts: ServiceFacts, store: Store, clock: Clock) -> AccountFacts:
    name, now = account.name, facts.now
    state = store.accounts.get(name)
    coming = store.outbox.find(states=_COMING, account=name, since=now, limit=1)
    waiting = store.outbox.find(states=_WAITING, account=name, until=now, limit=1)
    return AccountFacts(
        name=name,
        platform=account.platform,
        stops=state.stops if state else {},
        budget=account.budget_usd_per_month,
        budget_left=budget_left(store.ledger, account, clock),
        next_due=coming[0].due_at if coming else None,
        waiting=waiting[0] if waiting else None,
        missing=_missing(coming[0], facts, store) if coming else 0,
    )


def _missing(row: Delivery, facts: ServiceFacts, store: Store) -> int:
    by = [approval.by for approval in store.approvals.of(row.fingerprint)]
    required = facts.campaign.schedule.approvals_required
    return max(0, required - approvers(by, row.publication.author))


def _unapproved(facts: ServiceFacts, store: Store) -> Iterator[tuple[Delivery, int]]:
    """Yield the first delivery of each post that is due soon and lacks approvals."""
    seen = set()
    for row in store.outbox.find(states={State.PLANNED}, until=facts.now + AHEAD):
        if row.part == 0 and row.post_id not in seen and (missing := _missing(row, facts, store)):
            seen.add(row.post_id)
            yield row, missing


@dataclass(slots=True)
class Inspector:
    """Remembers what is broken until the service is started again, on a sound database."""

    store: Store
    #: What is broken; empty while nothing is known to be.
    damage: str = ""

    def run(self) -> None:
        """Look through the whole database; may take seconds where it is large.

        Raises:
            StoreError: it cannot be looked at now, which is no proof of anything.
        """
        found = self.store.find_damage()
        if found and not self.damage:
            log.critical("the database is broken; nothing is sent", damage=found)
            self.damage = found

    def unless_broken(self, job: Callable[[], None]) -> Callable[[], None]:
        """Return the job, which leaves a broken database alone: each write could break more."""

        def run() -> None:
            if not self.damage:
                job()

        return run
