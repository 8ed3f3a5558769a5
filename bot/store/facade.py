"""The store as everything above sees it."""

from __future__ import annotations

import sqlite3
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path

from bot.errors import StoreError
from bot.store import sqlite as files
from bot.store.accounts import Accounts
from bot.store.approvals import Approvals
from bot.store.audit import Audit
from bot.store.backup import Backup, back_up
from bot.store.contents import Contents, Media, Trust
from bot.store.database import path_of
from bot.store.digests import Digests
from bot.store.ledger import Ledger
from bot.store.lock import AccountLocks, ProcessLock, lock_beside
from bot.store.notices import Notices, Workers
from bot.store.outbox import Outbox
from bot.store.part import StoreContext
from bot.store.pauses import Pauses
from bot.store.settling import RestoreGuard, Suspect
from bot.store.snapshots import Followers, Snapshots
from bot.store.users import Sessions, Users


class Store:
    """All that the bot remembers. One attribute a concern; safe to use from several threads."""

    def __init__(self, ground: StoreContext) -> None:
        self._ground = ground
        self.outbox = Outbox(ground)
        self.approvals = Approvals(ground)
        self.audit = Audit(ground)
        self.ledger = Ledger(ground)
        self.accounts = Accounts(ground)
        self.pauses = Pauses(ground)
        self.contents = Contents(ground)
        self.media = Media(ground)
        self.trust = Trust(ground)
        self.notices = Notices(ground)
        self.workers = Workers(ground)
        self.snapshots = Snapshots(ground)
        self.followers = Followers(ground)
        self.digests = Digests(ground)
        self.restore_guard = RestoreGuard(ground)
        self.users = Users(ground)
        self.sessions = Sessions(ground)
        self._locks = AccountLocks(ground.db)

    @property
    def is_sqlite(self) -> bool:
        return self._ground.db.is_sqlite

    @property
    def directory(self) -> Path:
        """Where the sent log, the lock and a SQLite database are."""
        return self._ground.directory

    def close(self) -> None:
        """Let go of all connections."""
        self._ground.db.close()

    def time(self) -> datetime:
        """Ask PostgreSQL what the time is, in UTC.

        Raises:
            StoreError: it does not answer, or is an embedded one, which has its machine's.
        """
        return self._ground.db.time()

    def settle_first(self) -> str | None:
        """Tell why nothing is claimed before `amnesia_suspects` are read back; None if nothing."""
        return self.restore_guard.reason()

    def settled(self, now: datetime) -> None:
        """Say that all of them are; claiming goes on."""
        self.restore_guard.settled(now)

    def amnesia_suspects(self, now: datetime) -> tuple[Suspect, ...]:
        """Find what may be out although the database does not say so."""
        return self.restore_guard.suspects(now)

    def process_lock(self) -> ProcessLock:
        """Give the lock that the one running service holds; not yet taken."""
        return lock_beside(self._ground.log.path)

    def sending(self, account: str) -> AbstractContextManager[bool]:
        """Hold an account while sending to it; yields False where another sender has it."""
        return self._locks.sending(account)

    def has_room(self) -> bool:
        """Tell whether the disk has room enough to start something; `claim` asks this too."""
        return self._ground.room.is_left(self._ground.directory)

    def find_damage(self) -> str:
        """Look through all of an embedded database; what is broken, or empty.

        PostgreSQL looks after its own pages.

        Raises:
            StoreError: it cannot be looked at now.
        """
        if not self.is_sqlite:
            return ""
        try:
            return files.find_damage(path_of(self._ground.db.url))
        except sqlite3.Error as error:
            raise StoreError(f"the database cannot be looked through: {error}") from error

    def backup(self, target: Path) -> Backup:
        """Write the whole state to a new file, and prove it.

        Raises:
            StoreError: it failed, or the database is PostgreSQL (use pg_dump).
            DecisionError: the file exists.
        """
        if not self.is_sqlite:
            raise StoreError("PostgreSQL is backed up with pg_dump; see docs/operating.md")
        return back_up(path_of(self._ground.db.url), target)
