"""Finds what accounts carry and the bot did not make: statuses, and another profile or handle."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.content.model import Campaign
from bot.delivery.model import HoldReason, State
from bot.engagement.store import EngagementStore
from bot.errors import BotError
from bot.log import get_logger
from bot.platforms.base import Platform
from bot.platforms.status import PostRef

log = get_logger(__name__)

#: Between two looks at an account; they cost nothing, or are of reads that were made anyway.
APART = timedelta(hours=1)
#: Verbs of the audit log: what was there before us, and what came since.
BEFORE, FOREIGN = "carried before", "foreign"
_OPEN = frozenset({State.SENDING, State.UNKNOWN, State.HELD})
#: Of what is held: it was called, and may be out or come out yet.
_UNSETTLED = frozenset({HoldReason.UNSETTLED, HoldReason.ATTEMPTS})


@dataclass(slots=True)
class AccountWatch:
    """Compares accounts with what was sent; each thing that it finds is one row of the log."""

    store: EngagementStore
    clock: Clock
    campaign: Callable[[], Campaign]
    platform: Callable[[str], Platform]
    _next: dict[str, datetime] = field(default_factory=dict)

    def run(self) -> None:
        """Look at each account that was not looked at for an hour."""
        now = self.clock.now()
        for name in self.campaign().schedule.accounts:
            if self._next.get(name, now) <= now and self.store.accounts.get(name):
                self._next[name] = now + APART
                try:
                    self._compare(name, self.platform(name).recent(), now)
                except BotError as error:
                    log.warning("account not compared", account=name, reason=str(error))

    def _compare(self, name: str, shown: Iterable[PostRef], now: datetime) -> None:
        open_rows = self.store.outbox.find(states=_OPEN, account=name)
        if any(row.state is not State.HELD or row.reason in _UNSETTLED for row in open_rows):
            self._next.pop(name)  # what it shows may be ours
            return
        rows = self.store.audit.about(name, BEFORE, FOREIGN)
        names = {ref: {ref.id, ref.url or ref.id} for ref in shown}
        ours = self.store.outbox.ours(name, set().union(*names.values()))
        others = [ref for ref in names if not names[ref] & ours]
        before = next((row.detail["ids"] for row in rows if row.verb == BEFORE), None)
        if before is None:
            ids = {"ids": [ref.id for ref in others]}
            self.store.audit.write("watch", BEFORE, name, detail=ids, now=now)
            return
        told = {id_ for row in rows for id_ in row.detail["ids"]}
        # Older ones come into sight where newer ones are deleted; ids grow with time.
        oldest = min(((len(id_), id_) for id_ in before), default=(0, ""))
        for ref in others:
            if ref.id not in told and (len(ref.id), ref.id) > oldest:
                why, ids = f"not the bot's own, and new: {ref.url or ref.id}", {"ids": [ref.id]}
                self.store.audit.write("watch", FOREIGN, name, why=why, detail=ids, now=now)
