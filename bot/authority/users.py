"""Who a person is to the campaign, and what each may do."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from bot.authority.user_table import User
from bot.errors import DecisionError


class Role(StrEnum):
    """What somebody is to the campaign; one person may be several."""

    VIEWER = "viewer"
    EDITOR = "editor"
    APPROVER = "approver"
    OPERATOR = "operator"


class Right(StrEnum):
    """What a page or a decision asks for."""

    LOOK = "look"
    CHECK = "check texts"
    PROPOSE = "propose posts"
    PAUSE = "pause sending"
    RESUME = "resume sending"
    APPROVE = "approve posts"
    COMMENT = "comment on posts"
    SETTLE = "settle held posts"
    CORRECT = "correct and retract"
    CONFIRM = "confirm changed rules"
    USERS = "change users"


_EVERYBODY = frozenset({Right.LOOK})
#: Whoever writes may also stop everything: stopping is always safe, starting again is not.
_WRITERS = _EVERYBODY | {Right.CHECK, Right.PROPOSE, Right.PAUSE, Right.COMMENT}
RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.VIEWER: _EVERYBODY,
    Role.EDITOR: _WRITERS,
    Role.APPROVER: _WRITERS | {Right.APPROVE, Right.CORRECT},
    Role.OPERATOR: _WRITERS
    | {Right.RESUME, Right.SETTLE, Right.CORRECT, Right.CONFIRM, Right.USERS},
}


class SignInError(DecisionError):
    """Nobody is signed in; the message does not tell whether there is such a user."""


class TooManyTriesError(SignInError):
    """Whoever asks must wait."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks for a page or decides something."""

    name: str
    roles: frozenset[Role]

    def may(self, right: Right) -> bool:
        """Whether one of their roles has it."""
        return any(right in RIGHTS[role] for role in self.roles)

    def require(self, right: Right) -> None:
        """Raise DecisionError where none of their roles has it."""
        if not self.may(right):
            roles = ", ".join(sorted(self.roles))
            raise DecisionError(f"{self.name} may not {right}; the roles are: {roles}")

    @classmethod
    def of(cls, user: User) -> Self:
        """Return who a stored user is."""
        return cls(user.name, frozenset(Role(role) for role in user.roles))
