"""Backups that only their readers can open, in the age format (age-encryption.org/v1)."""

from collections.abc import Sequence
from pathlib import Path

import pyrage

from bot.errors import DecisionError


def encrypt(source: Path, target: Path, readers: Sequence[str]) -> None:
    """Write a file that only these keys' owners open (age1… or SSH); DecisionError for others."""
    kinds = {True: pyrage.ssh.Recipient, False: pyrage.x25519.Recipient}
    try:
        keys = [kinds[reader.startswith("ssh-")].from_str(reader) for reader in readers]
    except pyrage.RecipientError as error:
        raise DecisionError(f"no public key of age or SSH: {error}") from error
    target.touch(mode=0o600, exist_ok=False)
    pyrage.encrypt_file(str(source), str(target), keys)


def decrypt(source: Path, target: Path, identity: Path) -> None:
    """Open such a file by an age identity or SSH key; DecisionError where that does not open it."""
    raw = identity.read_bytes()
    try:
        found = [line for line in raw.decode().splitlines() if line.startswith("AGE-SECRET-KEY-")]
        keys = [*map(pyrage.x25519.Identity.from_str, found)] or [
            pyrage.ssh.Identity.from_buffer(raw)
        ]
        target.touch(mode=0o600, exist_ok=False)
        pyrage.decrypt_file(str(source), str(target), keys)
    except (pyrage.IdentityError, pyrage.DecryptError, ValueError) as error:
        raise DecisionError(f"{source} does not open with {identity}: {error}") from error
