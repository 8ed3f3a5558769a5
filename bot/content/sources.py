"""Sources that are quoted, proved by their hash, and investigations that are linked to."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import date
from itertools import islice
from pathlib import PurePosixPath

from bot.canonical import sha256_hex
from bot.content.characters import decode
from bot.content.fields import Known
from bot.content.files import POSTS, FileError, TreeFiles
from bot.content.model import Investigation, Source, Stretch
from bot.content.quoting import locate, occurrences
from bot.content.shape import entries, problem, shape
from bot.content.values import NO_LINK, identifier, quoted, suggestion
from bot.content.yamlfile import Node, Path
from bot.errors import Problem

FOLDER = f"{POSTS}/sources"
INVESTIGATIONS = f"{FOLDER}/investigations.yaml"


def build_source(
    name: str, node: Node, *, files: TreeFiles, known: Known, today: date
) -> tuple[Source | None, list[Problem]]:
    """Read a source's description and its text; None where they cannot be trusted together."""
    source_id = PurePosixPath(name).stem
    written, problems = shape(Source, node, known=known)
    problems += _name_problems(source_id, node)
    if written is None:
        return None, problems
    problems += _description_problems(written, node, today, source_id)
    content, found = _content(written, node, files)
    problems += found
    if content is None:
        return None, problems
    text, found = decode(content, file=files.shown(f"{FOLDER}/{written.file}"), keep_mark=True)
    if found:
        return None, problems + found
    source = replace(written, id=source_id, text=text, place=node.place)
    graphic, found = _spans(source, "graphic", source.graphic, node)
    never, more = _spans(source, "never", source.never, node)
    return replace(source, graphic_spans=graphic, never_spans=never), problems + found + more


def build_investigations(
    node: Node, *, sources: Collection[str]
) -> tuple[dict[str, Investigation], list[Problem]]:
    """Read the list of investigations, as many of them as can be read."""
    found: dict[str, Investigation] = {}
    lines: dict[str, int] = {}
    listed, problems = entries(node, "investigations", example="- id: …")
    for number, entry in enumerate(listed):
        at: Path = ("investigations", number)
        investigation, wrong = shape(Investigation, entry, at=at)
        problems += wrong
        name = entry.text("id") or ""
        message = ""
        if name in lines:
            message = f"id {quoted(name)} is taken on line {lines[name]}; ids are unique"
        elif name in sources:
            message = f"a source is called {quoted(name)} already; choose another id"
        elif name == NO_LINK:
            message = f"{quoted(name)} takes a link away in variants; choose another id"
        if message:
            problems.append(problem(entry, ["id"], message, "id-taken", at=at))
        lines.setdefault(name, entry.place_of(["id"]).line)
        if investigation:
            found.setdefault(investigation.id, investigation)
    return found, problems


def _name_problems(source_id: str, node: Node) -> Iterator[Problem]:
    try:
        identifier(source_id)
    except ValueError as error:
        yield problem(node, [], f"the file's name is the source's id: {error}", "source-name")
    written = node.text("id")
    if written is not None and written != source_id:
        message = f"{quoted(written)} is not the file's name; write {source_id}, or rename the file"
        yield problem(node, ["id"], message, "source-name")


def _description_problems(
    source: Source, node: Node, today: date, source_id: str
) -> Iterator[Problem]:
    if source.date > today:
        message = f"{source.date} is yet to come; write the day of the text"
        yield problem(node, ["date"], message, "source-date")
    if source.translation_of == source_id:
        message = "names this source itself; name the original"
        yield problem(node, ["translation_of"], message, "source-name")


def _content(source: Source, node: Node, files: TreeFiles) -> tuple[bytes | None, list[Problem]]:
    start = f"{FOLDER}/"
    names = [
        name.removeprefix(start)
        for name in files.names
        if name.startswith(start) and not name.endswith(".yaml")
    ]
    if source.file not in names:
        message = (
            f"no file {quoted(source.file)} in posts/sources; {suggestion(source.file, names)}"
        )
        return None, [problem(node, ["file"], message, "file")]
    try:
        content = files.read(start + source.file, files.bounds.text_bytes)
    except FileError as error:
        return None, [problem(node, ["file"], f"{quoted(source.file)} {error}", "file")]
    actual = sha256_hex(content)
    if actual == source.sha256:
        return content, []
    message = (
        f"{quoted(source.file)} is not the file that was meant: its SHA-256 is {actual}, here "
        f"stands {source.sha256}; put the right file back, or, if the change is right, write the "
        "new hash (which voids the approvals of all that quotes it)"
    )
    return None, [problem(node, ["sha256"], message, "source-changed")]


def _spans(
    source: Source, key: str, passages: tuple[tuple[str, str], ...], node: Node
) -> tuple[tuple[Stretch, ...], list[Problem]]:
    spans: list[Stretch] = []
    problems: list[Problem] = []
    for number, (first, last) in enumerate(passages):
        try:
            spans.append(_span(source, first, last))
        except ValueError as error:
            problems.append(problem(node, [key, number], str(error), "source-passage"))
    return tuple(sorted(spans)), problems


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
    for _, message in located.look_alikes:
        return f": {message}"
    for near in located.nearest:
        return f"; nearest: {near.text}"
    return ""
