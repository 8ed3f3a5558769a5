"""Pictures in ``posts/media``: by name only, read once, hashed, and judged by who can decode."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Any

from bot.content.files import POSTS, Bounds, FileError, Tree
from bot.content.model import MediaFile
from bot.content.values import quoted, suggestion
from bot.errors import PictureError

#: Tells a picture's MIME type, width and height; raises `PictureError` with what is wrong.
Inspect = Callable[[bytes], tuple[str, int, int]]

FOLDER = "media"
_SUFFIXES = {
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg"),
    "image/webp": (".webp",),
    "image/gif": (".gif",),
}


class Pictures:
    """All pictures of a tree; each is read when the first post uses it."""

    def __init__(
        self, tree: Tree, names: Iterable[str], *, inspect: Inspect, bounds: Bounds
    ) -> None:
        start = f"{POSTS}/{FOLDER}/"
        self.names = tuple(
            name.removeprefix(f"{POSTS}/") for name in names if name.startswith(start)
        )
        #: Bytes of the pictures that are used, by their names in the tree.
        self.used: dict[str, bytes] = {}
        self._tree = tree
        self._inspect = inspect
        self._bounds = bounds
        self._found: dict[str, Mapping[str, Any] | str] = {}

    def find(self, written: MediaFile) -> MediaFile:
        """Return a picture that a post names as ``media/card.png`` with all that its file tells.

        Raises:
            FileError: there is none that may be used, and why.
        """
        file = written.file
        if file not in self._found:
            try:
                self._found[file] = self._read(file)
            except (FileError, PictureError) as error:
                self._found[file] = str(error)
        found = self._found[file]
        if isinstance(found, str):
            raise FileError(found)
        return replace(written, **found)

    def unused(self) -> tuple[str, ...]:
        """Return the pictures that no post names."""
        return tuple(name for name in self.names if name not in self._found)

    def _read(self, file: str) -> Mapping[str, Any]:
        _refuse_path(file)
        if file not in self.names:
            raise FileError(self._missing(file))
        name = f"{POSTS}/{file}"
        content = self._tree.read(name, self._bounds.picture_bytes)
        self._refuse_total(len(content))
        mime, width, height = self._inspect(content)
        _refuse_suffix(file, mime)
        self.used[name] = content
        digest = sha256(content).hexdigest()
        return {
            "sha256": digest, "mime": mime, "width": width, "height": height, "size": len(content)
        }  # fmt: skip

    def _missing(self, file: str) -> str:
        same = next((name for name in self.names if name.casefold() == file.casefold()), None)
        if same:
            return f"the file is called {quoted(same)}; write it just so, capital letters count"
        return f"no file {quoted(file)} in posts; {suggestion(file, self.names)}"

    def _refuse_total(self, size: int) -> None:
        total = sum(map(len, self.used.values())) + size
        if total > self._bounds.all_picture_bytes:
            most = self._bounds.all_picture_bytes
            raise FileError(f"all pictures together have more than {most:,} bytes; use fewer")


def _refuse_path(file: str) -> None:
    parts = file.split("/")
    if file != file.strip() or "\\" in file or {"", ".", ".."} & set(parts) or len(parts) == 1:
        raise FileError(f"{quoted(file)} is no file of posts/media; write it as media/card.png")
    if parts[0] != FOLDER:
        raise FileError(f"{quoted(file)} is not in posts/media; put it there, write media/card.png")


def _refuse_suffix(file: str, mime: str) -> None:
    endings = _SUFFIXES.get(mime, ())
    if PurePosixPath(file).suffix.lower() not in endings:
        raise FileError(
            f"{quoted(file)} holds {mime}; rename it to end in {' or '.join(endings) or 'its type'}"
        )
