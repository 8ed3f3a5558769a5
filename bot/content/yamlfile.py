"""YAML as editors mean it: every value is the text that was typed, or a list of problems.

Events are read one after the other and without recursion, so that nothing is built from what is
refused: libyaml's own composer crashes the process on deep nesting, and PyYAML's constructor
explodes on merge keys (docs/decisions/0030-strict-yaml.md).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from bot.content.characters import decode, fault
from bot.content.files import BOUNDS, Bounds
from bot.content.model import Place
from bot.content.values import EMPTY, Empty, quoted
from bot.errors import Problem
from bot.visible import named

#: A way down a document: keys of mappings and numbers of list entries.
Path = Sequence[str | int]

#: What `Node.plain` gives: text, `EMPTY`, lists and mappings of the same.
Plain = str | Empty | list["Plain"] | dict[str, "Plain"]


@dataclass(slots=True)
class Node:
    """A value and where it stands."""

    place: Place
    value: str | Empty | list[Node] | dict[str, Node]
    #: Where each key of a mapping stands.
    keys: dict[str, Place] = field(default_factory=dict)
    #: The way down to it from the document's top, as messages name it.
    at: Path = ()

    def plain(self) -> Plain:
        """Return the value without places."""
        match self.value:
            case list():
                return [node.plain() for node in self.value]
            case dict():
                return {key: node.plain() for key, node in self.value.items()}
        return self.value

    def child(self, part: str | int) -> Node | None:
        """Return the value of a key, or a list's entry; None where there is none."""
        if isinstance(self.value, dict) and isinstance(part, str):
            return self.value.get(part)
        if isinstance(self.value, list) and isinstance(part, int) and part < len(self.value):
            return self.value[part]
        return None

    def text(self, key: str) -> str | None:
        """Return the text of a key; None where it has none."""
        node = self.child(key)
        return node.value if node and isinstance(node.value, str) else None

    def entries(self, key: str) -> list[Node]:
        """Return the entries of the list under a key; none where there is no list."""
        node = self.child(key)
        return node.value if node and isinstance(node.value, list) else []

    def texts(self, key: str) -> list[str | None]:
        """Return the entries of the list under a key; None for each that is no text."""
        values = (node.value for node in self.entries(key))
        return [value if isinstance(value, str) else None for value in values]

    def drop(self, key: str) -> None:
        """Take a key's value away, but not the memory of where the key stands."""
        if isinstance(self.value, dict):
            del self.value[key]

    def names(self, key: str) -> tuple[str, ...]:
        """Return the keys of the mapping under a key; none where there is no mapping."""
        node = self.child(key)
        return tuple(node.value) if node and isinstance(node.value, dict) else ()

    def nearest(self, path: Path) -> Node:
        """Follow a path as far as it goes."""
        node = self
        for part in path:
            child = node.child(part)
            if child is None:
                break
            node = child
        return node

    def place_of(self, path: Path, *, key: bool = False) -> Place:
        """Return where a value stands (or its key), or what is nearest to it."""
        if key and path:
            parent = self.nearest(path[:-1])
            return parent.keys.get(str(path[-1]), parent.place)
        return self.nearest(path).place

    def places(self, at: Path = ()) -> Iterator[tuple[str, Place]]:
        """Yield the path and the place of everything below, such as ``media[0].alt``."""
        children: Iterable[tuple[str | int, Node]] = ()
        if isinstance(self.value, dict):
            children = self.value.items()
        elif isinstance(self.value, list):
            children = enumerate(self.value)
        for part, node in children:
            yield shown([*at, part]), node.place
            yield from node.places([*at, part])


