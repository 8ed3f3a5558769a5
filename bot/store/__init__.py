"""The database: outbox, approvals, audit, ledger; the only place that imports SQLAlchemy."""

from __future__ import annotations

from bot.store.accounts import AccountState
from bot.store.approvals import Approval
from bot.store.audit import AuditRow
from bot.store.backup import Backup, restore
from bot.store.diskspace import Room
from bot.store.errors import BudgetSpentError, ConflictError, DatabaseUnusableError, DiskFullError
from bot.store.facade import Store
from bot.store.leases import Claim
from bot.store.lock import ProcessLock
from bot.store.notices import Notice, WorkerBeat
from bot.store.opening import declare_restored, has_sent_log, open_store, process_lock_of
from bot.store.pauses import PauseState
from bot.store.rows import Attempt, Move
from bot.store.settling import Suspect
from bot.store.snapshots import Outcome, Snapshot
from bot.store.users import SessionRow, User

__all__ = [
    "AccountState",
    "Approval",
    "Attempt",
    "AuditRow",
    "Backup",
    "BudgetSpentError",
    "Claim",
    "ConflictError",
    "DatabaseUnusableError",
    "DiskFullError",
    "Move",
    "Notice",
    "Outcome",
    "PauseState",
    "ProcessLock",
    "Room",
    "SessionRow",
    "Snapshot",
    "Store",
    "Suspect",
    "User",
    "WorkerBeat",
    "declare_restored",
    "has_sent_log",
    "open_store",
    "process_lock_of",
    "restore",
]
