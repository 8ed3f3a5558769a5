"""What is stored of people's word, as the services of `authority` and all above see it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.authority.accounts import Accounts
from bot.authority.approvals import Approval, Approvals
from bot.authority.audit import Audit
from bot.authority.audit_head import SignedHead
from bot.authority.chain import unconfirmed_approvals, unconfirmed_users
from bot.authority.contacts import Absences, Addresses
from bot.authority.content_trees import ContentTrees, Trust
from bot.authority.notices import Notices, Workers
from bot.authority.objections import (
    AnswersOnDisk,
    LoggedAnswers,
    Objection,
    Objections,
    answers_in,
    answers_to,
)
from bot.authority.pauses import (
    RESUME,
    SERVICE,
    Pauses,
    PauseState,
    missing_pauses,
    pauses_in,
    resumed,
)
from bot.authority.pinned_keys import PinnedKeys
from bot.authority.user_table import (
    Devices,
    Passkeys,
    Sessions,
    SignInFailures,
    Tokens,
    User,
    Users,
)
from bot.db import sqlite as files
from bot.db.backup import Backup, back_up
from bot.db.database import StoreContext, path_of
from bot.db.migrate import newest
from bot.db.transfer import write_file
from bot.errors import StoreError


class AuthorityStore:
    """One attribute a concern; safe to use from several threads."""

    def __init__(self, context: StoreContext) -> None:
        self._db = context.db
        #: Where the sent log, the lock and a SQLite database are.
        self.directory = context.directory
        self.room = context.room
        self.approvals = Approvals(context)
        self.objections = Objections(context)
        self.audit = Audit(context)
        self._on_disk = AnswersOnDisk(self.audit.file)
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
        self.absences = Absences(context)
        self.addresses = Addresses(context.directory / "addresses")
        #: Outside the database on purpose.
        self.keys = PinnedKeys(context.keys)

    @property
    def is_sqlite(self) -> bool:
        return self._db.is_sqlite

    def close(self) -> None:
        """Let go of all connections."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Let a decision and its row in the audit log be stored both or not at all."""
        with self._db.together():
            yield
        self.audit.copy()

    def version(self) -> int | None:
        """Return what changes with each write, whoever writes; None where only a look tells."""
        return self._db.version()

    def looking(self) -> AbstractContextManager[None]:
        """Let several reads be one transaction, of one state; nothing is written meanwhile."""
        return self._db.looking()

    def time(self) -> datetime:
        """Return what PostgreSQL says the time is, in UTC.

        Raises:
            StoreError: it does not answer, or is an embedded one, which has its machine's.
        """
        return self._db.time()

    def answers_to(self, fingerprint: str) -> frozenset[tuple[str, int]]:
        """Return which approvals of a fingerprint, and objections to it, stand now."""
        with self._db.read() as connection:
            return answers_to(connection, fingerprint)

    def answers_on_disk(self) -> LoggedAnswers:
        """Return what stands by the copy of the log, which has all that the log has by now."""
        self.audit.copy()
        return self._on_disk.read()

    def recall(self, now: datetime) -> None:
        """Take up what the audit log beside the database knows and the database, restored, forgot.

        A user who was removed since the backup, or had another role or password, is removed: who
        is still meant to be one is added again. Approvals that were taken back stay so, and
        objections and pauses since then stand.
        """
        with self.transaction():
            if not (brought := self.audit.recall()):
                return
            users, _missing, approvals = self._unconfirmed()
            for user in users:
                self.users.remove(user.name)
            self.approvals.void(approvals, reason="taken back before the restore", now=now)
            lost, settled = self._unconfirmed_objections()
            self.objections.add(*lost)
            for each in settled:
                why = "settled before the restore"
                self.objections.settle([each.fingerprint], each.by, why=why, now=now)
            self.pauses.add(*self._missing_pauses())
            detail = {"rows": brought, "users removed": [user.name for user in users]}
            self.audit.write("restore", "recall", "audit log", detail=detail, now=now)

    def audit_problems(
        self, heads: Iterable[SignedHead] = (), *, since: tuple[int, str] | None = None
    ) -> list[str]:
        """Return what is wrong with the audit log, and what it does not confirm.

        Args:
            since: A head up to which all was right: only later rows are read against each other.
        """
        if found := self.audit.problems_since(since) if since else self.audit.problems(heads):
            return found
        users, missing, approvals = self._unconfirmed()
        lost, _settled = self._unconfirmed_objections()
        missing_paused = self._missing_pauses()
        return [
            *(f"the log has the user {name}, whom the database lacks" for name in missing),
            *(f"the log does not confirm the user {user.name} as they are" for user in users),
            *(f"the log does not confirm that {a.by} approved {a.post_id}" for a in approvals),
            *(f"the database lacks what {o.by} said of {o.post_id}: {o.kind}" for o in lost),
            *(f"the database lacks the pause of {p.target} by {p.by}" for p in missing_paused),
        ]

    def end_pauses(self, now: datetime) -> None:
        """End the pauses whose time is over, each with its row in the log."""
        for over in self.pauses.over(now):
            with self.transaction():
                if self.pauses.end(over, now):
                    subject, detail = str(over.target), resumed(over.target, over)
                    why = f"the time that {over.by} gave is over"
                    self.audit.write(SERVICE, RESUME, subject, why=why, detail=detail, now=now)

    def _missing_pauses(self) -> tuple[PauseState, ...]:
        """Return the pauses that last by the log and not here."""
        return missing_pauses(pauses_in(self.audit.rows()[::-1]), self.pauses.lasting())

    def _unconfirmed_objections(self) -> tuple[tuple[Objection, ...], tuple[Objection, ...]]:
        """Return what stands by the log and not here, and what stands here and not by the log."""
        logged = answers_in(self.audit.rows()[::-1]).objections
        here = {each.key: each for each in self.objections.standing()}
        lost = tuple(logged[key] for key in logged.keys() - here.keys())
        return lost, tuple(here[key] for key in here.keys() - logged.keys())

    def _unconfirmed(self) -> tuple[tuple[User, ...], tuple[str, ...], tuple[Approval, ...]]:
        rows = self.audit.rows()[::-1]
        users, keys = self.users.all(), {}
        for user in users:
            keys[user.name] = {key.id: key.public_key for key in self.passkeys.of(user.name)}
            keys[user.name] |= {token.sha256: "" for token in self.tokens.of(user.name)}
        return (
            *unconfirmed_users(rows, users, keys),
            unconfirmed_approvals(rows, self.approvals.all()),
        )

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
        """Write the whole state to a new SQLite file, and prove it.

        Raises:
            StoreError: it failed.
            DecisionError: the file exists.
        """
        if self.is_sqlite:
            return back_up(path_of(self._db.url), target)
        with TemporaryDirectory(dir=self.directory) as folder:
            copy = Path(folder) / "copy.db"
            write_file(self._db, copy, revision=newest())
            return back_up(copy, target)
