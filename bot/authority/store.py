"""What is stored of people's word, as the services of `authority` and all above see it."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from pathlib import Path

from bot.authority.accounts import Accounts
from bot.authority.approvals import Approvals, Pauses
from bot.authority.audit import Audit
from bot.authority.content_trees import ContentTrees, Trust
from bot.authority.notices import Notices, Workers
from bot.authority.user_table import (
    Devices,
    Passkeys,
    Sessions,
    SignInFailures,
    Tokens,
    Users,
)
from bot.db import sqlite as files
from bot.db.backup import Backup, back_up
from bot.db.database import StoreContext, path_of
from bot.errors import StoreError


class AuthorityStore:
    """One attribute a concern; safe to use from several threads."""

    def __init__(self, context: StoreContext) -> None:
        self._db = context.db
        #: Where the sent log, the lock and a SQLite database are.
        self.directory = context.directory
        self.approvals = Approvals(context)
        self.audit = Audit(context)
        self.accounts = Accounts(context)
        self.pauses = Pauses(context)
        self.contents = ContentTrees(context)
        self.trust = Trust(context)
        self.notices = Notices(context)
        self.workers = Workers(context)
        self.users = Users(context)
        self.sessions = Sessions(context)
        self.devices = Devices(context)
        self.passkeys = Passkeys(context)
        self.tokens = Tokens(context)
        self.failures = SignInFailures(context)

    @property
    def is_sqlite(self) -> bool:
        return self._db.is_sqlite

    def close(self) -> None:
        """Let go of all connections."""
        self._db.close()

    def time(self) -> datetime:
        """Return what PostgreSQL says the time is, in UTC.

        Raises:
            StoreError: it does not answer, or is an embedded one, which has its machine's.
        """
        return self._db.time()

    def find_damage(self) -> str:
        """Look through all of an embedded database; what is broken, or empty.

        PostgreSQL looks after its own pages.

        Raises:
            StoreError: it cannot be looked at now.
        """
        if not self.is_sqlite:
            return ""
        try:
            return files.find_damage(path_of(self._db.url))
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
        return back_up(path_of(self._db.url), target)
