"""Bounds what a stolen git account could do: changed rules stop sending until a person confirms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.authority.store import AuthorityStore
from bot.authority.tables import StopReason
from bot.canonical import JsonObject
from bot.clock import Clock
from bot.content.model import Campaign, Mode
from bot.errors import DecisionError


@dataclass(frozen=True, slots=True)
class Change:
    """One recorded fact that the files now tell differently."""

    what: str
    before: object
    after: object
    #: The one account it touches; empty for all.
    account: str = ""

    def __str__(self) -> str:
        return f"{self.what}: {self.before!r} became {self.after!r}"


def facts_of(campaign: Campaign) -> JsonObject:
    """Return what an operator vouches for, as JSON."""
    schedule = campaign.schedule
    return {
        "mode": schedule.mode.value,
        "approvals_required": schedule.approvals_required,
        "coalition": sorted(schedule.coalition),
        "accounts": {
            account.name: {
                "platform": account.platform,
                "server": account.server,
                "handle": account.handle,
            }
            for account in schedule.accounts.values()
        },
        "sources": {source.id: source.sha256 for source in campaign.sources.values()},
    }


def changes(recorded: JsonObject, current: JsonObject) -> tuple[Change, ...]:
    """List what differs; an account that was removed sends nothing, so it is left out."""
    names = ("mode", "approvals_required", "coalition")
    plain = [Change(name, recorded[name], current[name]) for name in names]
    sources = [
        Change(f"source {name}", recorded["sources"].get(name), sha256)
        for name, sha256 in current["sources"].items()
    ]
    accounts = [
        Change(f"account {name}", recorded["accounts"].get(name), facts, name)
        for name, facts in current["accounts"].items()
    ]
    every = (*plain, *sources, *accounts)
    return tuple(change for change in every if change.before != change.after)


@dataclass(frozen=True, slots=True)
class ConfigurationGuard:
    """Compares what the files say with what was confirmed on this machine."""

    store: AuthorityStore
    clock: Clock

    def inspect(self, campaign: Campaign) -> tuple[Change, ...]:
        """Record at the first start; later stop each account that a change touches.

        A rehearsal sends nothing, so there is nothing to guard.
        """
        if campaign.schedule.mode is not Mode.LIVE:
            return ()
        current = facts_of(campaign)
        recorded = self.store.trust.recorded()
        if recorded is None:
            self.store.trust.record(current, by="first start", now=self.clock.now())
            return ()
        found = changes(recorded, current)
        self._stop_touched(campaign, found)
        return found

    def refuse_mode(self, campaign: Campaign, wanted: Mode) -> None:
        """Stop all live accounts because the files now ask for another mode."""
        mode = campaign.schedule.mode
        if mode is Mode.LIVE:
            self._stop_touched(campaign, [Change("mode", mode.value, wanted.value)])

    def _stop_touched(self, campaign: Campaign, found: Sequence[Change]) -> None:
        schedule = campaign.schedule
        # A new account is a change too, and must be known before it can be stopped.
        self.store.accounts.sync(schedule.accounts.values(), now=self.clock.now())
        for name in schedule.accounts:
            touching = [change for change in found if change.account in {"", name}]
            if touching:
                reason, detail = StopReason.CONFIGURATION, "; ".join(map(str, touching))
                self.store.accounts.stop(name, reason, f"{reason}: {detail}", now=self.clock.now())

    def accept(self, campaign: Campaign, *, by: str, why: str) -> tuple[Change, ...]:
        """Confirm what the files say now, and let the accounts it stopped send again.

        Raises:
            DecisionError: nothing has changed, and no change has stopped an account.
        """
        now, current = self.clock.now(), facts_of(campaign)
        recorded = self.store.trust.recorded()
        found = changes(recorded, current) if recorded else ()
        stopped = [
            state.name
            for state in self.store.accounts.all()
            if state.stopped_reason is StopReason.CONFIGURATION
        ]
        if recorded is not None and not found and not stopped:
            raise DecisionError("nothing has changed since the last confirmation")
        self.store.trust.record(current, by=by, now=now)
        for name in stopped:
            self.store.accounts.start(name)
        detail = {"changes": [str(change) for change in found], "accounts": stopped}
        self.store.audit.write(
            by, "accept-config", "configuration", why=why, detail=detail, now=now
        )
        return found
