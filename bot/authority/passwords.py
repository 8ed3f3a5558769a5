"""Passwords: which are strong enough, and comparing them without slowing anything else."""

from __future__ import annotations

import os
import secrets
import sys
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import BoundedSemaphore
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from bot.errors import DecisionError

_Made = TypeVar("_Made")

#: ASVS 5.0 6.2.1 asks for 8 and prefers 15.
SHORTEST, LONGEST = 15, 1024
#: Of zxcvbn's 0 to 4; 3 is safe against guessing at the hash (10^8 guesses and more).
_STRONG = 3
#: As much as zxcvbn takes: it slows down with the square of the length.
_MEASURED = 72
#: Comparisons that may wait for their turn; each takes 64 MiB and about 0.1 s.
_MOST_WAITING = 6


class BusyError(DecisionError):
    """Too many people sign in at once."""


def prove_strong(password: str, name: str) -> None:
    """Refuse what is guessed first; the DecisionError says what is asked for."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise DecisionError(f"a password has {SHORTEST} characters or more; four words will do")
    if name in password.casefold():
        raise DecisionError("a password does not contain the user's name")
    from zxcvbn import zxcvbn  # 12 MB of words, for who sets a password

    found = zxcvbn(password[:_MEASURED], user_inputs=[name, "verbatim"])
    if found["score"] < _STRONG:
        why = found["feedback"]["warning"].rstrip(".") or "it is easy to guess"
        raise DecisionError(
            f"this password is too weak: {why[0].lower()}{why[1:]}; take four words"
        )


class _Turns:
    """One thread of low priority, and a bounded number of those who wait for it."""

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name, initializer=_give_way)
        self._room = BoundedSemaphore(_MOST_WAITING)

    def run(self, work: Callable[..., _Made], *arguments: object) -> _Made:
        """Return what the work makes, once it had its turn."""
        if not self._room.acquire(blocking=False):
            raise BusyError("too many people sign in just now; try again in a minute")
        try:
            return self._thread.submit(work, *arguments).result()
        finally:
            self._room.release()


def _give_way() -> None:
    """Lower this thread's own priority; elsewhere than on Linux it would be the process's."""
    if sys.platform == "linux":
        os.nice(10)


@dataclass(slots=True)
class Passwords:
    """Hashes and compares (argon2id) in two threads that give way to all others.

    One is for people whom we know something of, so that strangers cannot keep them waiting.
    """

    hasher: PasswordHasher = field(default_factory=PasswordHasher)
    _strangers: _Turns = field(default_factory=lambda: _Turns("password-strangers"))
    _known: _Turns = field(default_factory=lambda: _Turns("password-known"))
    _nobody: str = ""

    def hash(self, password: str) -> str:
        """Return what is stored of a password."""
        return self._known.run(self.hasher.hash, unicodedata.normalize("NFKC", password))

    def matches(self, stored: str | None, password: str, *, is_known: bool) -> bool:
        """Compare, for the same time whether or not there is such a user.

        Raises:
            BusyError: too many wait already.
        """
        if len(password) > LONGEST:
            return False
        queue = self._known if is_known else self._strangers
        self._nobody = self._nobody or queue.run(self.hasher.hash, secrets.token_hex(16))
        given = unicodedata.normalize("NFKC", password)
        try:
            queue.run(self.hasher.verify, stored or self._nobody, given)
        except VerificationError:
            return False
        return stored is not None
