"""Files that only the bot's own user reads: exports, reports, keys, whatever the umask is."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_private(path: Path, content: str | bytes) -> None:
    """Write a whole file that nobody else can read; a link in its place is replaced."""
    raw = content.encode() if isinstance(content, str) else content
    descriptor, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(raw)
        Path(part).replace(path)
    except BaseException:
        Path(part).unlink()
        raise
