"""Ids that nobody can tell apart: one of them could be put in the place of another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from bot.content.identifiers import differing, skeleton
from bot.content.model import Place
from bot.content.shape import Problems
from bot.content.values import quoted
from bot.content.yamlfile import Node, Path, shown
from bot.errors import Problem
from bot.visible import named

#: The key or the section that an id stands under, the id, its place, and what problems call it.
NamedId = tuple[str, str, Place, str]

_SECTIONS = ("accounts", "slots", "queues")


def refuse_lookalikes(ids: Iterable[NamedId], problems: Problems) -> None:
    """Refuse each id that looks like one of its kind that was written before."""
    first: dict[tuple[str, str], tuple[str, Place]] = {}
    for kind, name, here, where in (each for each in ids if each[1]):
        before, there = first.setdefault((kind, skeleton(name)), (name, here))
        if before == name:
            continue
        message = (
            f"{quoted(name)} looks like {quoted(before)} ({there.file}, line {there.line}) and is"
            f" not: it has {named(differing(name, before))}; write that one, or call it otherwise"
        )
        problems.append(
            Problem(here.file, here.line, here.column, where, message, rule="id-lookalike")
        )


def named_ids(
    root: Node | None, listed: Node | None, sources: Mapping[str, Node | None]
) -> Iterator[NamedId]:
    """Yield the ids of a schedule, of investigations and of sources."""
    if root:
        for key in _SECTIONS:
            for name in root.names(key):
                yield key, name, root.place_of((key, name), key=True), f"{key}.{name}"
        for number in range(len(root.texts("themes"))):
            yield named_id("theme", root, ("themes", number))
    # A link names either of them.
    yield from (("link", name, node.place_of(()), "") for name, node in sources.items() if node)
    for entry in listed.entries("investigations") if listed else ():
        yield named_id("link", entry, ["id"])


def named_id(kind: str, node: Node, path: Path) -> NamedId:
    """Return what stands at a path below a node; an empty text for nothing, or for no text."""
    found = node.nearest(path[:-1]).child(path[-1])
    name = found.value if found and isinstance(found.value, str) else ""
    return kind, name, node.place_of(path), shown([*node.at, *path])
