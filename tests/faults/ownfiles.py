"""Tells a disk what this process does to files without SQLite: the sent log, a new database."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tests.faults.disk import Disk


class OwnFiles:
    """Wraps the calls of `os`, within a forked child only: nothing is ever taken back."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._open, self._write, self._fsync = os.open, os.write, os.fsync
        self._rename, self._unlink = os.rename, os.unlink

    def watch(self) -> None:
        """Begin to tell."""
        for name in ("open", "write", "fsync", "rename", "unlink"):
            vars(os)[name] = getattr(self, name)

    def open(self, path: Any, flags: int, *rest: Any, **more: Any) -> int:
        is_new = flags & os.O_CREAT and self._disk.knows(path) and not Path(path).exists()
        descriptor = self._open(path, flags, *rest, **more)
        if is_new:
            self._disk.file(path)
        return descriptor

    def write(self, descriptor: int, content: Any) -> int:
        count = self._write(descriptor, content)
        path = _path_of(descriptor)
        if self._disk.knows(path):
            offset = os.lseek(descriptor, 0, os.SEEK_CUR) - count
            self._disk.file(path).write(offset, bytes(content[:count]))
        return count

    def fsync(self, descriptor: int) -> None:
        self._fsync(descriptor)
        path = _path_of(descriptor)
        if path == self._disk.folder:
            self._disk.sync_folder()
        elif self._disk.knows(path):
            self._disk.file(path).sync()

    def rename(self, old: Any, new: Any) -> None:
        self._rename(old, new)
        if self._disk.knows(new):
            self._disk.rename(old, new)

    def unlink(self, path: Any, *rest: Any, **more: Any) -> None:
        self._unlink(path, *rest, **more)
        if self._disk.knows(path):
            self._disk.remove(path)


def _path_of(descriptor: int) -> Path:
    return Path(f"/proc/self/fd/{descriptor}").readlink()
