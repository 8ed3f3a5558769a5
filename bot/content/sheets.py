"""Posts as rows of a spreadsheet, and changed rows as YAML; nothing is guessed, nothing lost."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.content.identifiers import ACCOUNT_ID, is_id
from bot.content.model import Post, Quote
from bot.content.shape import keys_of
from bot.content.values import EMPTY, RuleError, suggestion, written
from bot.content.yamlfile import Node, Plain, parse

#: Cells of a row by their column; a key that is not written has none.
Cells = Mapping[str, str]

_QUOTE = tuple(f"quote.{key}" for key, _, _ in keys_of(Quote))
#: Columns in their order; what stands in ``problems`` is written by us, and not read.
COLUMNS = (
    "file", "id",
    *(column for key, _, _ in keys_of(Post) if key != "id"
      for column in (_QUOTE if key == "quote" else (key,))),
    "problems",
)  # fmt: skip
#: Written as JSON in a cell; accounts also as ``one, two``.
_STRUCTURED = ("accounts", "every_year", "media", "variants")
BOOLEANS = ("card", "confirm", "thread")
_NAMES = re.compile(rf"{ACCOUNT_ID.pattern}(, {ACCOUNT_ID.pattern})*")


class SheetError(RuleError):
    """A cell, or what stands in a file, keeps a row from being written."""

    def __init__(self, column: str, message: str, rule: str, value: str = "") -> None:
        #: What the spreadsheet made of the cell.
        self.column, self.value = column, value
        super().__init__(message, rule)


def cells_of(post: Node, file: str) -> Cells:
    """Return a post of a file as cells."""
    found = {"file": file}
    for key, node in post.value.items() if isinstance(post.value, dict) else ():
        if key == "quote" and isinstance(node.value, dict):
            parts = {f"quote.{part}": each.plain() for part, each in node.value.items()}
        else:
            parts = {key: node.plain()}
        found |= {column: _cell(column, value) for column, value in parts.items()}
    return {column: cell for column, cell in found.items() if cell}


def _cell(column: str, value: Plain) -> str:
    if isinstance(value, str):
        return value
    names = ", ".join(map(str, value)) if isinstance(value, list) else ""
    return names if column == "accounts" and _NAMES.fullmatch(names) else _flow(value)


def _flow(value: Plain) -> str:
    """Write a value on one line, as JSON and YAML read it; an empty one as nothing."""
    match value:
        case list():
            return f"[{', '.join(map(_flow, value))}]"
        case dict():
            pairs = (f"{written(key)}: {_flow(each)}" for key, each in value.items())
            return f"{{{', '.join(pairs)}}}"
        case str():
            return written(value)
    return ""


def post_of(cells: Cells) -> Mapping[str, Any]:
    """Return a row as what a post's YAML holds.

    Raises:
        SheetError: a cell is none of its column.
    """
    post: dict[str, Any] = {}
    for column, cell in cells.items():
        owner, _, part = column.partition(".")
        if column not in COLUMNS:
            message = f"no such column {column!r}; {suggestion(column, COLUMNS)}"
            raise SheetError(column, message, "sheet-column")
        if not cell or column in {"file", "problems"}:
            continue
        if part:
            post.setdefault(owner, {})[part] = cell
        else:
            post[column] = _structured(column, cell) if column in _STRUCTURED else cell
    return post


def _structured(column: str, cell: str) -> Plain:
    if column == "accounts" and not cell.startswith("["):
        return [name.strip() for name in re.split("[,;]", cell)]
    node, problems = parse(f"value: {cell}\n".encode(), file="")
    value = node.nearest(["value"]).plain() if node and not problems else EMPTY
    if not isinstance(value, list | dict):
        picture = '[{"file": "media/a.png", "alt": "A door"}]'
        example = picture if column == "media" else "as exported"
        raise SheetError(column, f"cannot be read; write it as JSON: {example}", "sheet-json")
    return value


def entry_lines(post: Mapping[str, Any], indent: int) -> Iterator[str]:
    """Yield a post as lines of YAML whose keys stand at a column from 0."""
    margin = " " * indent
    for key, value in post.items():
        if key == "quote" and isinstance(value, dict):
            yield f"{margin}quote:"
            yield from entry_lines(value, indent + 2)
        else:
            is_bare = isinstance(value, str) and is_id(value)
            yield f"{margin}{key}: {value if is_bare else _flow(value)}"


def with_post(text: str, post: Mapping[str, Any]) -> str:
    """Return a file of posts with a post changed or added; all else stays byte for byte.

    Raises:
        SheetError: a comment would be lost, or the file is laid out otherwise.
    """
    lines = (text or "posts:\n").removesuffix("\n").split("\n")
    found = entries_of(text)
    number = next((at for at, each in enumerate(found) if each.text("id") == post["id"]), None)
    column = found[0].place.column - 1 if found else 4
    start = end = len(lines)
    if number is not None:
        start = found[number].place.line - 1
        end = found[number + 1].place.line - 1 if number + 1 < len(found) else len(lines)
    if any(not _is_block(lines, each) for each in found) or (text and not found):
        raise SheetError("id", "its file is laid out in a way of its own; edit it there",
                         "sheet-layout")  # fmt: skip
    while start < end and _is_between(lines[end - 1], column):
        end -= 1
    for at in range(start, end):
        _refuse_comment(text, lines, at)
    new = list(entry_lines(post, column))
    new[0] = f"{' ' * (column - 2)}- {new[0].lstrip()}"
    result = "\n".join([*lines[:start], *new, *lines[end:]]) + "\n"
    _prove(text, result, post)
    return result


def entries_of(text: str) -> Sequence[Node]:
    """Return the posts of a file; none where it cannot be read."""
    node, _problems = parse(text.encode(), file="") if text else (None, [])
    return node.entries("posts") if node else ()


def _is_block(lines: Sequence[str], post: Node) -> bool:
    before = lines[post.place.line - 1][: post.place.column - 1]
    return before.strip(" ") == "-" and before.endswith("- ")


def _is_between(line: str, column: int) -> bool:
    """Return whether a line after a post belongs to none: it is empty, or a comment further out."""
    bare = line.lstrip(" ")
    return not bare or (bare.startswith("#") and len(line) - len(bare) < column)


def _refuse_comment(text: str, lines: Sequence[str], at: int) -> None:
    """Refuse a line with a comment: without it the file says the same."""
    for match in re.finditer(r"(?:^|(?<=\s))#", lines[at]):
        without = "\n".join([*lines[:at], lines[at][: match.start()], *lines[at + 1 :]]) + "\n"
        if _plain(without) == _plain(text):
            message = f"line {at + 1} of its file has a comment, which would be lost; edit it there"
            raise SheetError("id", message, "sheet-comment")


def _plain(text: str) -> Plain | None:
    node, _problems = parse(text.encode(), file="")
    return node.plain() if node else None


def _prove(before: str, after: str, post: Mapping[str, Any]) -> None:
    """Read what is to be written with the strict reader: only this post is another one."""
    node, problems = parse(after.encode(), file="")
    if node is None:
        told = next((each.message for each in problems), "it cannot be read back")
        raise SheetError("id", told, "sheet-unreadable")
    wanted = {each.text("id"): each.plain() for each in entries_of(before)} | {post["id"]: post}
    if {each.text("id"): each.plain() for each in node.entries("posts")} != wanted:
        raise SheetError("id", "what is read back differs from the row", "sheet-unreadable")
