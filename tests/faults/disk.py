"""What a disk holds: of each file what was synced, and what was written since and may be lost."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

#: What a disk writes at once, at best.
SECTOR = 512
#: Of what was not synced, this much reaches the disk.
_KEPT = (0.0, 0.2, 0.5, 0.8, 1.0)
#: Of the sectors that reach it, one in so many is torn.
_TORN = 8


@dataclass(slots=True)
class Inode:
    """One file, whatever it is called."""

    synced: bytes = b""
    #: What was done since, in order: where bytes were written, or (with None) what size was set.
    since: list[tuple[int, bytes | None]] = field(default_factory=list)

    def write(self, offset: int, content: bytes) -> None:
        self.since.append((offset, content))

    def truncate(self, size: int) -> None:
        self.since.append((size, None))

    def sync(self) -> None:
        """Make all of it last."""
        self.synced, self.since = self._now(), []

    def forget(self) -> None:
        """Let all of it never reach the disk, as a kernel does whose sync has failed once."""
        self.since = []

    def after_cut(self, dice: Random) -> bytes:
        """Return what may stand there after a power cut: old, new and torn sectors, in any mix."""
        kept, (versions, sizes) = dice.choice(_KEPT), self._history()
        image = bytearray(self.synced)
        # Where a file grew and its content was not written, anything may stand.
        image += dice.randbytes(max(*sizes, len(image)) - len(image))
        for number, seen in versions.items():
            if dice.random() < kept:
                place = slice(number * SECTOR, (number + 1) * SECTOR)
                image[place] = _landed(bytes(image[place]), dice.choice(seen), dice)
        size = sizes[-1] if dice.random() < kept else dice.choice(sizes)
        return bytes(image[:size])

    def _now(self) -> bytes:
        image = bytearray(self.synced)
        for change in self.since:
            _apply(image, *change)
        return bytes(image)

    def _history(self) -> tuple[dict[int, list[bytes]], list[int]]:
        """Return each content that a sector has had since, and each size of the file."""
        image = bytearray(self.synced)
        versions: dict[int, list[bytes]] = {}
        sizes = [len(image)]
        for where, content in self.since:
            _apply(image, where, content)
            sizes.append(len(image))
            for number in _sectors(where, content or b""):
                seen = bytes(image[number * SECTOR : (number + 1) * SECTOR])
                versions.setdefault(number, []).append(seen)
        return versions, sizes


#: What each name in a folder stands for; None where it was removed.
Names = dict[str, Inode | None]


class Disk:
    """One folder; how it would be found after a power cut right now."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        #: Off, it takes nothing in any more.
        self.is_on = True
        #: What surely stands in the folder, and what was changed in it since it was synced.
        self._synced: Names = {path.name: Inode(path.read_bytes()) for path in _files(folder)}
        self._since: list[Names] = []

    def knows(self, path: str | os.PathLike[str]) -> bool:
        return self.is_on and Path(path).parent == self.folder

    def file(self, path: str | os.PathLike[str]) -> Inode:
        """Find a file by its name of now; one that appears by itself was just created."""
        name = Path(path).name
        found = self._now().get(name)
        if found is None:
            found = Inode()
            self._since.append({name: found})
        return found

    def remove(self, path: str | os.PathLike[str]) -> None:
        self._since.append({Path(path).name: None})

    def rename(self, old: str | os.PathLike[str], new: str | os.PathLike[str]) -> None:
        """Return a file another name; after a cut it has the one or the other."""
        self._since.append({Path(old).name: None, Path(new).name: self.file(old)})

    def sync_folder(self) -> None:
        """Make names last."""
        self._synced, self._since = self._now(), []

    def cut(self, dice: Random) -> None:
        """Leave in the folder what a power cut right now might leave."""
        self.is_on = False
        kept = dice.choice(_KEPT)
        names = dict(self._synced)
        for change in self._since:
            if dice.random() < kept:
                names |= change
        images = {id(one): one.after_cut(dice) for one in names.values() if one is not None}
        touched = {name for change in self._since for name in change}
        for name in sorted(touched | names.keys()):
            _put(self.folder / name, images.get(id(names.get(name))))
        _lose_memory(self.folder, dice)

    def _now(self) -> Names:
        names = dict(self._synced)
        for change in self._since:
            names |= change
        return names


def _apply(image: bytearray, where: int, content: bytes | None) -> None:
    image += bytes(max(where - len(image), 0))
    if content is None:
        del image[where:]
    else:
        image[where : where + len(content)] = content


def _sectors(offset: int, content: bytes) -> Iterable[int]:
    return range(offset // SECTOR, -(-(offset + len(content)) // SECTOR) if content else 0)


def _landed(old: bytes, new: bytes, dice: Random) -> bytes:
    """Return what a sector became: new, or torn at some byte, from the one end or the other."""
    if dice.randrange(_TORN):
        return new + old[len(new) :]
    at = dice.randrange(len(new) + 1)
    return new[:at] + old[at:] if dice.randrange(2) else old[:at] + new[at:]


def _files(folder: Path) -> Iterable[Path]:
    # Shared memory is memory: what of it stands in a file means nothing to a disk.
    return [path for path in folder.iterdir() if path.is_file() and not path.name.endswith("-shm")]


def _put(path: Path, content: bytes | None) -> None:
    if content is None:
        path.unlink(missing_ok=True)
    else:
        path.write_bytes(content)


def _lose_memory(folder: Path, dice: Random) -> None:
    """Let shared memory stand there as it was last seen, or not at all."""
    for path in folder.glob("*-shm"):
        if dice.randrange(2):
            path.unlink()
