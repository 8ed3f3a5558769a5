"""A rehearsal's stand-in for any platform: its counting, limits and prices, and no network."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from bot.canonical import canonical_json, sha256_hex
from bot.errors import PlatformError, RejectedError, UnavailableError, UnconfirmedError
from bot.platforms.base import Connect, Connection, PictureReader, Platform, Profile
from bot.platforms.rehearsal.statuses import Rehearsed, RehearsedStatuses
from bot.platforms.spec import Limits, PlatformSpec
from bot.platforms.status import Draft, Metrics, PostRef, ReplyTo, Status, status_from_json


def connect_as(spec: PlatformSpec, path: Path) -> Connect:
    """Return a ``connect`` for accounts of the platform with these spec, kept in this file."""

    def connect(connection: Connection) -> Platform:
        return Rehearsal(spec, connection, RehearsedStatuses(path, connection.account.name))

    return connect


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """One account that nobody follows; what is published with one key is one status."""

    spec: PlatformSpec
    connection: Connection
    statuses: RehearsedStatuses

    def profile(self) -> Profile:
        account = self.connection.account
        return Profile(
            id=f"rehearsal:{account.name}",
            handle=account.handle or account.name,
            is_labelled_bot=True,
            server="rehearsal",
        )

    def limits(self) -> Limits:
        """Return what the platform usually accepts, or the account's own length."""
        longer = self.connection.account.max_length
        return replace(self.spec.limits, max_length=longer) if longer else self.spec.limits

    def prepare(
        self,
        status: Status,
        *,
        key: str,
        at: datetime,
        reply_to: ReplyTo | None,
        pictures: PictureReader,
    ) -> Draft:
        for picture in status.pictures:
            if sha256_hex(pictures(picture)) != picture.sha256:
                raise RejectedError(self.spec.name, f"picture {picture.sha256} has other bytes")
        parent = reply_to.parent.id if reply_to else None
        frozen = json.loads(status.to_json())
        return Draft(key, {"at": at.isoformat(), "status": frozen, "parent": parent})

    def publish(self, draft: Draft) -> PostRef:
        with self._translated(UnconfirmedError):
            known = self.statuses.by_key(draft.key)
            if known:
                return _ref(known)
            status = status_from_json(canonical_json(draft.wire["status"]))
            self._refuse(status, draft.wire["parent"])
            new = self._rehearsed(draft, status)
            self._pay(status)
            self.statuses.add(new)
            return _ref(new)

    def _rehearsed(self, draft: Draft, status: Status) -> Rehearsed:
        name = self.connection.account.name
        at = datetime.fromisoformat(draft.wire["at"])
        id_ = sha256_hex(f"{name}\n{draft.key}\n{draft.wire['at']}")[:20]
        return Rehearsed(id_, name, self.spec.name, draft.key, at, status, draft.wire["parent"])

    def _refuse(self, status: Status, parent: str | None) -> None:
        """Refuse what the real platform would.

        Raises:
            RejectedError: says why.
        """
        limits = self.limits()
        length = self.spec.measure(status.text, limits)
        if self.spec.folds_warning and status.warning:
            length += self.spec.measure(status.warning, limits)
        wrong = _misfit(status, limits, length)
        if not wrong and not self.spec.may_repeat and self.statuses.has_said(status.text):
            wrong = "the account has said just this before"
        if not wrong and parent and self.statuses.by_id(parent) is None:
            wrong = "the status that it answers is not there"
        if wrong:
            raise RejectedError(self.spec.name, wrong)

    def _pay(self, status: Status) -> None:
        """Book what the real platform would charge, so that a rehearsal tells the cost."""
        meter = self.connection.meter
        for charge in self.spec.charges(status):
            meter.settle(meter.reserve(charge), charge.units)

    def find(self, draft: Draft) -> PostRef | None:
        with self._translated(UnavailableError):
            known = self.statuses.by_key(draft.key)
            return _ref(known) if known else None

    def delete(self, ref: PostRef) -> bool:
        with self._translated(UnavailableError):
            return self.statuses.delete(ref.id)

    def exists(self, ref: PostRef) -> bool:
        with self._translated(UnavailableError):
            return self.statuses.by_id(ref.id) is not None

    def metrics(self, refs: Sequence[PostRef]) -> Mapping[PostRef, Metrics]:
        """Return no numbers: nobody has seen a rehearsal, and made-up ones would mislead."""
        return {ref: Metrics() for ref in refs if self.exists(ref)}

    def close(self) -> None:
        self.statuses.close()

    @contextmanager
    def _translated(self, kind: Callable[[str, str], PlatformError]) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise kind(self.spec.name, f"the rehearsal's file: {error}") from error


def _ref(known: Rehearsed) -> PostRef:
    return PostRef(known.id, f"rehearsal:{known.account}/{known.id}")


def _misfit(status: Status, limits: Limits, length: int) -> str:
    """Say what does not fit; empty where all does."""
    if length > limits.max_length:
        return f"{length} of {limits.max_length} characters"
    if len(status.pictures) > limits.max_pictures:
        return f"{len(status.pictures)} of {limits.max_pictures} pictures"
    for picture in status.pictures:
        if len(picture.alt) > limits.max_alt:
            return f"an alternative text has {len(picture.alt)} of {limits.max_alt} characters"
        if picture.size > limits.max_picture_bytes or picture.mime not in limits.picture_mimes:
            return f"a picture has {picture.size} bytes of {picture.mime}"
    return ""
