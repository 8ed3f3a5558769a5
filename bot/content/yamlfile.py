"""YAML as editors mean it: every value is the text that was typed, or a list of problems.

Events are read one after the other and without recursion, so that nothing is built from what is
refused: libyaml's own composer crashes the process on deep nesting, and PyYAML's constructor
explodes on merge keys (docs/decisions/0030-strict-yaml.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from bot.content.characters import decode, fault
from bot.content.files import BOUNDS, Bounds
from bot.content.model import Place
from bot.content.slips import explained, in_marks, swallowed, without_entries
from bot.content.values import DATE, EMPTY, Empty, quoted, written
from bot.errors import Problem

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

    def places(self, at: str = "") -> Iterator[tuple[str, Place]]:
        """Yield the path and the place of everything below, such as ``media[0].alt``."""
        children: Iterable[tuple[str, Node]] = ()
        if isinstance(self.value, dict):
            children = ((f"{at}.{key}" if at else key, node) for key, node in self.value.items())
        elif isinstance(self.value, list):
            children = ((f"{at}[{number}]", node) for number, node in enumerate(self.value))
        for path, node in children:
            yield path, node.place
            if not isinstance(node.value, str):
                yield from node.places(path)


def shown(path: Path) -> str:
    """Write a path for people: ``posts[3].variants.one.text``."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).removeprefix(".")


#: What follows a value: a comment, and whether it begins as a hashtag does.
_COMMENT = re.compile(r"[ \t]*(#(\S?).*)")
#: No text of which something behind a # could be part.
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[ T][\d:+ -]+")
#: Keys of what people read: a single word of it, too, goes on behind a # for whoever typed it.
_READ_BY_PEOPLE = frozenset({
    "text", "alt", "warning", "quote", "from", "to", "original", "title", "description",
    "attribution",
})  # fmt: skip
#: So many times a file is read without what could not be read.
_ROUNDS = 10


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
    loader = yaml.CSafeLoader(text)
    try:
        for event in iter(loader.get_event, None):
            reader.read(event)
    except _Stop:
        return None, reader.problems
    except yaml.MarkedYAMLError as error:
        reader.refuse(*explained(error, text.split("\n")))
        # A bracket or a quotation mark that is not closed only looks like folded lines.
        return None, [each for each in reader.problems if each.rule != "line-folded"]
    finally:
        loader.dispose()
    return None if reader.is_broken else reader.root, reader.problems


def parse_all(
    raw: bytes, *, file: str, key: str, bounds: Bounds = BOUNDS
) -> tuple[Node | None, list[Problem]]:
    """Read a file that begins with a key as `parse` does, and tell all that cannot be read in it.

    Of posts the others are returned: no other file refers to one of them.
    """
    is_list = key in ("posts", "investigations")
    node, problems = parse(raw, file=file, bounds=bounds)
    found, rest = list(problems), raw.decode("utf-8-sig", "replace")
    for _round in range(_ROUNDS):
        lines = [each.line for each in problems if each.rule in ("yaml", "character")]
        left = None if node else without_entries(rest, lines, is_list=is_list)
        if left is None:
            break
        rest = left
        node, problems = parse(rest.encode(), file=file, bounds=bounds)
        found += [each for each in problems if each not in found]
        if node and key != "posts":
            return None, found
    return node, found


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
        match event:  # the most frequent first: this is most of what reading costs
            case yaml.NodeEvent():
                if event.anchor is not None or getattr(event, "tag", None) is not None:
                    self._refuse_anchor_and_tag(event)
                self._read_node(event)
            case yaml.CollectionEndEvent():
                self._open.pop()
            case yaml.DocumentStartEvent():
                if self.root:
                    message = "a second document begins; a file holds one, so take the `---` out"
                    self._stop(event, message)
                if event.version or event.tags:
                    self.refuse(event.start_mark, "a YAML directive (`%…`); take it out")

    def refuse(self, mark: Any, message: str, rule: str = "yaml") -> None:
        place = self._place(mark)
        if len(self.problems) < self._bounds.problems:
            problem = Problem(place.file, place.line, place.column, "", message, rule=rule)
            self.problems.append(problem)

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
            hint += in_marks(self._lines[self._place(event.start_mark).line - 1])
            self.refuse(event.start_mark, f"{message}, {hint}")

    def _read_node(self, event: yaml.NodeEvent) -> None:
        node = Node(self._place(event.start_mark), EMPTY)
        match event:
            case yaml.ScalarEvent():
                if event.value or event.style:
                    node.value = event.value
                    problem = fault(event.value) if event.style == '"' else None
                    if problem:
                        self.refuse(event.start_mark, problem)
                    self._refuse_loss(event)
            case yaml.CollectionStartEvent():
                node.value = {} if isinstance(event, yaml.MappingStartEvent) else []
                if len(self._open) >= self._bounds.yaml_depth:
                    most = self._bounds.yaml_depth
                    self._stop(event, f"nested deeper than {most}; write it flatter")
        self._add(node, event)
        if isinstance(event, yaml.CollectionStartEvent):
            self._open.append(_OpenNode(node, is_flow=bool(event.flow_style)))

    def _refuse_loss(self, event: Any) -> None:
        """Refuse what YAML passes over, or changes, though somebody typed it as text."""
        start, end = event.start_mark, event.end_mark
        line = self._lines[end.line] if end.line < len(self._lines) else ""
        if start.line == end.line and len(line) <= end.column:
            return  # nothing follows it
        lost = _COMMENT.match(line, end.column)
        before = self._lines[start.line][: start.column]
        if event.style in ("|", ">"):
            if slip := swallowed(self._lines[start.line + 1 : end.line], start.line + 1):
                self.refuse(*slip, "key-in-text")
            return
        if end.line > start.line:
            whole = f"{before.strip()} {written(event.value)}".strip()
            message = (
                "goes over several lines, and YAML makes a space of each line break; write it on "
                f"one line: {whole} "
                "or begin with |- and put the text on the lines below, to keep its line breaks"
            )
            if not event.style and event.value.startswith("-"):
                first = event.value.split(" -")[0].lstrip("-")
                message = f"an entry of a list begins with a dash and a space; write: - {first}"
            self.refuse(start, message, "line-folded")
        elif lost and self._is_text(event, lost):
            rest, is_flow = lost[0].rstrip(), bool(self._open) and self._open[-1].is_flow
            most = len(rest.rstrip("]}") if is_flow else rest)  # brackets are no text there
            message = (
                f"{quoted(lost[1].rstrip())} is a comment for YAML, and lost; write: "
                f"{before.strip()} {written(event.value + rest[:most])}{rest[most:]} "
                "or, if it is a comment, put it on a line of its own"
            )
            self.refuse(
                yaml.Mark("", 0, end.line, lost.start(1), None, 0), message, "comment-swallowed"
            )

    def _is_text(self, event: Any, lost: re.Match[str]) -> bool:
        """Return whether a comment may be the rest of the text before it."""
        if _MOMENT.fullmatch(event.value):
            return False
        if lost[2] or not lost[1].strip("# \t"):
            return True
        is_read = bool(self._open) and self._open[-1].key in _READ_BY_PEOPLE
        # The `from` and `to` of quiet days and pauses are dates, and no words.
        is_read = is_read and not DATE.fullmatch(event.value)
        return not event.style and (is_read or " " in event.value)

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
