"""What posts draw on: sources, proved by their hash, investigations and pictures."""

import unicodedata
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from itertools import islice
from pathlib import PurePosixPath

from bot import visible
from bot.canonical import sha256_hex
from bot.content.characters import decode, problems_of_lines
from bot.content.fields import Known
from bot.content.files import POSTS, FileError, TreeFiles
from bot.content.identifiers import NO_LINK, identifier
from bot.content.model import Investigation, MediaFile, Source, Stretch
from bot.content.quoting import locate, occurrences
from bot.content.shape import Problems, entries, shape
from bot.content.values import quoted, suggestion
from bot.content.yamlfile import Node
from bot.errors import PictureError, Severity

SOURCES = f"{POSTS}/sources"
INVESTIGATIONS = f"{SOURCES}/investigations.yaml"
MEDIA = "media"

#: Tells a picture's MIME type, width and height; raises `PictureError` with what is wrong.
Inspect = Callable[[bytes], tuple[str, int, int]]

#: What is asked of the people of a translation.
_ASKED = {
    "translated_by": "translated it",
    "confirmed_by": "compared it with the original, and answers for it",
}
_SUFFIXES = {
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg"),
    "image/webp": (".webp",),
    "image/gif": (".gif",),
}


def build_source(
    name: str, node: Node, problems: Problems, *, files: TreeFiles, known: Known, today: date
) -> Source | None:
    """Read a source's description and its text; None where they cannot be trusted together."""
    source_id = PurePosixPath(name).stem
    source = shape(Source, node, problems, known=known)
    try:
        identifier(source_id)
    except ValueError as error:
        problems.add(node, [], f"the file's name is the source's id: {error}", "source-name")
    if node.text("id") not in (None, source_id):
        message = f"{quoted(node.text('id') or '')} is not the file's name; write {source_id}"
        problems.add(node, ["id"], f"{message}, or rename the file", "source-name")
    if source is None:
        return None
    if source.date > today:
        message = f"{source.date} is yet to come; write the day of the text"
        problems.add(node, ["date"], message, "source-date")
    if source.translation_of == source_id:
        message = "names this source itself; name the original"
        problems.add(node, ["translation_of"], message, "source-name")
    else:
        _refuse_people(source, node, problems)
    text = _text(source, node, files, problems)
    if text is None:
        return None
    source = replace(source, id=source_id, text=text, place=node.place)
    graphic, never = (_spans(source, key, node, problems) for key in ("graphic", "never"))
    return replace(source, graphic_spans=graphic, never_spans=never)


def _refuse_people(source: Source, node: Node, problems: Problems) -> None:
    """Refuse a translation that names nobody, or people of what is none."""
    for key, asked in _ASKED.items():
        is_named = bool(getattr(source, key))
        message = "says nothing here: this is no translation; take it away"
        if not is_named:
            message = f"missing; write who {asked}, such as `{key}: [A name]`"
        if is_named != bool(source.translation_of):
            problems.add(node, [key], message, "translation-people")


def build_investigations(
    node: Node, problems: Problems, *, known: Known
) -> dict[str, Investigation]:
    """Read the list of investigations, as many of them as can be read."""
    found: dict[str, Investigation] = {}
    lines: dict[str, int] = {}
    for entry in entries(node, "investigations", problems):
        investigation = shape(Investigation, entry, problems, known=known)
        name = entry.text("id") or ""
        message = ""
        if name in lines:
            message = f"id {quoted(name)} is taken on line {lines[name]}; ids are unique"
        elif name in known.sources:
            message = f"a source is called {quoted(name)} already; choose another id"
        elif name == NO_LINK:
            message = f"{quoted(name)} takes a link away in variants; choose another id"
        if message:
            problems.add(entry, ["id"], message, "id-taken")
        lines.setdefault(name, entry.place_of(["id"]).line)
        if investigation:
            found.setdefault(investigation.id, investigation)
    return found


