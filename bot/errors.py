"""Every error of the bot; the class says what the caller may do now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from bot import visible


class Severity(StrEnum):
    """How much a problem matters."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that a person should fix in a file.

    Lines and columns count from 1; 0 means that the whole file is meant.
    """

    file: str
    line: int
    column: int
    #: Path inside the document, such as ``posts[3].variants.one.text``; may be empty.
    where: str
    #: What is wrong and what to do about it.
    message: str
    severity: Severity = Severity.ERROR
    #: Short stable id of the rule that it breaks, such as ``quote-altered``.
    rule: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}:"
        where = f" {self.where}:" if self.where else ""
        kind = "" if self.severity is Severity.ERROR else f" {self.severity}:"
        rule = f" [{self.rule}]" if self.rule else ""
        return f"{place}{kind}{where} {self.message}{rule}"


class BotError(Exception):
    """Root of all errors that the bot raises on purpose."""


class OperatorError(BotError):
    """A person must act; shown as a message, exit code 1, no traceback."""


class ContentError(OperatorError):
    """The campaign's files have problems; carries every one that was found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class SettingsError(OperatorError):
    """A setting or a secret is missing, wrong or unsafe; the message never holds a secret."""


class DecisionError(OperatorError):
    """What a person asked for does not fit what is so, such as retrying a sent delivery."""


class PictureError(OperatorError):
    """A picture is unsafe or broken, or cannot be fitted or drawn; says what to do about it."""


class PlatformError(BotError):
    """A platform did not do what was asked; carries whose account platform it was."""

    def __init__(self, platform: str, message: str) -> None:
        self.platform = platform
        super().__init__(f"{platform}: {visible.short(message)}")


class UnavailableError(PlatformError):
    """Surely nothing was published (or read); try again later, honouring ``retry_after``."""

    def __init__(
        self, platform: str, message: str, *, retry_after: timedelta | None = None
    ) -> None:
        self.retry_after = retry_after
        super().__init__(platform, message)


class OverBudgetError(PlatformError):
    """The account's budget does not cover the call; it was not made."""


class RejectedError(PlatformError):
    """The platform will never accept this status; surely nothing was published."""


class UnauthorizedError(PlatformError):
    """The account is broken (revoked, suspended, wrong credentials); a person must act."""


class UnconfirmedError(PlatformError):
    """It may have been published; read back before anything else, never a plain retry."""


class DuplicateError(UnconfirmedError):
    """The platform says that it has this already; where it cannot be found, a person decides."""


class StoreError(BotError):
    """The database cannot be used, or says no."""


class LeaseLostError(StoreError):
    """Another worker has the delivery; drop it and write nothing."""


class PausedError(StoreError):
    """No call may be made now: paused, stopped, settling first or not confirmed; none was begun."""


class DatabaseUnusableError(StoreError, OperatorError):
    """The database is missing, broken, foreign or newer: a person must act first."""


class ConflictError(StoreError):
    """Another row, or another worker, holds what was asked for."""


class DiskFullError(StoreError):
    """The disk has no room for the change; nothing of it was stored."""


class BudgetSpentError(StoreError):
    """The booking would go over the account's budget; it was not made."""
