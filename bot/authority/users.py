"""Who a person is to the campaign, what each may do, and whose keys are pinned on the machine."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

from bot.authority.user_table import Passkey, User
from bot.errors import DecisionError

_HEAD = "# Whose signed approvals count: NAME ORIGIN KEY; written by `user pin`.\n"


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
        return cls(user.name, frozenset(Role(role) for role in user.roles))


@dataclass(frozen=True, slots=True)
class PinnedKey:
    """One key that stands for one approver, on one desk."""

    name: str
    origin: str
    public_key: str


@dataclass(frozen=True, slots=True)
class PinnedKeys:
    """The file."""

    path: Path

    def all(self) -> tuple[PinnedKey, ...]:
        """Read all keys; none where there is no such file."""
        return tuple(PinnedKey(*parts) for parts in self._lines() if len(parts) == 3)

    def of(self, name: str) -> tuple[PinnedKey, ...]:
        return tuple(key for key in self.all() if key.name == name)

    def pin(self, keys: tuple[Passkey, ...], code: str) -> PinnedKey:
        """Add their one key that has this code, which its owner told; DecisionError for none."""
        found = [key for key in keys if key.code == code.strip().lower()]
        if len(found) != 1:
            raise DecisionError(f"no passkey of theirs has the code {code!r}; ask them again")
        pinned = PinnedKey(found[0].user, found[0].origin, found[0].public_key)
        if pinned not in self.all():
            self._write([*self._lines(), [pinned.name, pinned.origin, pinned.public_key]])
        return pinned

    def unpin(self, name: str) -> int:
        """Take an approver's keys out; return how many."""
        lines = self._lines()
        left = [parts for parts in lines if parts[0] != name]
        if len(left) != len(lines):
            self._write(left)
        return len(lines) - len(left)

    def _lines(self) -> list[list[str]]:
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        return [line.split() for line in text.splitlines() if line.strip() and line[:1] != "#"]

    def _write(self, lines: list[list[str]]) -> None:
        # In place: the folder, and whose file it is, are the operator's affair.
        text = _HEAD + "".join(f"{' '.join(parts)}\n" for parts in lines)
        self.path.write_text(text, encoding="utf-8")
        self.path.chmod(0o644)  # public keys; the bot's user only reads them
