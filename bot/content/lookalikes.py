"""Ids that nobody can tell apart: one of them could be put in the place of another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bot.content.identifiers import differing, skeleton
from bot.content.shape import Problems
from bot.content.values import quoted
from bot.content.yamlfile import Node, Path
from bot.visible import named

#: Kind of an id, the id, and where it stands: below a node, and whether as a key.
_Named = tuple[str, str, Node, Path]


def refuse_lookalikes(
    root: Node | None,
    listed: Node | None,
    sources: Mapping[str, Node | None],
    written: Sequence[Node],
    problems: Problems,
) -> None:
    """Refuse each id that looks like one of its kind that was written before."""
    first: dict[tuple[str, str], tuple[str, Node, Path]] = {}
    for kind, name, node, path in _ids(root, listed, sources, written):
        before, owner, where = first.setdefault((kind, skeleton(name)), (name, node, path))
        if before == name:
            continue
        on_key = kind in _SECTIONS
        at = owner.place_of(where, key=on_key)
        message = (
            f"{quoted(name)} looks like {quoted(before)} ({at.file}, line {at.line}) and is not: "
            f"it has {named(differing(name, before))}; write that one, or call it otherwise"
        )
        problems.add(node, path, message, "id-lookalike", on_key=on_key)


_SECTIONS = ("accounts", "slots", "queues")


def _ids(
    root: Node | None,
    listed: Node | None,
    sources: Mapping[str, Node | None],
    written: Sequence[Node],
) -> Iterator[_Named]:
    if root:
        for key in _SECTIONS:
            yield from ((key, name, root, (key, name)) for name in root.names(key))
        for number, theme in enumerate(root.texts("themes")):
            yield "theme", theme or "", root, ("themes", number)
    # A link names either of them.
    yield from (("link", name, node, ()) for name, node in sources.items() if node)
    for entry in listed.entries("investigations") if listed else ():
        yield "link", entry.text("id") or "", entry, ("id",)
    for entry in (entry for node in written for entry in node.entries("posts")):
        yield "post", entry.text("id") or "", entry, ("id",)
        yield "theme", entry.text("theme") or "", entry, ("theme",)
