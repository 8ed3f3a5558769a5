"""Sources that are quoted, proved by their hash, and investigations that are linked to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from itertools import islice
from pathlib import PurePosixPath

from bot.content.characters import decode
from bot.content.files import POSTS, FileError
from bot.content.known import Known
from bot.content.models import InvestigationModel, SourceModel
from bot.content.nodes import Node, Path
from bot.content.shape import entries, problem, shape
from bot.content.values import NO_LINK, identifier
from bot.content.words import quoted, suggestion
from bot.core.campaign import Investigation, Source
from bot.core.quoting import locate, occurrences
from bot.errors import Problem

FOLDER = f"{POSTS}/sources"
INVESTIGATIONS = f"{FOLDER}/investigations.yaml"

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Texts:
    """Text files beside the sources' descriptions."""

    #: Names of all files in the folder, without the folder.
    names: tuple[str, ...]
    #: Reads one by that name; raises `FileError`.
    read: Callable[[str], bytes]
    #: Gives the path that a person would open.
    shown: Callable[[str], str]


def build_source(
    name: str, node: Node, *, texts: Texts, known: Known, today: date
) -> tuple[Source | None, list[Problem]]:
    """Read a source's description and its text; None where they cannot be trusted together."""
    source_id = PurePosixPath(name).stem
    model, problems = shape(SourceModel, node, known=known)
    problems += _name_problems(source_id, node)
    if model is None:
        return None, problems
    problems += _description_problems(model, node, today, source_id)
    content, found = _content(model, node, texts)
    problems += found
    if content is None:
        return None, problems
    text, found = decode(content, file=texts.shown(model.file), keep_mark=True)
    if found:
        return None, problems + found
    source = _source(source_id, model, text, node)
    spans: dict[str, tuple[Span, ...]] = {}
    for key, passages in (("graphic", model.graphic), ("never", model.never)):
        spans[key], found = _spans(source, key, passages, node)
        problems += found
    return replace(source, graphic=spans["graphic"], never=spans["never"]), problems


def build_investigations(
    node: Node, *, sources: Mapping[str, object]
) -> tuple[dict[str, Investigation], list[Problem]]:
    """Read the list of investigations, as many of them as can be read."""
    found: dict[str, Investigation] = {}
    lines: dict[str, int] = {}
    listed, problems = entries(node, "investigations", example="- id: …")
    for number, entry in enumerate(listed):
        at: Path = ("investigations", number)
        model, wrong = shape(InvestigationModel, entry, at=at)
        problems += wrong
        name = entry.text("id") or ""
        if name in lines:
            message = f"id {quoted(name)} is taken on line {lines[name]}; ids are unique"
            problems.append(problem(entry, ["id"], message, at=at))
        elif name in sources:
            message = f"a source is called {quoted(name)} already; choose another id"
            problems.append(problem(entry, ["id"], message, at=at))
        elif name == NO_LINK:
            message = f"{quoted(name)} takes a link away in variants; choose another id"
            problems.append(problem(entry, ["id"], message, at=at))
        lines.setdefault(name, entry.place_of(["id"]).line)
        if model:
            found.setdefault(model.id, _investigation(model, entry))
    return found, problems


def _investigation(model: InvestigationModel, node: Node) -> Investigation:
    card = model.card
    return Investigation(
        **model.model_dump(exclude={"card"}),
        card_title=card.title if card else "",
        card_description=card.description if card else "",
        place=node.place,
    )


def _name_problems(source_id: str, node: Node) -> Iterator[Problem]:
    try:
        identifier(source_id)
    except ValueError as error:
        yield problem(node, [], f"the file's name is the source's id: {error}")
    written = node.text("id")
    if written is not None and written != source_id:
        message = f"{quoted(written)} is not the file's name; write {source_id}, or rename the file"
        yield problem(node, ["id"], message)


def _description_problems(
    model: SourceModel, node: Node, today: date, source_id: str
) -> Iterator[Problem]:
    if model.date > today:
        yield problem(node, ["date"], f"{model.date} is yet to come; write the day of the text")
    if model.translation_of == source_id:
        yield problem(node, ["translation_of"], "names this source itself; name the original")


def _content(model: SourceModel, node: Node, texts: Texts) -> tuple[bytes | None, list[Problem]]:
    names = [name for name in texts.names if not name.endswith(".yaml")]
    if model.file not in names:
        message = f"no file {quoted(model.file)} in posts/sources; {suggestion(model.file, names)}"
        return None, [problem(node, ["file"], message)]
    try:
        content = texts.read(model.file)
    except FileError as error:
        return None, [problem(node, ["file"], f"{quoted(model.file)} {error}")]
    actual = sha256(content).hexdigest()
    if actual == model.sha256:
        return content, []
    message = (
        f"{quoted(model.file)} is not the file that was meant: its SHA-256 is {actual}, here "
        f"stands {model.sha256}; put the right file back, or, if the change is right, write the "
        "new hash (which voids the approvals of all that quotes it)"
    )
    return None, [problem(node, ["sha256"], message)]


def _source(source_id: str, model: SourceModel, text: str, node: Node) -> Source:
    card = model.card
    return Source(
        id=source_id,
        text=text,
        sha256=model.sha256,
        title=model.title,
        attribution=model.attribution,
        date=model.date,
        signatories=model.signatories,
        address=model.address,
        lang=model.lang,
        card_title=card.title if card else "",
        card_description=card.description if card else "",
        translation_of=model.translation_of or "",
        place=node.place,
    )


def _spans(
    source: Source, key: str, passages: tuple[tuple[str, str], ...], node: Node
) -> tuple[tuple[Span, ...], list[Problem]]:
    spans: list[Span] = []
    problems: list[Problem] = []
    for number, (first, last) in enumerate(passages):
        try:
            spans.append(_span(source, first, last))
        except ValueError as error:
            problems.append(problem(node, [key, number], str(error)))
    return tuple(sorted(spans)), problems


def _span(source: Source, first: str, last: str) -> Span:
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
