"""SQLite as reliability wants it: connections, what a file must be, room on the disk."""

import os
import sqlite3
import stat
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bot.errors import DatabaseUnusableError

#: "Verb" in ASCII; stands in the file's header and says whose it is.
APPLICATION_ID = 0x56657262
BUSY_SECONDS = 10.0
_MAGIC = b"SQLite format 3\0"
#: RETURNING came with this.
_OLDEST = (3, 35, 0)
#: Before it, a checkpoint that races a commit can corrupt a WAL database (3.7.0 to 3.51.2).
_WAL_IS_SAFE = (3, 51, 3)
#: KiB of pages kept while indexes are held against tables: more is faster, and memory for good.
_CHECK_CACHE = 4096
#: The last is of a schema in which a name is not the table's: ours are what we ask for.
_CORRUPT = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR})
_OVER_THE_NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "ncpfs", "afs", "ceph", "glusterfs"}
    | {"lustre", "ocfs2", "gfs2", "fuse.sshfs", "fuse.s3fs", "fuse.rclone", "fuse.glusterfs"}
)
MEBIBYTE = 1 << 20
#: Freed on the first SQLITE_FULL, so that what was just sent can still be stored.
BALLAST = 8 * MEBIBYTE
#: Nothing is claimed with less than this left.
LEAST_FREE = 64 * MEBIBYTE


def journal_for(version: tuple[int, ...]) -> tuple[str, str]:
    """Choose (journal_mode, synchronous) that lose no commit; DatabaseUnusableError if too old."""
    if version < _OLDEST:
        found = ".".join(map(str, version))
        raise DatabaseUnusableError(f"SQLite {found} is too old; 3.35 or newer is needed")
    return ("WAL", "FULL") if version >= _WAL_IS_SAFE else ("DELETE", "EXTRA")


def configure(connection: sqlite3.Connection) -> None:
    journal, synchronous = journal_for(sqlite3.sqlite_version_info)
    connection.isolation_level = None
    for setting in (
        f"journal_mode={journal}",
        f"synchronous={synchronous}",
        f"busy_timeout={int(BUSY_SECONDS * 1000)}",
        "foreign_keys=ON",
        "trusted_schema=OFF",
        "mmap_size=0",
        "cell_size_check=ON",
    ):
        connection.execute(f"PRAGMA {setting}").close()


def prove(path: Path, *, thoroughly: bool = False) -> None:
    """Refuse, by DatabaseUnusableError, what is no sound database of ours."""
    _prove_header(path)
    check = "integrity_check" if thoroughly else "quick_check"
    try:
        with closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as connection:
            configure(connection)
            connection.execute(f"PRAGMA cache_size=-{_CHECK_CACHE}")
            (owner,) = connection.execute("PRAGMA application_id").fetchone()
            if owner != APPLICATION_ID:
                raise DatabaseUnusableError(
                    f"{path} belongs to another program; choose another --data"
                )
            (verdict,) = connection.execute(f"PRAGMA {check}(1)").fetchone()
            # Ours has neither; one from elsewhere could change rows behind our back.
            odd = connection.execute(
                "SELECT type, name FROM sqlite_master WHERE type IN ('trigger', 'view')"
            ).fetchone()
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        raise broken(path, str(error)) from error
    if verdict != "ok":
        raise broken(path, verdict)
    if odd:
        raise DatabaseUnusableError(f"{path} has a {odd[0]} of somebody else's ({odd[1]})")


def find_damage(path: Path, *, after_start: bool) -> str:
    """Return what is broken of a database in use, or empty; sqlite3.Error proves nothing.

    One table at a time: whoever writes waits for a reader of the whole file until it is through.

    Args:
        after_start: The start has just proved it thoroughly: only references are looked at.
    """
    try:
        with closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as connection:
            configure(connection)
            connection.execute(f"PRAGMA cache_size=-{_CHECK_CACHE}")
            quoted = "SELECT quote(name) FROM sqlite_master WHERE type = 'table'"
            names = [name for (name,) in connection.execute(quoted)]
            # The first one counts all pages; those of single tables do not.
            checks = ("quick_check", *(f"integrity_check({name})" for name in names))
            for check in () if after_start else checks:
                (verdict,) = connection.execute(f"PRAGMA {check}").fetchone()
                if verdict != "ok":
                    return str(verdict)
            for name in names:
                loose = connection.execute(f"PRAGMA foreign_key_check({name})").fetchone()
                if loose:
                    return f"a row of {loose[0]} points to nothing"
    except UnicodeDecodeError as error:
        return str(error)
    except sqlite3.DatabaseError as error:
        # A text that cannot be read has no code.
        if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) in _CORRUPT:
            return str(error)
        raise
    return ""


def broken(path: Path, what: str) -> DatabaseUnusableError:
    """Return the error of a database that is corrupt: what is wrong, and what to do."""
    return DatabaseUnusableError(
        f"{path} is broken ({what}); nothing is sent. Keep the file, then bring back the last"
        " backup with `restore`; what has gone out since is read back before anything is sent"
    )


def prove_place(directory: Path) -> None:
    """Refuse, by DatabaseUnusableError, a network's file system, or one open to everybody."""
    kind = filesystem_of(directory)
    if kind in _OVER_THE_NETWORK:
        raise DatabaseUnusableError(
            f"{directory} is on a network file system ({kind}), where SQLite's locks do not hold;"
            " use a local disk, or PostgreSQL"
        )
    if directory.stat().st_mode & stat.S_IWOTH:
        raise DatabaseUnusableError(
            f"{directory} can be written by everybody; use a directory of its own (chmod 700)"
        )


def filesystem_of(directory: Path, *, mounts: Path = Path("/proc/self/mountinfo")) -> str:
    """Name the file system a directory is on; empty where the machine does not tell."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    best, kind = -1, ""
    for line in lines:
        # proc_pid_mountinfo(5): … mount point is the fifth field; the type follows " - ".
        fields, _, rest = line.partition(" - ")
        point = fields.split()[4].replace("\\040", " ")
        if directory.resolve().is_relative_to(point) and len(point) >= best:
            best, kind = len(point), rest.split()[0]
    return kind


def make_private_directory(directory: Path) -> None:
    """Create a directory that only we can look into; one that exists is left as it is."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)


def make_private(path: Path) -> None:
    """Keep a file from other users, whatever the umask was."""
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)


def sync(path: Path) -> None:
    """Make a file, and its name in its directory, survive a power cut."""
    for target in (path, path.parent):
        descriptor = os.open(target, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def append_line(path: Path, line: str) -> None:
    """Add a line to a private file, so that it survives a power cut."""
    is_new = not path.exists()
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        # Begins with a new line where the last one was torn by a crash.
        is_torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        record = (("\n" if is_torn else "") + line + "\n").encode("utf-8")
        while record:
            record = record[os.write(descriptor, record) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if is_new:
        sync(path)  # its name in the directory too


def _prove_header(path: Path) -> None:
    if not path.is_file():
        raise DatabaseUnusableError(
            f"there is no database at {path}; the first `run` creates it, and `restore` brings"
            " back a backup"
        )
    with path.open("rb") as file:
        head = file.read(len(_MAGIC))
    if not head:
        raise DatabaseUnusableError(
            f"{path} is empty, which no database ever is; bring back a backup with `restore`"
        )
    if head != _MAGIC:
        raise broken(path, "not a SQLite file")


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
            with os.fdopen(descriptor, "wb"):
                # Not a hole: a sparse file would give nothing back.
                os.posix_fallocate(descriptor, 0, self._size)
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
