"""Files as they are read: by their names in the campaign, bounded, and never through a link.

Names are ``schedule.yaml`` and ``posts/…`` in every tree, so that the same content has the same
hash anywhere.
"""

import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from bot.canonical import sha256_hex
from bot.errors import OperatorError, Problem

SCHEDULE = "schedule.yaml"
POSTS = "posts"

# NONBLOCK: opening a pipe that nobody writes to must not wait.
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_FOLDER = os.O_DIRECTORY | os.O_NOFOLLOW
_CHUNK = 1 << 20
#: What systems and editors leave in folders; nobody means it as content.
_LITTER = re.compile(
    r"(?i)\.DS_Store|\._.*|\.localized|\..*\.kate-swp|.*\.sw[a-p]|.*~|~\$.*|#.*#|\.#.*|\.~lock\..*#"
    r"|(?:eh)?Thumbs(?:_vista)?\.db|desktop\.ini|\$RECYCLE\.BIN|@eaDir|Icon\r|\.nfs.*|\.fuse_hidden.*"
    r"|\.directory|\.goutputstream-.*|\.Trash(?:-\d+|es)|\.(?:Spotlight-V100|fseventsd|AppleDouble)"
    r"|[.~]syncthing[.~].*|\.st(?:folder|versions|ignore)|\.dropbox.*|\.sync_.*\.db.*|\.owncloudsync.*"
    r"|\.(?:git|hg|svn|vscode|idea|obsidian|editorconfig|git(?:ignore|attributes|modules))"
)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Sizes in bytes, and counts; what is more is a problem, not a reason to work harder."""

    yaml_bytes: int = 256_000
    #: Nested lists and mappings of one document.
    yaml_depth: int = 16
    yaml_events: int = 20_000
    #: A quoted source, such as a letter.
    text_bytes: int = 1_000_000
    picture_bytes: int = 20_000_000
    #: Files and folders below ``posts``.
    entries: int = 5_000
    #: Folders within folders.
    folders_deep: int = 8
    #: All text together, and all pictures that posts use: both stay in memory.
    all_text_bytes: int = 32_000_000
    all_picture_bytes: int = 64_000_000
    #: Problems told for one file; the rest is counted.
    problems: int = 50


BOUNDS = Bounds()


class FileError(OperatorError):
    """A file cannot be read as content; says what to do."""


@dataclass(frozen=True, slots=True)
class StoredTree:
    """Files that were read before, from the database."""

    files: Mapping[str, bytes]
    bounds: Bounds = BOUNDS

    def list(self) -> tuple[tuple[str, ...], tuple[Problem, ...]]:
        return tuple(sorted(name for name in self.files if name != SCHEDULE)), ()

    def read(self, name: str, most: int) -> bytes:
        if name not in self.files:
            raise FileError("there is no such file")
        _refuse_larger(len(self.files[name]), most)
        return self.files[name]

    def shown(self, name: str) -> str:
        return name


@dataclass(frozen=True, slots=True)
class FolderTree:
    """Files on disk. Links below the folder of posts are refused, whatever they point to."""

    schedule: Path
    posts: Path
    bounds: Bounds = BOUNDS
    #: People are shown names in the campaign, for whoever is on another machine.
    by_name: bool = False
    #: Stand for the files of these names, as an import would write them.
    changed: Mapping[str, bytes] = field(default_factory=dict)

    def list(self) -> tuple[tuple[str, ...], tuple[Problem, ...]]:
        """Return the names of all files below ``posts``, sorted, and what cannot be one."""
        walk = _Walk(self)
        try:
            with _opened(self.posts, os.O_DIRECTORY) as folder:
                walk.folder(folder, POSTS)
        except OSError as error:
            walk.refuse(POSTS, f"{_reason(error)}; a campaign needs a folder of posts")
        # Half a campaign would only look wrong in more ways.
        names = () if walk.is_too_much() else tuple(sorted({*walk.names, *self.changed}))
        return names, tuple(walk.problems)

    def read(self, name: str, most: int) -> bytes:
        """Read a file of ``most`` bytes at most.

        Raises:
            FileError: it is no plain file, too large, unreadable or gone.
        """
        if name in self.changed:
            return self.changed[name]
        try:
            if name == SCHEDULE:
                with _opened(self.schedule) as file:
                    return _contents(file, most)
            with _opened(self.posts, os.O_DIRECTORY) as folder:
                return _beneath(folder, name.split("/")[1:], most)
        except OSError as error:
            hint = "; name it with --config, or begin a campaign with `init DIR`"
            is_lost = name == SCHEDULE and isinstance(error, FileNotFoundError)
            raise FileError(_reason(error) + (hint if is_lost else "")) from error

    def shown(self, name: str) -> str:
        """Return the path that a person would open, or the file's name in the campaign."""
        if self.by_name:
            return _printable(name)
        below = self.posts / name.removeprefix(POSTS).removeprefix("/")
        return _printable(str(self.schedule if name == SCHEDULE else below))


Tree = FolderTree | StoredTree


