"""What is stored of people's word, as the services of `authority` and all above see it."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.authority.accounts import Accounts, ContentTrees, Trust
from bot.authority.approvals import (
    TAKING_BACK,
    Approval,
    Approvals,
    LoggedAnswers,
    Objection,
    Objections,
    answers_in,
    answers_in_file,
    answers_to,
)
from bot.authority.audit import Audit, AuditRow
from bot.authority.audit_head import SignedHead
from bot.authority.notices import Absences, Addresses, Notices, Workers
from bot.authority.pauses import RESUME, SERVICE, Pauses, PauseState, pauses_in
from bot.authority.user_table import (
    Devices,
    Passkeys,
    Sessions,
    SignInFailures,
    Tokens,
    User,
    Users,
)
from bot.authority.users import PinnedKeys
from bot.canonical import JsonObject, sha256_hex
from bot.db import sqlite as files
from bot.db.backup import Backup, back_up
from bot.db.database import StoreContext, path_of
from bot.db.migrate import newest, write_file
from bot.errors import StoreError

#: Of a user in the table, in details of rows and in `_facts`.
_FACTS = frozenset({"roles", "password_sha256", "codes"})


class AuthorityStore:
    """One attribute a concern; safe to use from several threads."""

    def __init__(self, context: StoreContext) -> None:
        self._db = context.db
        #: Lets several reads be one transaction, of one state; nothing is written meanwhile.
        self.looking = context.db.looking
        self.is_sqlite = context.db.is_sqlite
        self.version, self.time = context.db.version, context.db.time
        #: Where the sent log, the lock and a SQLite database are.
        self.directory = context.directory
        self.room = context.room
        self.approvals = Approvals(context)
        self.objections = Objections(context)
        self.audit = Audit(context)
        self._answers_in_file = lru_cache(maxsize=1)(answers_in_file)
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

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Let a decision and its row in the audit log be stored both or not at all."""
        with self._db.together():
            yield
        self.audit.copy()

    def answers_to(self, fingerprint: str) -> frozenset[tuple[str, int]]:
        """Return which approvals of a fingerprint, and objections to it, stand now."""
        with self._db.read() as connection:
            return answers_to(connection, fingerprint)

    def answers_on_disk(self) -> LoggedAnswers:
        """Return what stands by the copy of the log, which has all that the log has by now."""
        self.audit.copy()
        file = self.audit.file  # read anew where it has grown
        return self._answers_in_file(file, file.stat().st_size if file.exists() else 0)

    def recall(self, now: datetime) -> None:
        """Take up what the audit log beside the database knows and the database, restored, forgot.

        A user who was removed since the backup, or had another role or password, is removed: who
        is still meant to be one is added again. Approvals that were taken back stay so, and
        objections and pauses since then stand. All sessions and calendar addresses are over.
        """
        with self.transaction():
            if not (brought := self.audit.recall()):
                return
            rows = self.audit.rows()[::-1]
            users, _missing = self._unconfirmed_users(rows)
            approvals = unconfirmed_approvals(rows, self.approvals.standing())
            for user in users:
                self.users.remove(user.name)
            for user in self.users.all():
                self.sessions.end_all(user.name)
                self.users.change(user.name, feed_sha256="")
            self.approvals.void(approvals, reason="taken back before the restore", now=now)
            lost, settled = self._unconfirmed_objections(rows)
            self.objections.add(*lost)
            for each in settled:
                why = "settled before the restore"
                self.objections.settle([each.fingerprint], each.by, why=why, now=now)
            self.pauses.add(*self._missing_pauses(rows))
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
        rows = self.audit.rows()[::-1]
        lost, _settled = self._unconfirmed_objections(rows)
        missing_paused = self._missing_pauses(rows)
        approvals = unconfirmed_approvals(rows, self.approvals.standing())
        users, missing = self._unconfirmed_users(rows)
        return [
            *(f"the log has the user {name}, whom the database lacks" for name in missing),
            *(f"the log does not confirm the user {user.name} as they are" for user in users),
            *(f"the log does not confirm that {a.by} approved {a.post_id}" for a in approvals),
            *(f"the database lacks what {o.by} said of {o.post_id}: {o.kind}" for o in lost),
            *(f"the database lacks the pause of {p.target} by {p.by}" for p in missing_paused),
        ]

    def end_pauses(self, now: datetime) -> None:
        """End the pauses whose time is over, each with its row in the log."""
        for over in self.pauses.lasting():
            if over.outlasts(now):
                continue
            with self.transaction():
                if self.pauses.end(over, now):
                    subject, detail = str(over.target), over.target.logged(over.until)
                    why = f"the time that {over.by} gave is over"
                    self.audit.write(SERVICE, RESUME, subject, why=why, detail=detail, now=now)

    def _missing_pauses(self, rows: Iterable[AuditRow]) -> tuple[PauseState, ...]:
        """Return the pauses that last by the log and not here."""
        # Whatever was written of their reasons.
        here = {replace(each, reason="") for each in self.pauses.lasting()}
        return tuple(each for each in pauses_in(rows) if replace(each, reason="") not in here)

    def _unconfirmed_objections(
        self, rows: Iterable[AuditRow]
    ) -> tuple[list[Objection], list[Objection]]:
        """Return what stands by the log and not here, and what stands here and not by the log."""
        by_log = answers_in(rows).objections
        here = {each.key: each for each in self.objections.standing()}
        lost = [by_log[key] for key in by_log.keys() - here.keys()]
        return lost, [here[key] for key in here.keys() - by_log.keys()]

    def _unconfirmed_users(self, rows: Sequence[AuditRow]) -> tuple[list[User], list[str]]:
        """Return the users who are not as the log says, and the names of those who are not there.

        Of each it knows roles, password, codes, passkeys (with their public keys) and tokens.
        """
        known, given, others = _known(rows), _given(rows), []
        users = self.users.all()
        for user in users:
            keys = {key.id: key.public_key for key in self.passkeys.of(user.name)}
            keys |= {token.sha256: "" for token in self.tokens.of(user.name)}
            is_known = known.get(user.name) == _facts(user)
            if not is_known or not keys.items() <= given[user.name].items():
                others.append(user)
        return others, sorted(known.keys() - {user.name for user in users})

    def find_damage(self, *, after_start: bool = False) -> str:
        """Return what is broken of an embedded database, or empty, or StoreError."""
        if not self.is_sqlite:
            return ""
        try:
            return files.find_damage(path_of(self._db.url), after_start=after_start)
        except sqlite3.Error as error:
            raise StoreError(f"the database cannot be looked through: {error}") from error

    def backup(self, target: Path) -> Backup:
        """Write the whole state to a new SQLite file, and prove it, or StoreError."""
        if self.is_sqlite:
            return back_up(path_of(self._db.url), target)
        with TemporaryDirectory(dir=self.directory) as folder:
            copy = Path(folder) / "copy.db"
            write_file(self._db, copy, revision=newest())
            return back_up(copy, target)


