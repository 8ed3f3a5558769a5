"""Files that only the bot's own user reads, whatever the umask is, and the folder of its data."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from bot.errors import SettingsError


@contextmanager
def private_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that nobody else can read; once written whole, it replaces what is there."""
    descriptor, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
        Path(part).replace(path)
    except BaseException:
        Path(part).unlink()
        raise


def write_private(path: Path, content: str | bytes) -> None:
    """Write a whole file that nobody else can read; a link in its place is replaced."""
    with private_file(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def prepare_data(path: Path) -> Path:
    """Make the data directory if need be, and only private files from now on; return its path.

    SettingsError where it cannot be made or written, or others may write to it.
    """
    os.umask(0o077)  # whatever the caller's was: databases and logs hold unpublished texts
    try:
        path = path.absolute()
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
        mode = path.stat().st_mode
    except OSError as error:
        raise SettingsError(
            f"the data directory {path} cannot be used: {error.strerror}; "
            "name one that can be written with --data or VERBATIM_DATA"
        ) from error
    if mode & 0o022:
        raise SettingsError(
            f"others may write to the data directory {path} (mode {mode & 0o777:04o}); "
            f"run: chmod 700 {path}"
        )
    return path
