"""Tells people what needs them, once each: held, stopped, broken, unapproved, nearly spent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import apprise

from bot import PROGRAM, visible
from bot.clock import Clock
from bot.content.model import Campaign
from bot.content.zones import shown
from bot.delivery.gate import approvers
from bot.delivery.ledger import budget_left
from bot.delivery.model import Delivery, State
from bot.errors import SettingsError
from bot.log import get_logger
from bot.planning.removals import ASKED, BEGUN
from bot.planning.store import Store

log = get_logger(__name__)

#: How long before its time people are told that a post lacks approvals.
AHEAD = timedelta(days=1)
#: Until the next try where nobody could be told.
AGAIN = timedelta(minutes=1)
#: Share of the month's budget after which people are told.
NEARLY = 0.8

#: What people are told of when it is asked for, begun and done, for a day.
ALERTED = frozenset({ASKED, BEGUN, "retract", "republish", "restore", "foreign", "account changed"})
#: Kinds of notices that are about one machine only.
OF_ONE_MACHINE = ("content", "clock", "damage")

#: Sends a title and a text to people; True where that worked.
SendAlert = Callable[[str, str], bool]


def notify(channel: apprise.Apprise, title: str, text: str, attach: str | None = None) -> bool:
    """Send a text as text, of which nothing is live or unseen; True where every address took it."""
    text_format = apprise.NotifyFormat.TEXT
    title, text = visible.line(title), visible.block(text)
    return bool(channel.notify(text, title, body_format=text_format, attach=attach))


def sender(addresses: tuple[str, ...]) -> SendAlert:
    """Make a sender to apprise addresses (email, Matrix, Slack, …); without any it only logs.

    It worked where anybody was told: a broken address must not make the others hear it again.

    Raises:
        SettingsError: apprise does not know such an address.
    """
    channels = []
    for place, address in enumerate(addresses, start=1):
        channel = apprise.Apprise()
        if not channel.add(address):
            raise SettingsError(f"VERBATIM_ALERTS: address {place} is none that Apprise knows")
        channels.append(channel)

    def send(title: str, text: str) -> bool:
        if not channels:
            log.warning("needs a person", title=title, text=text)
            return True
        sent = [notify(channel, title, text) for channel in channels]
        if not all(sent):
            log.error("could not be told everywhere", failed=sent.count(False), of=len(sent))
        return any(sent)

    return send


@dataclass(slots=True)
class Notifier:
    """Compares what needs a person with what people were told."""

    store: Store
    clock: Clock
    campaign: Callable[[], Campaign]
    send: SendAlert
    #: What is wrong with the files on disk; empty where they are in force.
    broken: Callable[[], str] = lambda: ""
    #: Why the clock cannot be trusted; empty where it can.
    clock_is_wrong: Callable[[], str] = lambda: ""
    #: What is broken in the database; empty where nothing is known to be.
    damage: Callable[[], str] = lambda: ""
    #: This machine: what is wrong with it alone is not another one's to take back.
    machine: str = "this"
    _not_before: datetime | None = None

    def run(self) -> None:
        """Open and close notices; send what is new in one message."""
        now = self.clock.now()
        wanted: dict[str, str] = {}
        for key, text in self._wanted():
            wanted.setdefault(key, text)  # the first of several is the most urgent
        for key, text in wanted.items():
            self.store.notices.raise_(key, text, now)
        alive = {worker.facts.get("machine") for worker in self.store.workers.alive(now)}
        others = alive - {self.machine}
        kept = wanted.keys() | {f"{kind}@{name}" for name in others for kind in OF_ONE_MACHINE}
        for notice in self.store.notices.open():
            if notice.key not in kept:
                self.store.notices.clear(notice.key)
        unsent = self.store.notices.unsent()
        if not unsent or (self._not_before is not None and now < self._not_before):
            return
        title = f"{self.campaign().schedule.campaign}: {len(unsent)} thing(s) need a person"
        texts = [*(notice.text for notice in unsent), self.store.audit.signed_head(now)]
        if not self.send(title, "\n\n".join(texts)):
            self._not_before = now + AGAIN
            return
        for notice in unsent:
            self.store.notices.mark_sent(notice.key, now)

    def _wanted(self) -> Iterator[tuple[str, str]]:
        if broken := self.broken():
            text = f"The files have errors, so the last good ones stay in force:\n{broken}"
            yield f"content@{self.machine}", text
        if wrong := self.clock_is_wrong():
            text = f"{self.machine} sends nothing: {wrong}. Set it; sending then goes on by itself."
            yield f"clock@{self.machine}", text
        if damage := self.damage():
            text = f"The database is broken ({damage}). Nothing is sent; `restore` the last backup."
            yield f"damage@{self.machine}", text
        if settling := self.store.restore_guard.reason():
            yield "settling", f"Nothing is sent before everything due is read back: {settling}"
        for row in self.store.outbox.find(states={State.HELD, State.FAILED}):
            evidence = f"\n{row.evidence}" if row.evidence else ""
            decide = f"Decide: {PROGRAM} resolve {row.id[:8]} send|queue|drop|ADDRESS --as NAME"
            due = f"due {self._local(row)}" if row.due_at else "due at its queue's next free slot"
            text = f"{row.state}: {row.post_id} for {row.account}, {due}: {row.reason_text}"
            yield f"{row.state}/{row.id}/{row.fence}", f"{text}{evidence}\n{decide}"
        yield from self._unapproved()
        yield from self._accounts()
        yield from self._told_at_once()

    def _local(self, row: Delivery) -> str:
        return shown(row.due_at, self.campaign().zone) if row.due_at else ""

    def _told_at_once(self) -> Iterator[tuple[str, str]]:
        """Tell of what silences, or was done by somebody else, as the audit log has it."""
        for row in self.store.audit.rows(since=self.clock.now() - AHEAD):
            if row.verb in ALERTED:
                outcomes = (each["told"] for each in row.detail.get("outcomes", ()))
                yield (
                    f"audit/{row.seq}",
                    "; ".join([f"{row.verb}: {row.subject} ({row.who}): {row.why}", *outcomes]),
                )

    def _unapproved(self) -> Iterator[tuple[str, str]]:
        required, told = self.campaign().schedule.approvals_required, set()
        for row in self.store.outbox.find(states={State.PLANNED}, until=self.clock.now() + AHEAD):
            approved_by = [approval.by for approval in self.store.approvals.of(row.fingerprint)]
            missing = required - approvers(approved_by, row.publication.author)
            if missing > 0 and row.part == 0 and row.post_id not in told:
                told.add(row.post_id)  # once for all its accounts
                text = f"{row.post_id}: {missing} approval(s) missing; first due {self._local(row)}"
                yield f"unapproved/{row.fingerprint}", text

    def _accounts(self) -> Iterator[tuple[str, str]]:
        for state in self.store.accounts.all():
            for reason, why in state.stops.items():
                yield f"stopped/{state.name}/{reason}", f"{state.name} is stopped: {why}"
        month = f"{self.clock.now():%B}"
        for account in self.campaign().schedule.accounts.values():
            budget, left = (
                account.budget_usd_per_month,
                budget_left(self.store.ledger, account, self.clock),
            )
            if budget and left is not None and left <= round(budget * (1 - NEARLY), 6):
                text = f"{account.name}: ${left:.2f} of ${budget:.2f} left for {month}"
                yield f"budget/{account.name}/{month}", text
