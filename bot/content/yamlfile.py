"""YAML as editors mean it: every value is the text that was typed, or a list of problems.

Events are read one after the other and without recursion, so that nothing is built from what is
refused: libyaml's own composer crashes the process on deep nesting, and PyYAML's constructor
explodes on merge keys (docs/decisions/0030-strict-yaml.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import yaml

from bot.content.characters import decode, fault
from bot.content.files import Bounds
from bot.content.model import Place
from bot.content.nodes import Node
from bot.content.values import EMPTY, Empty
from bot.errors import Problem

_ADVICE = (
    ("scanning an alias", "text that begins with * needs quotation marks"),
    ("scanning an anchor", "text that begins with & needs quotation marks"),
    ("cannot start any token", "text that begins with this character needs quotation marks"),
    (
        "mapping values are not allowed",
        "a colon in text needs quotation marks around the text; or the indent is wrong",
    ),
    ("could not find expected ':'", "a key needs a colon and a space after it"),
    ("unexpected end of stream", "a quotation mark is opened here and never closed"),
    (
        "did not find expected key",
        "this does not belong here; indent it like the lines above, "
        "or double the quotation mark inside of quoted text",
    ),
    ("did not find expected '-'", "each entry of a list begins with a dash, all at one indent"),
    ("expected ',' or", "a bracket is opened here and not closed, or a comma is missing"),
    ("expected node content", "a value is missing here, or a bracket before it is not closed"),
    ("unknown escape character", "a backslash in double quotation marks; use single ones"),
    ("Unicode character escape code", "this escape names no character"),
)
#: Where these are told, the beginning of the trouble helps more than its end.
_SHOW_START = ("unexpected end of stream", "expected ',' or")


class _Mark(Protocol):
    """Where libyaml is; lines and columns count from 0."""

    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


class _Stop(Exception):  # noqa: N818 - it ends the reading, the problem is told already
    """Nothing after this can be trusted."""


@dataclass(slots=True)
class _OpenNode:
    """A list or mapping whose end has not been read."""

    node: Node
    #: Key that waits for its value; None is "a key comes next".
    key: str | None = None
    #: The value that comes belongs to a refused key and is dropped.
    dropping: bool = False


def parse(
    raw: bytes, *, file: str, bounds: Bounds | None = None
) -> tuple[Node | None, list[Problem]]:
    """Read one YAML document; a node that comes with problems is only good for finding more.

    Two problems leave a node: duplicate keys (the first counts) and characters in escapes.
    Only an empty value is null (`EMPTY`); ``no``, ``12:30`` and ``~`` are text. Refused, with the
    line and column: more bytes, events or depth than `Bounds` has, anything but strict UTF-8 in
    NFC, control and bidi characters, anchors, aliases, merge keys, tags, directives, duplicate
    keys and a second document.
    """
    bounds = bounds or Bounds()
    if len(raw) > bounds.yaml_bytes:
        return None, [too_large(file, len(raw), bounds.yaml_bytes)]
    text, problems = decode(raw, file=file)
    if problems:
        return None, problems
    reader = _NodeBuilder(file, bounds)
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            reader.read(event)
    except _Stop:
        return None, reader.problems
    except yaml.MarkedYAMLError as error:
        reader.refuse(_mark(error), _advice(error, text))
        return None, reader.problems
    return None if reader.is_broken else reader.root, reader.problems


def too_large(file: str, size: int, most: int) -> Problem:
    """Say that a file is too large to be read."""
    message = f"has {size:,} bytes; {most:,} are the most, so split it into more files"
    return Problem(file, 0, 0, "", message, rule="file")


class _NodeBuilder:
    """Builds nodes from events, and keeps every problem that it meets."""

    def __init__(self, file: str, bounds: Bounds) -> None:
        self.root: Node | None = None
        self.problems: list[Problem] = []
        #: Something was refused without which the rest cannot be understood.
        self.is_broken = False
        self._file = file
        self._bounds = bounds
        self._open: list[_OpenNode] = []
        self._events = 0
        self._documents = 0

    def read(self, event: yaml.Event) -> None:
        self._events += 1
        if self._events > self._bounds.yaml_events:
            self._stop(event, f"more than {self._bounds.yaml_events:,} pieces; split the file")
        match event:
            case yaml.DocumentStartEvent():
                self._start_document(event)
            case yaml.NodeEvent():
                self._refuse_anchor(event)
                self._read_node(event)
            case yaml.CollectionEndEvent():
                self._open.pop()

    def refuse(self, mark: _Mark | None, message: str) -> None:
        place = self._place(mark)
        if len(self.problems) < self._bounds.problems:
            self.problems.append(
                Problem(place.file, place.line, place.column, "", message, rule="yaml")
            )

    def _spoil(self, event: yaml.Event, message: str) -> None:
        self.is_broken = True
        self.refuse(event.start_mark, message)

    def _stop(self, event: yaml.Event, message: str) -> None:
        self.refuse(event.start_mark, message)
        raise _Stop

    def _place(self, mark: _Mark | None) -> Place:
        return (
            Place(self._file, mark.line + 1, mark.column + 1) if mark else Place(self._file, 0, 0)
        )

    def _start_document(self, event: yaml.DocumentStartEvent) -> None:
        self._documents += 1
        if self._documents > 1:
            self._stop(event, "a second document begins; a file holds one, so take the `---` out")
        if event.version or event.tags:
            self.refuse(event.start_mark, "a YAML directive (`%…`); take it out")

    def _refuse_anchor(self, event: yaml.NodeEvent) -> None:
        if isinstance(event, yaml.AliasEvent):
            self._spoil(
                event,
                f"an alias (*{str(event.anchor)[:60]}); write the value out, "
                "or put text that begins with * in quotation marks",
            )
        elif event.anchor:
            self._spoil(
                event,
                f"an anchor (&{event.anchor[:60]}); take it out, "
                "or put text that begins with & in quotation marks",
            )
        tag = getattr(event, "tag", None)
        if tag is not None:
            self._spoil(
                event,
                f"a tag ({tag[:60]}); take it out, "
                "or put text that begins with ! in quotation marks",
            )

    def _read_node(self, event: yaml.NodeEvent) -> None:
        place = self._place(event.start_mark)
        match event:
            case yaml.SequenceStartEvent():
                self._enter(Node(place, []), event)
            case yaml.MappingStartEvent():
                self._enter(Node(place, {}), event)
            case yaml.ScalarEvent():
                self._add(Node(place, self._scalar(event)), event)
            case _:
                self._add(Node(place, EMPTY), event)

    def _scalar(self, event: yaml.ScalarEvent) -> str | Empty:
        if event.value == "" and not event.style:
            return EMPTY
        problem = fault(event.value) if event.style == '"' else None
        if problem:
            self.refuse(event.start_mark, problem)
        return event.value

    def _enter(self, node: Node, event: yaml.Event) -> None:
        if len(self._open) >= self._bounds.yaml_depth:
            self._stop(event, f"nested deeper than {self._bounds.yaml_depth}; write it flatter")
        self._add(node, event)
        self._open.append(_OpenNode(node))

    def _add(self, node: Node, event: yaml.Event) -> None:
        if not self._open:
            self.root = node
            return
        parent = self._open[-1]
        if isinstance(parent.node.value, list):
            parent.node.value.append(node)
        elif parent.key is None:
            self._add_key(parent, node, event)
        else:
            if isinstance(parent.node.value, dict) and not parent.dropping:
                parent.node.value[parent.key] = node
            parent.key = None

    def _add_key(self, parent: _OpenNode, node: Node, event: yaml.Event) -> None:
        key = node.value if isinstance(node.value, str) else ""
        problem = self._key_problem(parent, node, event)
        if problem:
            self.refuse(event.start_mark, problem)
        else:
            parent.node.keys[key] = node.place
        parent.key, parent.dropping = key, problem is not None

    def _key_problem(self, parent: _OpenNode, node: Node, event: yaml.Event) -> str | None:
        if not isinstance(node.value, str):
            return "a key is missing before the colon, or is no simple text"
        if node.value == "<<" and not getattr(event, "style", ""):
            return "a merge key (<<); write the values out instead"
        if node.value in parent.node.keys:
            first = parent.node.keys[node.value].line
            return f"key '{node.value[:60]}' is written twice, first on line {first}; keep one"
        return None


def _mark(error: yaml.MarkedYAMLError) -> _Mark | None:
    marks = (error.problem_mark, error.context_mark)
    if any(sign in (error.problem or "") for sign in _SHOW_START):
        marks = marks[::-1]
    return marks[0] or marks[1]


def _advice(error: yaml.MarkedYAMLError, text: str) -> str:
    said = " ".join(part for part in (error.context, error.problem) if part)
    mark = error.problem_mark
    if mark and _char_at(text, mark) == "\t":
        return "a tab stands here; indent with spaces"
    advice = next((advice for sign, advice in _ADVICE if sign in said), "")
    return f"{advice} ({said})" if advice else f"this is not valid YAML: {said}"


def _char_at(text: str, mark: _Mark) -> str:
    lines = text.split("\n")
    return lines[mark.line][mark.column : mark.column + 1] if mark.line < len(lines) else ""
