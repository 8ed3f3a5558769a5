"""Room on the disk: the ballast that a full disk gives up, and the gate before it is full."""

import os
from dataclasses import dataclass
from pathlib import Path

MEBIBYTE = 1 << 20
#: Freed on the first SQLITE_FULL, so that what was just sent can still be stored.
BALLAST = 8 * MEBIBYTE
#: Nothing is claimed with less than this left.
LEAST_FREE = 64 * MEBIBYTE


@dataclass(frozen=True, slots=True)
class Room:
    """How much of the disk the store keeps in hand, in bytes; 0 switches either off."""

    least_free: int = LEAST_FREE
    ballast: int = BALLAST

    def is_left(self, directory: Path) -> bool:
        """Return whether there is room enough to start something."""
        return not self.least_free or free_bytes(directory) >= self.least_free


def free_bytes(directory: Path) -> int:
    """Count what an ordinary user may still write there."""
    found = os.statvfs(directory)
    return found.f_bavail * found.f_frsize


class Ballast:
    """A file that is only there to be deleted when the disk is full."""

    def __init__(self, path: Path, *, size: int) -> None:
        self._path = path
        self._size = size

    def load(self) -> bool:
        """Put it there, where there is room for it several times over; return whether it is."""
        if not self._size or self._path.exists():
            return self._path.exists()
        if free_bytes(self._path.parent) < 4 * self._size:
            return False
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                # Not a hole: a sparse file would give nothing back.
                os.posix_fallocate(descriptor, 0, self._size)
            finally:
                os.close(descriptor)
        except OSError:
            self._path.unlink(missing_ok=True)
            return False
        return True

    def free(self) -> bool:
        """Give the room back; False where there is none to give."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True
