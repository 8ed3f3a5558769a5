"""Public keys of approvers, pinned in a file on the machine: no database can add one.

One line a key: ``NAME ORIGIN KEY``. Whoever may write the file decides whose signatures count, so
it is best somebody else's than the bot's own user.
"""

from dataclasses import dataclass
from pathlib import Path

from bot.authority.user_table import Passkey
from bot.errors import DecisionError

_HEAD = "# Whose signed approvals count: NAME ORIGIN KEY; written by `user pin`.\n"


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
        """Read one approver's keys."""
        return tuple(key for key in self.all() if key.name == name)

    def pin(self, keys: tuple[Passkey, ...], code: str) -> PinnedKey:
        """Add the one key that has this code, which its owner told.

        Raises:
            DecisionError: none of theirs has.
        """
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
