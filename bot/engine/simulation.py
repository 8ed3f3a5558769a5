"""What a rehearsal does in the place of people: approvals, marked as simulated."""

from __future__ import annotations

from dataclasses import dataclass

from bot.clock import Clock
from bot.content.model import Campaign, Mode
from bot.delivery.model import State
from bot.planning.store import Store

#: Name of every simulated approver, with a number behind it.
SIMULATED = "simulated approver"


@dataclass(frozen=True, slots=True)
class Approver:
    """Approves everything that is planned; refuses to exist in live mode."""

    store: Store
    clock: Clock

    def run(self, campaign: Campaign) -> None:
        """Return each planned fingerprint the approvals that it lacks."""
        if campaign.schedule.mode is not Mode.REHEARSAL:
            raise AssertionError("approvals are simulated in rehearsals only")
        rows = self.store.outbox.find(states={State.PLANNED, State.READY})
        wanted = {row.fingerprint: row.post_id for row in rows}
        for fingerprint, post_id in wanted.items():
            known = {one.by for one in self.store.approvals.of(fingerprint)}
            for number in range(1, campaign.schedule.approvals_required + 1):
                by = f"{SIMULATED} {number}"
                if by not in known:
                    self.store.approvals.approve(
                        fingerprint, post_id, by=by, note="rehearsal", now=self.clock.now()
                    )