class TreeFiles:
    """One reading of a tree: what was read of it, within the bounds."""

    def __init__(self, tree: Tree) -> None:
        self.tree, self.bounds, self.shown = tree, tree.bounds, tree.shown
        self.names, self.problems = tree.list()
        #: All that was read, but for pictures, by name.
        self.contents: dict[str, bytes] = {}
        #: Files that something names, whether they could be read or not.
        self.asked_for: set[str] = set()
        self._size = 0

    def read(self, name: str, most: int) -> bytes:
        """Read and keep a file; raises `FileError`."""
        self.asked_for.add(name)
        content = self.tree.read(name, most)
        self._size += len(content)
        most = self.bounds.all_text_bytes
        if self._size > most:
            raise FileError(f"all files up to here have more than {most:,} bytes; take some away")
        self.contents[name] = content
        return content


def tree_digest(schedule_path: Path, posts_path: Path) -> str:
    """Hash the names and bytes of all files as they are now, readable or not.

    Bytes, not times: a checkout may put back an old time, and a mounted folder may tell none.
    """
    tree = FolderTree(schedule_path, posts_path)
    names, problems = tree.list()
    lines = [repr(problems)]
    for name in (SCHEDULE, *names):
        try:
            content = tree.read(name, BOUNDS.picture_bytes)
        except FileError as error:
            content = str(error).encode()
        lines.append(f"{sha256_hex(content)}  {name}")
    return sha256_hex("\n".join(lines))


def is_litter(name: str) -> bool:
    """Return whether a file is what systems and editors leave behind."""
    return bool(_LITTER.fullmatch(name.rpartition("/")[2]))


class _Walk:
    """Lists a folder to any depth, as far as the bounds allow."""

    def __init__(self, tree: Tree) -> None:
        self.names: list[str] = []
        self.problems: list[Problem] = []
        self._tree, self._bounds = tree, tree.bounds
        self._seen = 0

    def is_too_much(self) -> bool:
        return self._seen > self._bounds.entries

    def refuse(self, name: str, message: str) -> None:
        self.problems.append(Problem(self._tree.shown(name), 0, 0, "", message, rule="file"))

    def folder(self, folder: int, name: str, *, depth: int = 1) -> None:
        if depth > self._bounds.folders_deep:
            self.refuse(name, f"more than {self._bounds.folders_deep} folders deep; move it up")
            return
        for entry in self._entries(folder, name):
            path = f"{name}/{entry.name}"
            if entry.is_symlink():
                self.refuse(path, "is a symbolic link; put the file itself here")
            elif not entry.name.isprintable() or "\\" in entry.name:
                self.refuse(path, "has a name with unusual characters; rename it")
            elif entry.is_dir(follow_symlinks=False):
                try:
                    with _opened(entry.name, _FOLDER, within=folder) as inner:
                        self.folder(inner, path, depth=depth + 1)
                except OSError as error:
                    self.refuse(path, _reason(error))
            elif not entry.is_file(follow_symlinks=False):
                self.refuse(path, "is no plain file (a pipe, socket or device); take it away")
            else:
                self.names.append(path)

    def _entries(self, folder: int, name: str) -> list[os.DirEntry[str]]:
        most = self._bounds.entries
        if self.is_too_much():
            return []
        with os.scandir(folder) as found:
            entries = list(islice(found, most + 1 - self._seen))
        self._seen += len(entries)
        if self.is_too_much():
            self.refuse(name, f"more than {most:,} files in all; take some away")
            return []
        kept = (entry for entry in entries if not is_litter(entry.name))
        return sorted(kept, key=lambda entry: entry.name)


@contextmanager
def _opened(path: Path | str, flags: int = 0, *, within: int | None = None) -> Iterator[int]:
    descriptor = os.open(path, _FLAGS | flags, dir_fd=within)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _beneath(folder: int, parts: list[str], most: int) -> bytes:
    """Read a file without following a link in any part of its path."""
    if parts[1:]:
        with _opened(parts[0], _FOLDER, within=folder) as inner:
            return _beneath(inner, parts[1:], most)
    with _opened(parts[0], os.O_NOFOLLOW, within=folder) as file:
        return _contents(file, most)


def _contents(file: int, most: int) -> bytes:
    about = os.fstat(file)
    if not stat.S_ISREG(about.st_mode):
        raise FileError("is no plain file (a folder, pipe, socket or device); put a file here")
    _refuse_larger(about.st_size, most)
    content = bytearray()
    # A file may grow while it is read, or have no size at all (/proc).
    while len(content) <= most and (part := os.read(file, min(_CHUNK, most + 1))):
        content += part
    _refuse_larger(len(content), most)
    return bytes(content)


def _refuse_larger(size: int, most: int) -> None:
    if size > most:
        message = f"has {size:,} bytes, and {most:,} are the most; split it, or make it smaller"
        raise FileError(message)


def _reason(error: OSError) -> str:
    return f"cannot be read ({(error.strerror or str(error)).lower()})"


def _printable(path: str) -> str:
    escaped = path.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in escaped)
