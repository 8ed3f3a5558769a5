"""Files that only the bot's own user reads: exports, reports, keys, whatever the umask is."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


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
