"""What the store says when it cannot, or will not."""

from bot.errors import OperatorError, StoreError


class DatabaseUnusableError(StoreError, OperatorError):
    """The database is missing, broken, foreign or newer: a person must act first."""


class ConflictError(StoreError):
    """Another row, or another worker, holds what was asked for."""


class DiskFullError(StoreError):
    """The disk has no room for the change; nothing of it was stored."""


class BudgetSpentError(StoreError):
    """The booking would go over the account's budget; it was not made."""
