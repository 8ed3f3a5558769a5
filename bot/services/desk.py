"""What a person decides; each decision leaves a row of who, when, what and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.clock import Clock
from bot.core.campaign import Campaign
from bot.core.lifecycle import Event
from bot.core.model import Delivery, HoldReason, JsonObject, PostRef, State
from bot.errors import DecisionError
from bot.services.planwriter import FAR_AWAY
from bot.store import Store


@dataclass(frozen=True, slots=True)
class Desk:
    """Every decision of the command line and the browser goes through here."""

    store: Store
    clock: Clock
    campaign: Callable[[], Campaign]

    def approve(
        self, post_id: str, *, by: str, note: str = "", seen: frozenset[str] | None = None
    ) -> tuple[Delivery, ...]:
        """Approve what a post will send, as it stands now; the answer is what was approved.

        Args:
            post_id: Which.
            by: Who approves.
            note: What they want kept.
            seen: Fingerprints of what they read; where given, nothing else is approved.

        Raises:
            DecisionError: nothing waits for approval, the author approves, or it was changed since.
        """
        waiting = self.waiting(post_id)
        if not waiting:
            raise DecisionError(
                f"{post_id}: nothing of it waits for approval; `plan` shows when it is due"
            )
        if seen is not None and seen != {one.fingerprint for one in waiting}:
            raise DecisionError(f"{post_id} was changed since you read it; read it again")
        now = self.clock.now()
        for fingerprint in sorted({one.fingerprint for one in waiting}):
            author = next(str(d.labels["author"]) for d in waiting if d.fingerprint == fingerprint)
            self._refuse_author(post_id, author, by)
            self.store.approvals.approve(
                fingerprint, post_id, by=by, note=note, now=now, sources=self._sources(post_id)
            )
            said = {"fingerprint": fingerprint, "said": _said(waiting, fingerprint)}
            self._write(by, "approve", post_id, note, said)
        return waiting

    def approvals(self, delivery: Delivery) -> int:
        """Count the standing approvals that a delivery has; its author's is none."""
        by = {one.by for one in self.store.approvals.of(delivery.fingerprint)}
        return len(by - {str(delivery.labels.get("author", ""))})

    def waiting(self, post_id: str) -> tuple[Delivery, ...]:
        """Find what an approval of the post would be about."""
        open_states = {State.PLANNED, State.READY}
        found = self.store.outbox.find(states=open_states, post_id=post_id)
        held = self.store.outbox.find(states={State.HELD}, post_id=post_id)
        unapproved = [one for one in held if one.reason.startswith(HoldReason.UNAPPROVED)]
        return (*found, *unapproved)

    def _sources(self, post_id: str) -> dict[str, str]:
        """Name what the post quotes, so that a change of it takes the approval back."""
        post = self.campaign().post(post_id)
        return {post.quote.source: post.quote.source_sha256} if post and post.quote else {}

    @staticmethod
    def _refuse_author(post_id: str, author: str, by: str) -> None:
        if by.strip().casefold() == author.strip().casefold():
            raise DecisionError(f"{post_id}: {by} wrote it; somebody else must approve it")

    def pause(self, reason: str, *, by: str) -> None:
        """Hold everything before its next network call."""
        if self.store.pauses.current() is not None:
            raise DecisionError("sending is paused already")
        self.store.pauses.pause(reason, by=by, now=self.clock.now())
        self._write(by, "pause", "everything", reason, {})

    def resume(self, *, by: str, why: str = "") -> None:
        """Let sending go on; what lapsed meanwhile stays held for a person."""
        if self.store.pauses.current() is None:
            raise DecisionError("sending is not paused")
        self.store.pauses.resume(by=by, now=self.clock.now())
        self._write(by, "resume", "everything", why, {})

    def held(self) -> tuple[Delivery, ...]:
        """List what waits for a person: held and failed, the oldest first."""
        return self.store.outbox.find(states={State.HELD, State.FAILED})

    def resolve(self, delivery_id: str, choice: str, *, by: str, why: str = "") -> Delivery:
        """Decide a held delivery.

        Args:
            delivery_id: Which.
            choice: ``send``, ``queue``, ``drop``, or the address where it is out already.
            by: Who decides.
            why: Their reason.
        """
        delivery = self.find(delivery_id)
        if delivery.state is not State.HELD:
            raise DecisionError(f"{delivery_id} is {delivery.state}; only a held one is resolved")
        match choice:
            case "send":
                return self._send(delivery, by, why)
            case "queue":
                return self._requeue(delivery, by, why)
            case "drop":
                return self._decide(delivery, Event.DROP, by, "drop", why)
            case _ if choice.startswith(("https://", "http://", "at://")):
                return self._vouch(delivery, choice, by, why)
            case _:
                raise DecisionError(f"{choice!r}: say send, queue, drop, or an address")

    def _send(self, delivery: Delivery, by: str, why: str) -> Delivery:
        if self.store.pauses.current() is not None:
            raise DecisionError("sending is paused; resume first")
        self._require_approval(delivery)
        sent = self._decide(delivery, Event.SEND, by, "send", why, released_by=by)
        for part in self._rest_of_thread(delivery):
            self._decide(part, Event.SEND, by, "send", why, released_by=by)
        return sent

    def _rest_of_thread(self, delivery: Delivery) -> list[Delivery]:
        """Find the later parts that waited for this one only."""
        held = self.store.outbox.find(
            states={State.HELD}, account=delivery.account, post_id=delivery.post_id
        )
        return [
            one
            for one in held
            if one.occurrence == delivery.occurrence
            and one.part > delivery.part
            and one.reason.startswith(HoldReason.PARENT)
        ]

    def _require_approval(self, delivery: Delivery) -> None:
        required = self.campaign().schedule.approvals_required
        missing = required - self.approvals(delivery)
        if missing > 0:
            raise DecisionError(
                f"{delivery.post_id}: {missing} more approval(s) needed before it can be sent"
            )

    def _requeue(self, delivery: Delivery, by: str, why: str) -> Delivery:
        if not delivery.occurrence.startswith("queue/"):
            raise DecisionError(
                f"{delivery.post_id} has a fixed time, not a queue: send it, drop it, or edit `at:`"
            )
        if delivery.attempts:
            raise DecisionError(
                f"{delivery.id} may be out: send it (same key), drop it, or give its address"
            )
        return self._decide(
            delivery, Event.REQUEUE, by, "queue", why, due_at=FAR_AWAY, not_after=FAR_AWAY
        )

    def _vouch(self, delivery: Delivery, address: str, by: str, why: str) -> Delivery:
        ref = PostRef(id=address.rstrip("/").rsplit("/", 1)[-1], url=address)
        return self._decide(
            delivery, Event.VOUCH, by, "is out", why, remote_id=ref.id, url=address,
            sent_at=self.clock.now(),
        )  # fmt: skip

    def retry(self, delivery_id: str, *, by: str, why: str = "") -> Delivery:
        """Try a failed delivery again, unchanged."""
        delivery = self.find(delivery_id)
        if delivery.state is not State.FAILED:
            raise DecisionError(f"{delivery_id} is {delivery.state}; only a failed one is retried")
        return self._decide(delivery, Event.RETRY, by, "retry", why, released_by=by)

    def cancel(self, delivery_id: str, *, by: str, why: str = "") -> Delivery:
        """Take a delivery out that is not sent."""
        delivery = self.find(delivery_id)
        dropped = delivery.state in {State.HELD, State.FAILED}
        event = Event.DROP if dropped else Event.CANCEL
        if delivery.state not in {State.PLANNED, State.READY} and not dropped:
            raise DecisionError(f"{delivery_id} is {delivery.state}; it cannot be cancelled")
        return self._decide(delivery, event, by, "cancel", why)

    def find(self, delivery_id: str) -> Delivery:
        """Find a delivery by its id or the beginning of it.

        Raises:
            DecisionError: none has it, or several have.
        """
        matches = [
            one for one in self.store.outbox.find() if one.id.startswith(delivery_id)
        ]  # fmt: skip
        if len(matches) != 1:
            told = "no delivery" if not matches else f"{len(matches)} deliveries"
            raise DecisionError(f"{told} with an id that starts with {delivery_id!r}")
        return matches[0]

    def _decide(
        self, delivery: Delivery, event: Event, by: str, verb: str, why: str, **columns: object
    ) -> Delivery:
        now = self.clock.now()
        moved = self.store.outbox.move(
            delivery.id, event, now=now, actor=by, reason=why or verb, **columns
        )
        detail = {"post": delivery.post_id, "account": delivery.account, "from": delivery.state}
        self._write(by, verb, delivery.id, why, detail)
        return moved

    def _write(self, by: str, verb: str, subject: str, why: str, detail: JsonObject) -> None:
        self.store.audit.write(by, verb, subject, why=why, detail=detail, now=self.clock.now())


def _said(rows: tuple[Delivery, ...], fingerprint: str) -> dict[str, list[str]]:
    """Keep what was approved, in words: after an edit people want to see the difference."""
    said: dict[str, list[str]] = {}
    for row in rows:
        if row.fingerprint == fingerprint:
            parts = said.setdefault(row.account, [])
            # A post that comes several times says the same each time.
            parts += [row.status.text] if len(parts) < row.parts else []
    return said
