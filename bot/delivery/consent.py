"""Whose approvals of a publication count now: of approvers only, and signed where that is asked."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from bot.authority.approvals import Approval, LoggedAnswers, Objection
from bot.authority.tables import ObjectionKind
from bot.authority.user_table import User
from bot.authority.users import PinnedKey, Role, SignInError
from bot.canonical import JsonObject, canonical_json, sha256_hex
from bot.content.model import Mode, Schedule
from bot.db.lazy import ReadOnce
from bot.delivery.decide import ApprovalCount, is_same_person
from bot.delivery.model import Delivery, Hold, HoldReason, Publication, Queued
from bot.delivery.store import DeliveryStore


@dataclass(frozen=True)
class Consents:
    """Counts approvals; one look reads users and keys once, so make a new one for the next."""

    store: DeliveryStore
    schedule: Schedule

    def of(self, publication: Publication, payloads: Sequence[str] | None = None) -> ApprovalCount:
        """Return whose approvals of a publication count now, and how many it needs.

        Args:
            payloads: What its parts will send, in order; by default as it is stored.
        """
        given = self.store.approvals.standing(fingerprint=publication.fingerprint)
        return ApprovalCount(
            frozenset(each.by for each in given if self._counts(each, publication, payloads)),
            self._required(publication.author),
            publication.author,
            self.lack,
            self._objection(publication.fingerprint),
        )

    def _objection(self, fingerprint: str) -> Hold | None:
        """Return the strictest objection that counts; a request for a change is an approver's.

        Who removes a user lifts nothing by it.
        """
        found = [
            each
            for each in self._objections.get(fingerprint, ())
            if each.kind is ObjectionKind.REFUSAL
            or self._rehearses
            or each.by not in self._users
            or Role.APPROVER in self._users[each.by].roles
        ]
        if not found:
            return None
        worst = next((each for each in found if each.kind is ObjectionKind.REFUSAL), found[-1])
        is_refused = worst.kind is ObjectionKind.REFUSAL
        reason = HoldReason.REFUSED if is_refused else HoldReason.CHANGE_ASKED
        return Hold(reason, f"{worst.by}: {worst.comment}")

    @ReadOnce
    def _objections(self) -> dict[str, list[Objection]]:
        found = {each.key: each for each in self.store.objections.standing()}
        if self.are_signed:
            found |= self._on_disk.objections
        by_fingerprint: dict[str, list[Objection]] = {}
        for each in sorted(found.values(), key=lambda each: each.at):
            by_fingerprint.setdefault(each.fingerprint, []).append(each)
        return by_fingerprint

    @ReadOnce
    def _on_disk(self) -> LoggedAnswers:
        return self.store.answers_on_disk()

    def of_delivery(self, delivery: Delivery) -> ApprovalCount:
        """Return the same for what is about to be sent, whatever the database says by now."""
        if not self.are_signed:
            return self.of(delivery.publication)
        payloads = self._payloads(delivery.publication)
        payloads[delivery.part : delivery.part + 1] = [delivery.status_json]
        return self.of(delivery.publication, payloads)

    def statement(self, rows: Iterable[Delivery]) -> str:
        """Return what an approver signs of a post's deliveries, as canonical JSON."""
        publications = {row.publication.id: row.publication for row in rows}
        entries = [entry(each, self._payloads(each)) for each in publications.values()]
        rounds = {self._on_disk.rounds[each.post_id] for each in publications.values()}
        signed = {"approve": sorted(entries, key=canonical_json), "round": max(rounds, default=0)}
        return canonical_json({**signed, **self._about})

    @property
    def _about(self) -> JsonObject:
        return {"campaign": self.schedule.campaign, "mode": self.schedule.mode.value}

    def _payloads(self, publication: Publication) -> list[str]:
        rows = self.store.outbox.find(publication_id=publication.id)
        return [row.status_json for row in rows]

    @property
    def are_signed(self) -> bool:
        """Whether an approval counts only with its approver's signature.

        A pinned key says so too: who holds git and the database reaches no file of the machine.
        """
        is_asked = self.schedule.approvals.signed == "required" or bool(self._keys)
        return is_asked and not self._rehearses

    @property
    def lack(self) -> str:
        """What this machine lacks to count any approval, and what to do; empty for nothing."""
        if not self.are_signed or self._keys:
            return ""
        return (
            f"; no key is pinned on this machine: copy the others' file to {self.store.keys.path}"
        )

    @property
    def _rehearses(self) -> bool:
        """Nothing leaves the machine, so whoever tries it out may say yes."""
        return self.schedule.mode is Mode.REHEARSAL

    @ReadOnce
    def _users(self) -> dict[str, User]:
        return {user.name: user for user in self.store.users.all()}

    @ReadOnce
    def _keys(self) -> tuple[PinnedKey, ...]:
        return self.store.keys.all()

    def _required(self, author: str) -> int:
        """One more where nobody knows who wrote it: any of the approvers may be the author."""
        required = max(self.schedule.approvals_required, self.are_signed)
        is_known = any(is_same_person(author, name) for name in self._users)
        return required if self._rehearses or is_known or not required else required + 1

    def _counts(
        self, given: Approval, publication: Publication, payloads: Sequence[str] | None
    ) -> bool:
        if self._rehearses:
            return True
        user = self._users.get(given.by)
        # Who has a name anew did not give what was given under it before.
        if user is None or Role.APPROVER not in user.roles or given.at < user.created_at:
            return False
        if not self.are_signed:
            return True
        # One of the approver's pinned keys must have signed just what would be sent.
        if payloads is None:
            payloads = self._payloads(publication)
        if given.signature is None or given.statement is None:
            return False
        entries, begun = _read_statement(given.statement, self._about)
        # One that was taken back does not count again, whoever puts it there.
        earliest = self._on_disk.taken_back.get((given.fingerprint, given.by), 0)
        if entry(publication, payloads) not in entries or begun < earliest:
            return False
        keys = (key for key in self._keys if key.name == given.by)
        return any(_verifies(given.statement, given.signature, key) for key in keys)


