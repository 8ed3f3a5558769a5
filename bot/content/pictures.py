"""Pictures in ``posts/media``: by name only, read once, hashed, and judged by who can decode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePosixPath

from bot.canonical import sha256_hex
from bot.content.files import POSTS, FileError, TreeFiles
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

    def __init__(self, files: TreeFiles, inspect: Inspect) -> None:
        start = f"{POSTS}/"
        self.names = tuple(
            name.removeprefix(start) for name in files.names if name.startswith(f"{start}{FOLDER}/")
        )
        #: Bytes of the pictures that are used, by their names in the tree.
        self.used: dict[str, bytes] = {}
        self._files = files
        self._inspect = inspect
        self._found: dict[str, MediaFile | str] = {}

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
        return replace(found, alt=written.alt)

    def unused(self) -> tuple[str, ...]:
        """Return the pictures that no post names."""
        return tuple(name for name in self.names if name not in self._found)

    def _read(self, file: str) -> MediaFile:
        _refuse_path(file)
        if file not in self.names:
            same = next((name for name in self.names if name.casefold() == file.casefold()), None)
            if same:
                message = (
                    f"the file is called {quoted(same)}; write it just so, capital letters count"
                )
                raise FileError(message)
            raise FileError(f"no file {quoted(file)} in posts; {suggestion(file, self.names)}")
        name, bounds = f"{POSTS}/{file}", self._files.bounds
        content = self._files.tree.read(name, bounds.picture_bytes)
        if len(content) + sum(map(len, self.used.values())) > bounds.all_picture_bytes:
            most = f"{bounds.all_picture_bytes:,}"
            raise FileError(f"all pictures together have more than {most} bytes; use fewer")
        mime, width, height = self._inspect(content)
        endings = _SUFFIXES.get(mime, ())
        if PurePosixPath(file).suffix.lower() not in endings:
            right = " or ".join(endings) or "its type"
            raise FileError(f"{quoted(file)} holds {mime}; rename it to end in {right}")
        self.used[name] = content
        return MediaFile(file, "", sha256_hex(content), mime, width, height, len(content))


def _refuse_path(file: str) -> None:
    parts = file.split("/")
    if file != file.strip() or "\\" in file or {"", ".", ".."} & set(parts) or len(parts) == 1:
        raise FileError(f"{quoted(file)} is no file of posts/media; write it as media/card.png")
    if parts[0] != FOLDER:
        raise FileError(f"{quoted(file)} is not in posts/media; put it there, write media/card.png")
