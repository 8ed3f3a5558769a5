"""Whether the files changed, told without parsing them."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from bot.content.bounds import Bounds
from bot.content.files import SCHEDULE, FileError, FolderTree


def print_of(schedule_path: Path, posts_path: Path) -> str:
    """Hash the names and bytes of all files as they are now, readable or not.

    Bytes, not times: a checkout may put back an old time, and a mounted folder may tell none.
    """
    bounds = Bounds()
    tree = FolderTree(schedule_path, posts_path, bounds)
    names, problems = tree.list()
    whole = sha256(repr(problems).encode())
    for name in (SCHEDULE, *names):
        try:
            content = tree.read(name, bounds.picture_bytes)
        except FileError as error:
            content = str(error).encode()
        whole.update(f"{sha256(content).hexdigest()}  {name}\n".encode())
    return whole.hexdigest()