def _text(source: Source, node: Node, files: TreeFiles, problems: Problems) -> str | None:
    """Read a source's own file; None where it is not the one that was meant."""
    start, file = f"{SOURCES}/", quoted(source.file)
    names = [name.removeprefix(start) for name in files.names
             if name.startswith(start) and not name.endswith(".yaml")]  # fmt: skip
    if source.file not in names:
        message = f"no file {file} in posts/sources; {suggestion(source.file, names)}"
        problems.add(node, ["file"], message, "file")
        return None
    try:
        content = files.read(start + source.file, files.bounds.text_bytes)
    except FileError as error:
        problems.add(node, ["file"], f"{file} {error}", "file")
        return None
    actual = sha256_hex(content)
    lines = content.replace(b"\r\n", b"\n")
    other_ends = {sha256_hex(lines), sha256_hex(lines.replace(b"\n", b"\r\n"))} - {actual}
    if actual != source.sha256:
        message = (
            f"{file} has the right words but other line ends than were meant, as an editor or git "
            "on Windows writes them; get the file back as it was: `git config core.autocrlf false`,"
            f" then `git checkout HEAD -- {start}{source.file}`"
            if source.sha256 in other_ends
            else f"{file} is not the file that was meant: its SHA-256 is {actual}, here "
            f"stands {source.sha256}; put the right file back, or, if the change is right, write "
            "the new hash (which voids the approvals of all that quotes it)"
        )
        problems.add(node, ["sha256"], message, "source-changed")
        return None
    shown = files.shown(start + source.file)
    text, found = decode(content, file=shown, keep_mark=True)
    problems += found or problems_of_lines(text, file=shown, severity=Severity.WARNING)
    return None if found else text


def _spans(source: Source, key: str, node: Node, problems: Problems) -> tuple[Stretch, ...]:
    spans: list[Stretch] = []
    for number, (first, last) in enumerate(getattr(source, key)):
        try:
            spans.append(_span(source, first, last))
        except ValueError as error:
            problems.add(node, [key, number], str(error), "source-passage")
    return tuple(sorted(spans))


def _span(source: Source, first: str, last: str) -> Stretch:
    found = list(islice(occurrences(source.text, first), 2))
    if not found:
        raise ValueError(f"{quoted(first)} is not in the text{_near(first, source)}")
    if len(found) > 1:
        raise ValueError(f"{quoted(first)} stands in the text more than once; write more of it")
    start, end = found[0]
    if not last:
        return start, end
    final = next(occurrences(source.text, last, start), None)
    if final is None:
        raise ValueError(f"{quoted(last)} does not come after {quoted(first)}{_near(last, source)}")
    return start, max(end, final[1])


def _near(text: str, source: Source) -> str:
    located = locate(text, (source,))
    if located.look_alikes:
        return f": {located.look_alikes[0][1]}"
    return f"; nearest: {located.nearest[0].text}" if located.nearest else ""


class Pictures:
    """All pictures of a tree; each is read when the first post uses it."""

    def __init__(self, files: TreeFiles, inspect: Inspect) -> None:
        start = f"{POSTS}/"
        #: Names on disk by the names in one form: systems write ü as one sign or as two.
        self._on_disk = {
            unicodedata.normalize("NFC", name.removeprefix(start)): name
            for name in files.names
            if name.startswith(f"{start}{MEDIA}/")
        }
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
        file = visible.normalized("NFC", written.file)
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
        return tuple(name for name in self._on_disk if name not in self._found)

    def _read(self, file: str) -> MediaFile:
        _refuse_path(file)
        if file not in self._on_disk:
            for same in (name for name in self._on_disk if name.casefold() == file.casefold()):
                message = f"the file is called {quoted(same)}; write it just so"
                raise FileError(f"{message}, capital letters count")
            raise FileError(f"no file {quoted(file)} in posts; {suggestion(file, self._on_disk)}")
        name, bounds = f"{POSTS}/{file}", self._files.bounds
        content = self._files.tree.read(self._on_disk[file], bounds.picture_bytes)
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
    # A path of somebody's machine, or from another folder, ends with the picture's name.
    _, folder, within = file.strip().replace("\\", "/").rpartition(f"{MEDIA}/")
    within = within.strip("/") if folder else PurePosixPath(within).name
    endings = {ending for known in _SUFFIXES.values() for ending in known}
    is_one = PurePosixPath(within).suffix.lower() in endings
    meant = f"{MEDIA}/{within if is_one else 'card.png'}"
    if file != file.strip() or "\\" in file or {"", ".", ".."} & set(parts) or len(parts) == 1:
        raise FileError(f"{quoted(file)} is no file of posts/media; write it as {meant}")
    if parts[0] != MEDIA:
        raise FileError(f"{quoted(file)} is not in posts/media; put it there, write {meant}")