def unconfirmed_approvals(
    rows: Iterable[AuditRow], approvals: Iterable[Approval]
) -> tuple[Approval, ...]:
    """Return the standing approvals that nobody gave just so, or that were taken back since."""
    given: dict[tuple[str, str], tuple[str, JsonObject]] = {}
    for row in rows:
        for fingerprint in row.detail.get("fingerprints", ()):
            if row.verb == "approve":
                given[fingerprint, row.who] = row.subject, row.detail.get("sources", {})
            elif row.verb == "void":
                given.pop((fingerprint, str(row.detail.get("by"))), None)
            elif row.verb in TAKING_BACK:
                given.pop((fingerprint, row.who), None)
    return tuple(
        each
        for each in approvals
        if given.get((each.fingerprint, each.by)) != (each.post_id, each.sources)
    )


def _known(rows: Iterable[AuditRow]) -> dict[str, dict[str, object]]:
    known: dict[str, dict[str, object]] = {}
    for row in rows:
        if row.verb == "user add":
            known[row.subject] = {"codes": False}
        elif row.verb == "user remove":
            known.pop(row.subject, None)
        for name in row.detail.get("users removed", ()) if row.verb == "recall" else ():
            known.pop(name, None)
        if row.subject in known and (row.verb.startswith("user ") or "one-time codes" in row.verb):
            # Not of other verbs about users, such as `user pin`: theirs is no fact of the table.
            facts = {name: value for name, value in row.detail.items() if name in _FACTS}
            known[row.subject] |= facts
    return known


def _given(rows: Iterable[AuditRow]) -> dict[str, dict[str, str]]:
    given: dict[str, dict[str, str]] = defaultdict(dict)
    for row in rows:
        if row.verb in {"user add", "user remove", "user reset"}:
            given.pop(row.subject, None)
        elif row.verb in {"passkey", "token"}:
            given[row.subject][row.detail["id"]] = row.detail.get("public_key", "")
        elif row.verb in {"passkey removed", "token revoked"}:
            given[row.subject].pop(row.detail["id"], None)
    return given


def _facts(user: User) -> dict[str, object]:
    return {
        "roles": sorted(user.roles),
        "password_sha256": sha256_hex(user.password_hash),
        "codes": user.totp_secret is not None,
    }
