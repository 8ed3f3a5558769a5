"""A machine whose power fails: SQLite's files and our own are on a `Disk`, and it cuts there."""

from __future__ import annotations

import os
import signal
import struct
from collections.abc import Callable
from functools import partial
from mmap import mmap
from pathlib import Path
from random import Random
from typing import Any

import apsw
from sqlalchemy import create_engine

from bot.db import database, sqlite
from tests.faults.apsw_dbapi import Driver
from tests.faults.boundaries import Boundaries
from tests.faults.disk import Disk, Inode

#: By what SQLite says it is, `bot.db.sqlite` chooses the journal.
VERSIONS = {"delete": (3, 40, 1), "wal": (3, 54, 1)}
#: Files that SQLite syncs together with their folder, the first time.
_JOURNALS = apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_WAL
_NAME = "disk"
#: Few enough that even a short life sees its log brought back into the database.
_PAGES = 20
#: Is told what is about to be done; ends the process there, or raises what the disk says instead.
Step = Callable[[str], None]


class PowerCut(Boundaries):
    """Counts boundaries, and cuts the power at one."""

    def __init__(self, die_at: int, disk: Disk, dice: Random) -> None:
        super().__init__(die_at)
        self._disk = disk
        self._dice = dice

    def step(self, what: str) -> None:
        if self._is_last():
            self.stop()
            self._disk.cut(self._dice)
            os.kill(os.getpid(), signal.SIGKILL)
        super().step(what)


class Acknowledged:
    """The number of the last commit that SQLite said was done; outlives its process.

    The database holds its own as ``user_version``, written in the same transaction.
    """

    def __init__(self, path: Path) -> None:
        path.write_bytes(bytes(8))
        with path.open("r+b") as file:
            self._memory = mmap(file.fileno(), 8)

    @property
    def number(self) -> int:
        return int(struct.unpack("q", self._memory[:8])[0])

    @number.setter
    def number(self, number: int) -> None:
        self._memory[:8] = struct.pack("q", number)

    def before(self, connection: apsw.Connection) -> None:
        if connection.txn_state("main") == apsw.SQLITE_TXN_WRITE:
            connection.pragma("user_version", connection.pragma("user_version") + 1)

    def after(self, connection: apsw.Connection) -> None:
        # One that is still being created is promised to nobody.
        if not connection.filename.endswith(".creating"):
            self.number = connection.pragma("user_version")


class DiskFile(apsw.VFSFile):
    """A file that tells a disk what is done to it; whoever reads it sees all at once."""

    def __init__(self, name: str, flags: list[int], disk: Disk, step: Step) -> None:
        super().__init__("", name, flags)
        self._disk, self._step, self._name = disk, step, Path(name).name
        self._inode: Inode = disk.file(name)
        is_journal = bool(flags[0] & _JOURNALS and flags[0] & apsw.SQLITE_OPEN_CREATE)
        self._syncs_folder = is_journal

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802 - SQLite's name
        content = bytes(data)
        try:
            self._step(f"disk: before a write to {self._name}")
        except apsw.Error:
            self._put(content[: len(content) // 2], offset)  # a disk notices on its way
            raise
        self._put(content, offset)

    def _put(self, content: bytes, offset: int) -> None:
        super().xWrite(content, offset)
        self._inode.write(offset, content)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802 - as above
        self._step(f"disk: before {self._name} is truncated")
        super().xTruncate(newsize)
        self._inode.truncate(newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802 - as above
        try:
            self._step(f"disk: before a sync of {self._name}")
        except apsw.Error:
            self._inode.forget()
            raise
        super().xSync(flags)
        self._inode.sync()
        if self._syncs_folder:
            self._step(f"disk: before a sync of the folder of {self._name}")
            self._disk.sync_folder()
            self._syncs_folder = False


class DiskVfs(apsw.VFS):
    """SQLite's file system, with its files on a disk."""

    def __init__(self, name: str, disk: Disk, step: Step) -> None:
        super().__init__(name, "")
        self._disk, self._step = disk, step

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 - SQLite's name
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        if path is None or not self._disk.knows(path):
            return apsw.VFSFile("", name, flags)
        return DiskFile(path, flags, self._disk, self._step)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802 - as above
        self._step(f"disk: before {Path(filename).name} is deleted")
        super().xDelete(filename, syncdir)
        if self._disk.knows(filename):
            self._disk.remove(filename)
            if syncdir:
                self._step("disk: before a sync of the folder")
                self._disk.sync_folder()


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


def put_on(
    disk: Disk,
    step: Step,
    *,
    mode: str,
    acknowledged: Acknowledged,
    instead: Callable[[str], str] = str,
) -> None:
    """Let this very process, a forked child, keep its store on a disk; never taken back.

    What `sqlite3` is to the store is replaced by a driver over our file system; nothing of the
    store itself is.
    """

    def acknowledge(connection: apsw.Connection) -> None:
        acknowledged.after(connection)
        step("sql: after a commit")

    driver = Driver(
        _NAME, DiskVfs(_NAME, disk, step), VERSIONS[mode], instead=instead,
        before_commit=acknowledged.before, after_commit=acknowledge, checkpoint_after=_PAGES,
    )  # fmt: skip
    vars(sqlite)["sqlite3"] = driver
    vars(database)["create_engine"] = partial(create_engine, module=driver)
    OwnFiles(disk).watch()