def entry(publication: Publication, payloads: Sequence[str]) -> JsonObject:
    """Return what an approver signs of one publication: every word of it, where, when and whose."""
    is_queued = isinstance(publication.occurrence, Queued)
    return {
        "fingerprint": publication.fingerprint,
        "post": publication.post_id,
        "account": publication.account,
        "author": publication.author,
        "at": publication.due_at.isoformat() if publication.due_at and not is_queued else None,
        "statuses": [sha256_hex(payload) for payload in payloads],
    }


def challenge_of(signed: str) -> bytes:
    """Return what a passkey is asked to sign for a statement."""
    return bytes.fromhex(sha256_hex(signed))


def signer_of(signed: str, signature: str, keys: Iterable[PinnedKey]) -> PinnedKey | None:
    """Find which of these keys signed a statement."""
    return next((key for key in keys if _verifies(signed, signature, key)), None)


def _read_statement(signed: str, about: JsonObject) -> tuple[list[JsonObject], int]:
    """Return what a statement approves, and how often approvals had been taken back by then.

    Nothing where it is of another campaign or mode.
    """
    try:
        read = dict(json.loads(signed))
        found, begun = read.pop("approve"), read.pop("round")
    except (ValueError, KeyError, TypeError, RecursionError):
        return [], -1
    is_ours = isinstance(found, list) and read == about
    return found if is_ours else [], begun if isinstance(begun, int) else -1


@lru_cache(maxsize=4096)  # the gate asks again each second, and the answer never changes
def _verifies(signed: str, signature: str, key: PinnedKey) -> bool:
    from bot.authority.passkeys import verified  # 0.2 s: only who counts signatures should pay

    try:
        verified(signature, challenge_of(signed), origin=key.origin, public_key=key.public_key)
    except SignInError:
        return False
    return True
