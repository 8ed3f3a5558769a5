"""The data directory, which nobody but the program's own user may read."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from bot.errors import SettingsError


def prepare_data(path: Path) -> Path:
    """Make the data directory if need be; from now on the process makes private files only.

    Returns:
        The absolute path.

    Raises:
        SettingsError: it cannot be made or written, or others may write to it.
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
