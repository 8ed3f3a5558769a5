"""What a person decides; each decision leaves a row of who, when, what and why."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.authority.approvals import Approval
from bot.authority.pauses import EVERYTHING, PAUSE, RESUME, PauseState, PauseTarget, pause_target
from bot.authority.tables import PauseScope, StopReason
from bot.content.model import Campaign, Schedule
from bot.delivery.answers import Answers
from bot.delivery.consent import Consents, signer_of
from bot.delivery.decide import is_same_person
from bot.delivery.lifecycle import UNSENT, Event, cancel_event
from bot.delivery.model import CancelReason, Delivery, HoldReason, Queued, State
from bot.errors import BotError, DecisionError
from bot.platforms.base import Platform


@dataclass(frozen=True, slots=True)
class Desk(Answers):
    """Every decision of the command line and the browser goes through here."""

    campaign: Callable[[], Campaign]
    #: Adapter of an account, where an address is to be read.
    platform: Callable[[str], Platform] | None = None

    def approve(
        self,
        post_id: str,
        *,
        by: str,
        note: str = "",
        seen: frozenset[str] | None = None,
        signature: str | None = None,
    ) -> tuple[Delivery, ...]:
        """Approve what a post will send, as it stands now; the answer is what was approved.

        Args:
            seen: Fingerprints of what they read; where given, nothing else is approved.
            signature: The answer of their passkey to what `Consents.statement` says of it.

        Raises:
            DecisionError: nothing waits for approval, the author approves, it was changed since,
                or it is to be signed and is not, by a key that is pinned.
        """
        waiting = self.waiting(post_id)
        if not waiting:
            raise DecisionError(
                f"{post_id}: nothing of it waits for approval; `plan` shows when it is due"
            )
        if seen is not None and seen != {row.fingerprint for row in waiting}:
            raise DecisionError(f"{post_id} was changed since you read it; read it again")
        for row in waiting:
            if is_same_person(by, row.publication.author):
                raise DecisionError(f"{post_id}: {by} wrote it; somebody else must approve it")
        new = {row.fingerprint for row in waiting} - self._approved_by(by, waiting)
        if not new:
            raise DecisionError(f"{by} has approved {post_id} already, as it is now")
        statement = self._signed(by, waiting, signature)
        post, now = self.campaign().post(post_id), self.clock.now()
        quote = post.quote if post else None
        # Named with the approval, so that a change of what is quoted takes it back.
        sources = {quote.source: quote.source_sha256} if quote else {}
        detail = {"fingerprints": sorted(new), "said": _texts(waiting, new), "sources": sources}
        with self.store.transaction():
            # One that somebody gave who had this name before does not count, and makes room.
            self.store.approvals.take_back(new, by, now=now)
            for fingerprint in sorted(new):
                self.store.approvals.approve(
                    Approval(fingerprint, post_id, by, note, sources, now, statement, signature)
                )
            self.store.objections.settle(new, by, why="approved", now=now)
            self._write(by, "approve", post_id, note, detail, now)
        return waiting

    def _signed(self, by: str, rows: tuple[Delivery, ...], signature: str | None) -> str | None:
        """Return what was signed; None where nothing must be, and nothing is."""
        consents = self.consents
        if signature is None:
            if consents.are_signed:
                raise DecisionError("approvals are signed: approve it on the desk, by your passkey")
            return None
        statement = consents.statement(rows)
        if signer_of(statement, signature, self.store.keys.of(by)) is None:
            raise DecisionError("this is not the signature of a passkey that is pinned for you")
        return statement

    def _approved_by(self, person: str, rows: tuple[Delivery, ...]) -> set[str]:
        """Return the fingerprints that a person has approved already, so that it counts."""
        consents = self.consents
        return {
            row.fingerprint for row in rows
            if any(is_same_person(person, by) for by in consents.of(row.publication).by)
        }  # fmt: skip

    @property
    def consents(self) -> Consents:
        return Consents(self.store, self.campaign().schedule)

    def waiting(self, post_id: str) -> tuple[Delivery, ...]:
        """Find what an approval of the post would be about."""
        states = {State.PLANNED, State.READY, State.HELD}
        consents = self.consents
        return tuple(
            row for row in self.store.outbox.find(states=states, post_id=post_id)
            if row.state is not State.HELD or not consents.of(row.publication).is_enough
        )  # fmt: skip

    def pause(
        self,
        reason: str,
        *,
        by: str,
        all_calls: bool = False,
        target: PauseTarget = EVERYTHING,
        until: datetime | None = None,
    ) -> None:
        """Hold every write of the target before its next network call; reads with ``all_calls``.

        Raises:
            DecisionError: it is paused so already, or reads cannot be told apart by the target.
        """
        now = self.clock.now()
        if all_calls and target.scope in {PauseScope.THEME, PauseScope.LANGUAGE}:
            raise DecisionError(
                f"numbers are read by account, not by {target.scope}: --all-calls goes with"
                " everything or an account"
            )
        new = PauseState(reason, by, now, all_calls, target, until)
        with self.store.transaction():
            if not self.store.pauses.pause(new):
                raise DecisionError(f"{_paused(target)} already")
            subject = "all calls" if all_calls and target == EVERYTHING else str(target)
            self._write(by, PAUSE, subject, reason, new.logged(), now)

    def pause_target(self, scope: PauseScope, value: str, schedule: Schedule | None) -> PauseTarget:
        """Return what to pause; DecisionError where neither the plan nor the schedule has it."""
        known = {*self.store.outbox.pausable(scope)}
        if scope is PauseScope.ACCOUNT:
            known |= {state.name for state in self.store.accounts.all()}
            known |= {*schedule.accounts} if schedule else set()
        elif scope is PauseScope.THEME and schedule:
            known |= {*schedule.themes}
        return pause_target(scope, value, known)

    def resume(self, *, by: str, why: str = "", target: PauseTarget = EVERYTHING) -> None:
        """Let the target go on, and nothing else; what lapsed stays held for a person."""
        now = self.clock.now()
        with self.store.transaction():
            if not self.store.pauses.resume(by, now, target):
                lasting = (str(each.target) for each in self.store.pauses.lasting())
                only = ", ".join(dict.fromkeys(lasting))
                raise DecisionError(f"{_paused(target, is_not=True)}{only and f'; only {only}'}")
            self._write(by, RESUME, str(target), why, target.logged(), now)

    def restart(self, account: str, *, by: str, why: str = "") -> str:
        """Let a stopped account send again, after a look at it; return why it was stopped.

        DecisionError where it is not, or by a change that nobody has confirmed.
        """
        state = self.store.accounts.get(account)
        if state is None or not state.stops:
            raise DecisionError(f"no stopped account is called {account!r}")
        lifted = {
            key: why for key, why in state.stops.items() if key is not StopReason.CONFIGURATION
        }
        if not lifted:
            raise DecisionError(f"{account}: {state.stopped_detail}; confirm it by accept-config")
        self.store.accounts.start(account, *lifted)
        stopped = "; ".join(lifted.values())
        self._write(by, "restart", account, why, {"stopped": stopped}, self.clock.now())
        return stopped

    def held(self) -> tuple[Delivery, ...]:
        """List what waits for a person: held and failed, the oldest first."""
        return self.store.outbox.find(states={State.HELD, State.FAILED})

    def resolve(self, delivery_id: str, choice: str, *, by: str, why: str = "") -> Delivery:
        """Decide a held delivery: ``send``, ``queue``, ``drop``, or the address where it is out."""
        delivery = self.find(delivery_id)
        if delivery.state is not State.HELD:
            raise DecisionError(f"{delivery_id} is {delivery.state}; only a held one is resolved")
        match choice:
            case "send":
                return self._send(delivery, by, why)
            case "queue":
                return self._requeue(delivery, by, why)
            case "drop":
                return self._take_out(delivery, by, "drop", why)
            case _ if choice.startswith(("https://", "http://", "at://", "rehearsal:")):
                return self._mark_sent(delivery, choice, by, why)
            case _:
                raise DecisionError(f"{choice!r}: say send, queue, drop, or an address")

    def _send(self, delivery: Delivery, by: str, why: str) -> Delivery:
        if pause := self.store.pauses.of(*delivery.publication.pausable):
            raise DecisionError(f"{_paused(pause.target)}; resume first")
        consent = self.consents.of(delivery.publication)
        if consent.objection is not None:
            raise DecisionError(f"{delivery.post_id}: {consent.objection}")
        if consent.missing:
            raise DecisionError(
                f"{delivery.post_id}: {consent.missing} more approval(s) needed before it can be"
                " sent"
            )
        sent = self._decide(delivery, Event.SEND, by, "send", why, released_by=by)
        # With the later parts that waited for this one only.
        held = self.store.outbox.find(states={State.HELD}, publication_id=delivery.publication.id)
        for row in held:
            if row.part > delivery.part and row.reason is HoldReason.PARENT:
                self._decide(row, Event.SEND, by, "send", why, released_by=by)
        return sent

    def _requeue(self, delivery: Delivery, by: str, why: str) -> Delivery:
        if not isinstance(delivery.publication.occurrence, Queued):
            raise DecisionError(
                f"{delivery.post_id} has a fixed time, not a queue: send it, drop it, or edit `at:`"
            )
        whole = self._thread(delivery)
        if any(
            row.state not in UNSENT or row.attempts or row.reason is HoldReason.UNSETTLED
            for row in whole
        ):
            raise DecisionError(
                f"{delivery.id} may be out, or a part of it: send it (same key), drop it, or give"
                " its address"
            )
        self.store.outbox.unschedule(delivery.publication.id, now=self.clock.now())
        moved = [
            self._decide(row, Event.REQUEUE, by, "queue", why, released_by="")
            for row in whole
            if row.state is State.HELD
        ]
        return next(row for row in moved if row.id == delivery.id)

    def _thread(self, delivery: Delivery) -> list[Delivery]:
        rows = self.store.outbox.find(publication_id=delivery.publication.id)
        return [row for row in rows if row.state is not State.CANCELLED]

    def _mark_sent(self, delivery: Delivery, address: str, by: str, why: str) -> Delivery:
        """Keep the id that the platform uses, as it was read; a page's address may hold another."""
        if self.platform is None or delivery.account not in self.campaign().schedule.accounts:
            raise DecisionError(f"{delivery.account} cannot be asked what stands at {address}")
        page = address.partition("?")[0].partition("#")[0].rstrip("/")
        try:
            ref = self.platform(delivery.account).locate(page)
        except BotError as error:
            raise DecisionError(f"{address} could not be read, so try again: {error}") from error
        if ref is None:
            raise DecisionError(f"{address}: {delivery.account} shows no status of its own there")
        return self._decide(
            delivery, Event.MARK_SENT, by, "is out", why, remote_id=ref.id, cid=ref.cid,
            url=ref.url or page, sent_at=self.clock.now(),
        )  # fmt: skip

    def retry(self, delivery_id: str, *, by: str, why: str = "") -> Delivery:
        delivery = self.find(delivery_id)
        if delivery.state is not State.FAILED:
            raise DecisionError(f"{delivery_id} is {delivery.state}; only a failed one is retried")
        return self._decide(delivery, Event.RETRY, by, "retry", why, released_by=by)

    def cancel(self, delivery_id: str, *, by: str, why: str = "") -> Delivery:
        """Take a delivery out that is not sent; of a thread, all that is not sent."""
        delivery = self.find(delivery_id)
        if delivery.state not in UNSENT:
            raise DecisionError(f"{delivery_id} is {delivery.state}; it cannot be cancelled")
        return self._take_out(delivery, by, "cancel", why)

    def _take_out(self, delivery: Delivery, by: str, verb: str, why: str) -> Delivery:
        unsent = [row for row in self._thread(delivery) if row.state in UNSENT]
        gone = [
            self._decide(row, cancel_event(row.state), by, verb, why) for row in reversed(unsent)
        ]
        return next(row for row in gone if row.id == delivery.id)

    def find(self, delivery_id: str) -> Delivery:
        """Find the one delivery whose id begins so; DecisionError for none, or several."""
        matches = self.store.outbox.starting_with(delivery_id)
        if len(matches) != 1:
            found = "more than one delivery" if matches else "no delivery"
            raise DecisionError(f"{found} with an id that starts with {delivery_id!r}")
        return matches[0]

    def _decide(
        self, delivery: Delivery, event: Event, by: str, verb: str, why: str, **columns: object
    ) -> Delivery:
        is_withdrawn, now = event in {Event.CANCEL, Event.DROP}, self.clock.now()
        moved = self.store.outbox.move(
            delivery.id, event, now=now, actor=by, detail=why or verb,
            reason=CancelReason.WITHDRAWN if is_withdrawn else None, **columns,
        )  # fmt: skip
        detail = {"post": delivery.post_id, "account": delivery.account, "from": delivery.state}
        self._write(by, verb, delivery.id, why, detail, now)
        return moved


def _paused(target: PauseTarget, *, is_not: bool = False) -> str:
    what = "sending" if target == EVERYTHING else f"the {target}"
    return f"{what} is{' not' if is_not else ''} paused"


def _texts(rows: tuple[Delivery, ...], fingerprints: set[str]) -> dict[str, list[str]]:
    """Return what was approved, in words: after an edit people want to see the difference."""
    texts: dict[str, list[str]] = {}
    for row in rows:
        if row.fingerprint in fingerprints:
            parts = texts.setdefault(row.account, [])
            # A post that comes several times says the same each time.
            parts += [row.status.text] if len(parts) < row.parts else []
    return texts