def shown(path: Path) -> str:
    """Write a path for people: ``posts[3].variants.one.text``."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).removeprefix(".")


#: What follows a value: a comment, and whether it begins as a hashtag does.
_COMMENT = re.compile(r"[ \t]*(#(\S?).*)")

_COLON = "a key needs a colon and a space after it"
_ADVICE = (
    ("scanning an alias", "text that begins with * needs quotation marks"),
    ("scanning an anchor", "text that begins with & needs quotation marks"),
    ("cannot start any token", "text that begins with this character needs quotation marks"),
    (
        "mapping values are not allowed",
        "a colon in text needs quotation marks around the text; or the indent is wrong",
    ),
    ("could not find expected ':'", _COLON),
    ("unexpected end of stream", "a quotation mark is opened here and never closed"),
    (
        "did not find expected key",
        "this does not belong here; indent it like the lines above, "
        "or double the quotation mark inside of quoted text",
    ),
    ("did not find expected '-'", "each entry of a list begins with a dash, all at one indent"),
    (
        "expected ',' or",
        "a bracket is opened here and not closed (a # begins a comment), or a comma is missing",
    ),
    ("expected node content", "a value is missing here, or a bracket before it is not closed"),
    ("expected comment or line break", "text goes on the lines below a | or >, not behind it"),
    ("block sequence entries are not allowed", "text that begins with - needs quotation marks"),
    ("unknown escape character", "a backslash in double quotation marks; use single ones"),
    ("Unicode character escape code", "this escape names no character"),
)
_NO_YAML = "this cannot be read; compare it with other lines, or put text in quotation marks"
#: Signs that pass for YAML's own: unseen ones, spaces, colons, and a dash that begins an entry.
_ODD = re.compile(
    "([\u00a0\u00ad\u1680\u2000-\u200b\u202f\u2060\u3000：∶])|^ *([‐‑‒–—―−•])[ \u00a0]"
)
_TYPED = {"：": ":", "∶": ":", **dict.fromkeys("‐‑‒–—―−•", "-")}
#: Where these are told, the beginning of the trouble helps more than its end.
_SHOW_START = ("unexpected end of stream", "expected ',' or", "could not find expected ':'")
#: A line with a key and a text that YAML takes for something else without quotation marks.
_KEY_AND_TEXT = re.compile(r"\s*((?:- +)*[a-z_]+:) *([^\s|>\[{].*?)\s*")
#: An entry whose dash has no space behind it, or a sister.
_NO_SPACE = (
    (
        re.compile(r" *(?:-|--+ *)([a-z_]+: .*)"),
        "an entry begins with one dash and a space; write: - {0}",
    ),
    (re.compile(r" *((?:- +)?[a-z_]+:)(['\"].*)"), f"{_COLON}; write: {{0}} {{1}}"),
)


class _Stop(Exception):  # noqa: N818 - it ends the reading, the problem is told already
    """Nothing after this can be trusted."""


@dataclass(slots=True)
class _OpenNode:
    """A list or mapping whose end has not been read."""

    node: Node
    #: Key that waits for its value; None is "a key comes next", `EMPTY` a refused one.
    key: str | Empty | None = None
    #: It is written in braces or brackets.
    is_flow: bool = False


def parse(raw: bytes, *, file: str, bounds: Bounds = BOUNDS) -> tuple[Node | None, list[Problem]]:
    """Read one YAML document; a node that comes with problems is only good for finding more.

    Two problems leave a node: duplicate keys (the first counts) and characters in escapes.
    Only an empty value is null (`EMPTY`); ``no``, ``12:30`` and ``~`` are text. Refused, with the
    line and column: more bytes, events or depth than `Bounds` has, anything but strict UTF-8 in
    NFC, control and bidi characters, anchors, aliases, merge keys, tags, directives, duplicate
    keys and a second document.
    """
    if len(raw) > bounds.yaml_bytes:
        most = f"{bounds.yaml_bytes:,} are the most, so split it into more files"
        return None, [Problem(file, 0, 0, "", f"has {len(raw):,} bytes; {most}", rule="file")]
    text, problems = decode(raw, file=file)
    if problems:
        return None, problems
    reader = _NodeBuilder(file, bounds, text)
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            reader.read(event)
    except _Stop:
        return None, reader.problems
    except yaml.MarkedYAMLError as error:
        reader.refuse(*_explained(error, text.split("\n")))
        # A bracket or a quotation mark that is not closed only looks like folded lines.
        return None, [each for each in reader.problems if each.rule != "line-folded"]
    return None if reader.is_broken else reader.root, reader.problems


class _NodeBuilder:
    """Builds nodes from events, and keeps every problem that it meets."""

    def __init__(self, file: str, bounds: Bounds, text: str) -> None:
        self.root: Node | None = None
        self.problems: list[Problem] = []
        #: Something was refused without which the rest cannot be understood.
        self.is_broken = False
        self._file = file
        self._bounds = bounds
        self._text, self._lines = text, text.split("\n")
        self._open: list[_OpenNode] = []
        self._events = self._key_end = 0

    def read(self, event: yaml.Event) -> None:
        self._events += 1
        if self._events > self._bounds.yaml_events:
            self._stop(event, f"more than {self._bounds.yaml_events:,} pieces; split the file")
        match event:
            case yaml.DocumentStartEvent():
                if self.root:
                    message = "a second document begins; a file holds one, so take the `---` out"
                    self._stop(event, message)
                if event.version or event.tags:
                    self.refuse(event.start_mark, "a YAML directive (`%…`); take it out")
            case yaml.NodeEvent():
                self._refuse_anchor_and_tag(event)
                self._read_node(event)
            case yaml.CollectionEndEvent():
                self._open.pop()

    def refuse(self, mark: Any, message: str, rule: str = "yaml") -> None:
        place = self._place(mark)
        if len(self.problems) < self._bounds.problems:
            self.problems.append(
                Problem(place.file, place.line, place.column, "", message, rule=rule)
            )

    def _stop(self, event: yaml.Event, message: str) -> None:
        self.refuse(event.start_mark, message)
        raise _Stop

    def _place(self, mark: Any) -> Place:
        """Return the place of a mark of libyaml, which counts from 0 and may have none."""
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        return Place(self._file, line, column)

    def _refuse_anchor_and_tag(self, event: yaml.NodeEvent) -> None:
        tag = getattr(event, "tag", None)
        refused: list[tuple[str, str]] = []
        if isinstance(event, yaml.AliasEvent):
            refused.append((f"an alias (*{str(event.anchor)[:60]}); write the value out", "*"))
        elif event.anchor:
            refused.append((f"an anchor (&{event.anchor[:60]}); take it out", "&"))
        if tag is not None:
            refused.append((f"a tag ({tag[:60]}); take it out", "!"))
        for message, sign in refused:
            self.is_broken = True
            hint = f"or put text that begins with {sign} in quotation marks"
            hint += _in_marks(self._lines[self._place(event.start_mark).line - 1])
            self.refuse(event.start_mark, f"{message}, {hint}")

    def _read_node(self, event: yaml.NodeEvent) -> None:
        node = Node(self._place(event.start_mark), EMPTY)
        match event:
            case yaml.SequenceStartEvent():
                node.value = []
            case yaml.MappingStartEvent():
                node.value = {}
            case yaml.ScalarEvent() if event.value or event.style:
                node.value = event.value
                problem = fault(event.value) if event.style == '"' else None
                if problem:
                    self.refuse(event.start_mark, problem)
                self._refuse_loss(event)
        is_open = isinstance(event, yaml.CollectionStartEvent)
        if is_open and len(self._open) >= self._bounds.yaml_depth:
            self._stop(event, f"nested deeper than {self._bounds.yaml_depth}; write it flatter")
        self._add(node, event)
        if is_open:
            self._open.append(_OpenNode(node, is_flow=bool(getattr(event, "flow_style", False))))

    def _refuse_loss(self, event: Any) -> None:
        """Refuse what YAML passes over, or changes, though somebody typed it as text."""
        start, end = event.start_mark, event.end_mark
        line = self._lines[end.line] if end.line < len(self._lines) else ""
        lost = _COMMENT.match(line, end.column)
        before = self._lines[start.line][: start.column]
        if event.style in ("|", ">"):
            return
        if end.line > start.line:
            message = (
                "goes over several lines, and YAML makes a space of each line break; write it on "
                f"one line: {before.strip()} {json.dumps(event.value, ensure_ascii=False)} "
                "or begin with |- and put the text on the lines below, to keep its line breaks"
            )
            self.refuse(start, message, "line-folded")
        elif lost and (
            lost[2] or not lost[1].strip("# \t") or (not event.style and " " in event.value)
        ):
            whole = json.dumps(event.value + lost[0].rstrip(), ensure_ascii=False)
            message = (
                f"{quoted(lost[1].rstrip())} is a comment for YAML, and lost; write: "
                f"{before.strip()} {whole} or, if it is a comment, put it on a line of its own"
            )
            self.refuse(
                yaml.Mark("", 0, end.line, lost.start(1), None, 0), message, "comment-swallowed"
            )

    def _add(self, node: Node, event: Any) -> None:
        if not self._open:
            self.root = node
            return
        parent = self._open[-1]
        if isinstance(parent.node.value, list):
            parent.node.value.append(node)
        elif parent.key is None:
            parent.key, self._key_end = self._key(parent.node, node, event), event.end_mark.index
        else:
            if (
                parent.is_flow
                and node.value is EMPTY
                and ":" not in self._text[self._key_end : event.start_mark.index]
            ):
                message = (
                    f"{quoted(str(parent.key))} stands alone: within {{ }} a comma ends a text; "
                    "put a text with commas in quotation marks"
                )
                self.refuse(event.start_mark, message, "comma-in-braces")
            if isinstance(parent.node.value, dict) and parent.key is not EMPTY:
                parent.node.value[parent.key] = node
            parent.key = None

    def _key(self, owner: Node, node: Node, event: yaml.Event) -> str | Empty:
        """Return a key that may have a value; refuse any other."""
        key = node.value
        if not isinstance(key, str):
            message = "a key is missing before the colon, or is no simple text"
        elif key == "<<" and not getattr(event, "style", ""):
            message = "a merge key (<<); write the values out instead"
        elif key in owner.keys:
            first = owner.keys[key].line
            message = f"key '{key[:60]}' is written twice, first on line {first}; keep one"
        else:
            owner.keys[key] = node.place
            return key
        self.refuse(event.start_mark, message)
        return EMPTY


def _mark(error: yaml.MarkedYAMLError) -> yaml.Mark | None:
    marks = (error.problem_mark, error.context_mark)
    if any(sign in (error.problem or "") for sign in _SHOW_START):
        marks = marks[::-1]
    return marks[0] or marks[1]


def _explained(error: yaml.MarkedYAMLError, lines: Sequence[str]) -> tuple[Any, str]:
    """Return where something is wrong, and what to do about it, in words of ours."""
    reported = " ".join(part for part in (error.context, error.problem) if part)
    mark, near = _mark(error), error.problem_mark.line if error.problem_mark else 0
    for number in (near - 1, near):
        column, slip = _slip(lines[number] if 0 <= number < len(lines) else "")
        if slip:
            return yaml.Mark("", 0, number, column, None, 0), slip
    line = lines[mark.line] if mark and mark.line < len(lines) else ""
    if mark and line[mark.column :].startswith("\t"):
        return mark, "a tab stands here; indent with spaces"
    advice = next((advice for sign, advice in _ADVICE if sign in reported), _NO_YAML)
    if "a colon in text" in advice and line.count(": ") < 2:
        before = next((each for each in reversed(lines[:near]) if each.strip()), "")
        if _begin(line) > _begin(before):
            return mark, "this line begins further right than the one above; begin both alike"
    return mark, advice + (_in_marks(line) if "quotation mark" in advice else "")


def _slip(line: str) -> tuple[int, str]:
    """Return the column of a wrong or missing sign in a line, and what to type; empty for none."""
    if (found := _ODD.search(line)) and (odd := found[1] or found[2]):
        typed = _TYPED.get(odd, "a plain space")
        return line.index(odd), f"{named(odd)} stands here; type {typed} instead"
    for shape, advice in _NO_SPACE:
        if found := shape.fullmatch(line):
            return len(line) - len(line.lstrip(" ")), advice.format(*found.groups())
    return 0, ""


def _begin(line: str) -> int:
    """Return the column of a line's first key or word."""
    return len(line) - len(line.lstrip(" -"))


def _in_marks(line: str) -> str:
    """Return a line with its text in quotation marks, to be copied; empty where none is seen."""
    found = _KEY_AND_TEXT.fullmatch(line)
    if not found:
        return ""
    key, text = found.groups()
    if (mark := text[0]) in "'\"":
        inner = text[1:].removesuffix(mark)
        if text.endswith(mark) and mark not in inner:
            return f"; write: {key} {text}"
        text = inner
    return f"; write: {key} {json.dumps(text, ensure_ascii=False)}"
