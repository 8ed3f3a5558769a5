"""A rehearsal's stand-in for any platform: its counting, limits and prices, and no network.

What is published goes into a file on this machine. It is plain `sqlite3` and no part of the store:
SQLAlchemy is the store's, and this file stands for servers that are not ours. Losing it loses
nothing of the campaign.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from bot.canonical import canonical_json, sha256_hex
from bot.errors import PlatformError, RejectedError, UnavailableError, UnconfirmedError
from bot.platforms.base import Connection, PictureReader, Profile
from bot.platforms.spec import Limits, PlatformSpec
from bot.platforms.status import Draft, Metrics, PostRef, ReplyTo, Status, status_from_json

_SCHEMA = """
CREATE TABLE IF NOT EXISTS status (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    platform TEXT NOT NULL,  -- the platform that is stood for
    key TEXT NOT NULL,       -- of the delivery; a second publish with it is the first one's
    at TEXT NOT NULL,        -- ISO 8601, UTC
    status_json TEXT NOT NULL,
    text TEXT NOT NULL,      -- of the status, to find repeated ones
    parent TEXT,             -- id of the status that this one answers
    is_deleted INTEGER NOT NULL DEFAULT 0,
    UNIQUE (account, key)
)
"""


class Rehearsal:
    """One account that nobody follows, kept in a file; what has one key is one status."""

    def __init__(self, spec: PlatformSpec, path: Path, connection: Connection) -> None:
        self.spec, self.connection = spec, connection
        path.parent.mkdir(parents=True, exist_ok=True)
        # One thread at a time, as `Platform` says, but not for ever the same one.
        self.db = sqlite3.connect(path, timeout=5.0, check_same_thread=False)
        self.db.execute(_SCHEMA)

    def profile(self) -> Profile:
        account = self.connection.account
        id_, handle = f"rehearsal:{account.name}", account.handle or account.name
        return Profile(id_, handle, is_labelled_bot=True, server="rehearsal")

    def limits(self) -> Limits:
        """Return what the platform usually accepts, or the account's own length."""
        return self.spec.limits.for_account(self.connection.account)

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
        name, at, parent = self.connection.account.name, draft.body["at"], draft.body["parent"]
        with self._translated(UnconfirmedError):
            if known := self._live("key", draft.key):
                return known
            status = status_from_json(canonical_json(draft.body["status"]))
            self._refuse(status, parent)
            for charge in self.spec.charges(status):  # so that a rehearsal tells the cost
                meter = self.connection.meter
                meter.settle(meter.reserve(charge), charge.units)
            id_ = sha256_hex(f"{name}\n{draft.key}\n{at}")[:20]
            row = (id_, name, self.spec.name, draft.key, at, status.to_json(), status.text, parent)
            with self.db:
                self.db.execute("INSERT INTO status VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)", row)
            return self._ref(id_)

    def _ref(self, id_: str) -> PostRef:
        return PostRef(id_, f"rehearsal:{self.connection.account.name}/{id_}")

    def _refuse(self, status: Status, parent: str | None) -> None:
        """Refuse what the real platform would, by a RejectedError that says why."""
        limits = self.limits()
        wrong = self.spec.misfit(status, limits) or _picture_misfit(status, limits)
        # Whether it still stands or not.
        said = "SELECT 1 FROM status WHERE account = ? AND text = ? LIMIT 1"
        place = self.connection.account.name, status.text
        if not wrong and not self.spec.may_repeat and self.db.execute(said, place).fetchone():
            wrong = "the account has said just this before"
        if not wrong and parent and self._live("id", parent) is None:
            wrong = "the status that it answers is not there"
        if wrong:
            raise RejectedError(self.spec.name, wrong)

    def _live(self, column: str, value: str) -> PostRef | None:
        """Find the account's live status by its id, or by the key it was published with."""
        query = f"SELECT id FROM status WHERE account = ? AND is_deleted = 0 AND {column} = ?"  # noqa: S608 - only our own names
        found = self.db.execute(query, (self.connection.account.name, value)).fetchone()
        return self._ref(*found) if found else None

    def find(self, draft: Draft) -> PostRef | None:
        with self._translated(UnavailableError):
            return self._live("key", draft.key)

    def delete(self, ref: PostRef) -> bool:
        change = "UPDATE status SET is_deleted = 1 WHERE account = ? AND id = ? AND is_deleted = 0"
        with self._translated(UnavailableError), self.db:
            return self.db.execute(change, (self.connection.account.name, ref.id)).rowcount == 1

    def exists(self, ref: PostRef) -> bool:
        with self._translated(UnavailableError):
            return self._live("id", ref.id) is not None

    def locate(self, address: str) -> PostRef | None:
        with self._translated(UnavailableError):
            return self._live("id", address.rpartition("/")[2])

    def abilities(self) -> Mapping[str, str]:
        return {}

    def hide_reply(self, ref: PostRef, address: str) -> None:
        raise RejectedError(self.spec.name, f"nobody replies in a rehearsal: {ref.id}, {address}")

    def revoke_quote(self, ref: PostRef, address: str) -> None:
        raise RejectedError(self.spec.name, f"nobody quotes in a rehearsal: {ref.id}, {address}")

    def metrics(self, refs: Sequence[PostRef]) -> Mapping[PostRef, Metrics]:
        """Return no numbers: nobody has seen a rehearsal, and made-up ones would mislead."""
        return {ref: Metrics() for ref in refs if self.exists(ref)}

    def recent(self) -> Sequence[PostRef]:
        """Return nothing: whoever can write into the rehearsal's file is on this machine."""
        return ()

    def close(self) -> None:
        self.db.close()

    @contextmanager
    def _translated(self, kind: Callable[[str, str], PlatformError]) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise kind(self.spec.name, f"the rehearsal's file: {error}") from error


def _picture_misfit(status: Status, limits: Limits) -> str:
    """Say what does not fit of the pictures; empty where all does."""
    if len(status.pictures) > limits.max_pictures:
        return f"{len(status.pictures)} of {limits.max_pictures} pictures"
    for picture in status.pictures:
        if len(picture.alt) > limits.max_alt:
            return f"an alternative text has {len(picture.alt)} of {limits.max_alt} characters"
        if picture.size > limits.max_picture_bytes or picture.mime not in limits.picture_mimes:
            return f"a picture has {picture.size} bytes of {picture.mime}"
    return ""
