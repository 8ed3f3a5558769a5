"""What is so: the one answer that `status`, the health check and the dashboard show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.content.model import Campaign
from bot.delivery.ledger import budget_left
from bot.delivery.model import Delivery, State
from bot.planning.store import Store

#: A worker that was silent for longer is taken for dead.
SILENT = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class AccountLine:
    """How one account stands."""

    name: str
    platform: str
    #: Empty where it may send.
    stopped: str
    #: US dollars left this month; None without a budget.
    budget_left: float | None
    next_due: datetime | None


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """A moment's answer; times are UTC."""

    at: datetime
    campaign: str
    mode: str
    paused: str
    settling: str
    #: What is broken in the database, as the service found; empty where nothing is.
    damage: str
    workers: tuple[str, ...]
    accounts: tuple[AccountLine, ...]
    counts: Mapping[str, int]
    next_due: datetime | None
    last_sent: datetime | None
    notices: tuple[str, ...]

    @property
    def is_running(self) -> bool:
        return bool(self.workers)

    @property
    def is_healthy(self) -> bool:
        """Return whether the service is alive and can send at all."""
        return self.is_running and not self.damage


def status_of(store: Store, campaign: Campaign, clock: Clock) -> ServiceStatus:
    """Read how everything stands; asks no server and spends nothing."""
    now, rows = clock.now(), store.outbox.find()
    pause = store.pauses.current()
    accounts = tuple(
        AccountLine(
            account.name,
            account.platform,
            state.stopped_detail if (state := store.accounts.get(account.name)) else "",
            budget_left(store.ledger, account, clock),
            _next_due(rows, now, account.name),
        )
        for account in campaign.schedule.accounts.values()
    )
    alive = store.workers.alive(now, within=SILENT)
    return ServiceStatus(
        at=now,
        campaign=campaign.schedule.campaign,
        mode=campaign.schedule.mode.value,
        paused=f"{pause.reason} ({pause.by})" if pause else "",
        settling=store.restore_guard.reason() or "",
        damage=next((str(one.facts["damage"]) for one in alive if one.facts.get("damage")), ""),
        workers=tuple(one.name for one in alive),
        accounts=accounts,
        counts=Counter(row.state.value for row in rows),
        next_due=_next_due(rows, now),
        last_sent=max((row.sent_at for row in rows if row.sent_at), default=None),
        notices=tuple(one.text for one in store.notices.open()),
    )


def _next_due(rows: tuple[Delivery, ...], now: datetime, account: str = "") -> datetime | None:
    waiting = (
        row.due_at
        for row in rows
        if row.state in {State.PLANNED, State.READY} and row.due_at and row.due_at >= now
        if account in {"", row.account}
    )
    return min(waiting, default=None)
