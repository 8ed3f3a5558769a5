"""A YAML document as nothing but text, with the line and column of everything in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bot.content.model import Place
from bot.content.values import Empty

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

    def places(self, before: str = "") -> Iterator[tuple[str, Place]]:
        """Yield the path and the place of everything below, such as ``media[0].alt``."""
        children: list[tuple[str, Node]] = []
        if isinstance(self.value, dict):
            dot = "." if before else ""
            children = [(f"{before}{dot}{key}", node) for key, node in self.value.items()]
        elif isinstance(self.value, list):
            children = [(f"{before}[{number}]", node) for number, node in enumerate(self.value)]
        for path, node in children:
            yield path, node.place
            yield from node.places(path)


def shown(path: Path) -> str:
    """Write a path for people: ``posts[3].variants.one.text``."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).removeprefix(".")
