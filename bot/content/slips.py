"""Slips in the lines of a YAML file: what is wrong, in words of ours, and the line to copy."""

import re
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import yaml

from bot.content.model import Post
from bot.content.other_names import other_names
from bot.content.values import written
from bot.visible import named

_COLON = "a key needs a colon and a space after it"
_BRACED = "a colon in text needs quotation marks around the text"
_NO_YAML = "this cannot be read; compare it with other lines, or put text in quotation marks"
#: Signs that pass for YAML's own: unseen ones, spaces, colons, and what begins an entry.
_ODD = re.compile(
    "([\u00a0\u00ad\u1680\u2000-\u200b\u202f\u2060\u3000：∶])|^ *(?:([‐‑‒–—―−•])[ \u00a0]"
    "|([*+]) (?=[a-z_]+: ))"
)
_TYPED = {"：": ":", "∶": ":", **dict.fromkeys("‐‑‒–—―−•*+", "-")}
#: Where these are told, the beginning of the trouble helps more than its end.
_SHOW_START = ("unexpected end of stream", "expected ',' or", "could not find expected ':'")
#: A line with a key and a text that YAML takes for something else without quotation marks.
_KEY_AND_TEXT = re.compile(r"\s*((?:- +)*[a-z_]+:) *(?:[|>][-+\d]* +)?([^\s|>[{].*?)\s*")
#: A text that begins with what looks like a list or a mapping, and goes on behind it.
_BRACKETED = re.compile(r" *((?:- +)*[a-z_]+:) *([\[{\]},].*?) *")
#: What git writes into a file that two people changed, and what a chat writes around lines.
_LEFT = re.compile(r"<{7} .*|={7}|>{7} .*|```.*")
_KEYS = "|".join({each.name for each in fields(Post)} - {"graphic", "place", "places"})
_IN_A_TEXT = re.compile(rf" *(?:- +)?({_KEYS}):(?: .*)?")
#: An entry whose dash has no space behind it, or a sister; a key without its colon or its space.
_NO_DASH = re.compile(r" *(?:-|--+ *)([a-z_]+: .*)")
_NO_SPACE = re.compile(rf" *((?:- +)?(?:(?:{_KEYS})(?=:\S)|[a-z_]+(?=:['\"]))):(.*?) *")
_NO_COLON = re.compile(r" *((?:- +)?[a-z_]+)(?: ?[;=] ?|:)(\S.*?) *")


def explained(error: yaml.MarkedYAMLError, lines: Sequence[str]) -> tuple[Any, str]:
    """Return where something is wrong, and what to do about it, in words of ours."""
    lines = [line.rstrip("\r") for line in lines]
    reported = " ".join(part for part in (error.context, error.problem) if part)
    mark, near = _mark(error), error.problem_mark.line if error.problem_mark else 0
    for number, line in enumerate(lines):
        if _LEFT.fullmatch(line):
            left = "left of a merge that is not settled; keep one version, and take such lines out"
            what = "no YAML; take the line out" if line[0] == "`" else left
            return _at(number, 0), f"{line[:7]} is {what}"
    for number in (near - 1, near):
        column, slip = _slip(lines[number] if 0 <= number < len(lines) else "")
        if slip:
            return _at(number, column), slip
    line = lines[mark.line] if mark and mark.line < len(lines) else ""
    if mark and line[mark.column :].startswith("\t"):
        return mark, "a tab stands here; indent with spaces"
    known = other_names("libyaml").items()
    advice = next((advice[0] for sign, advice in known if sign in reported), _NO_YAML)
    above = reversed(lines[: mark.line if mark else 0])
    before = next((each for each in above if each.strip()), "")
    same = error.problem_mark if mark and error.problem_mark and mark.line == near else None
    if special := _special(advice, line, before, same):
        return special[0] or mark, special[1]
    is_marked = any(sign in advice for sign in ("quotation mark", "behind it"))
    return mark, advice + (in_marks(line) if is_marked else "")


def _special(advice: str, line: str, before: str, found: Any) -> tuple[Any, str] | None:
    """Return what is said, and perhaps at which mark, where the line itself tells more."""
    if "a colon in text" in advice and line.count(": ") < 2 and _begin(line) > _begin(before):
        return None, "this line begins further right than the one above; begin both alike"
    if advice == _COLON and re.search(r": *[|>][-+\d]*$", before):
        return None, "text below a | or > begins further right than its key; indent it"
    if advice == _COLON and (match := _NO_COLON.fullmatch(line)):
        return None, f"{_COLON}; write: {match[1]}: {_as_value(match[2])}"
    if advice.startswith("a bracket") and re.search(r"[\[,] *#\w", line):
        right = re.sub(r"([\[,] *)#(?=\w)", r"\1", line).strip()
        return None, f"a # begins a comment, within brackets too; write: {right}"
    if advice.startswith("a bracket") and found and line[found.column :].startswith(": "):
        return found, _BRACED + _within(line, found.column)
    is_key = re.match(r" *[a-z_]+:", line) and re.match(r" *- ", before)
    if is_key and advice.startswith("each entry of a list"):
        right = f"{' ' * _begin(before)}{line.strip()}"
        return None, f"a key of an entry stands below its first one; write: {right}"
    if (match := _BRACKETED.fullmatch(line)) and advice.startswith(("this does not", "a value is")):
        needed = f"text that begins with {match[2][0]} needs quotation marks"
        return None, f"{needed}; write: {match[1]} {written(match[2])}"
    return None


def _within(line: str, colon: int) -> str:
    """Return a line with a text within its braces in quotation marks; empty where none is seen."""
    match = re.search(r"[a-z_]+: ([^,{}\[\]]*)$", line[:colon])
    rest = re.match(r"[^,{}\[\]]*", line[colon:])
    if not match or not rest:
        return ""
    text = written((match[1] + rest[0]).strip())
    return f"; write: {line[: match.start(1)].strip()} {text}{line[colon + rest.end() :]}"


def _as_value(text: str) -> str:
    """Return a text as it may stand behind a key; in quotation marks where it needs some."""
    return text if text[0] in "'\"" or re.fullmatch(r"[\w“’][^#:'\"]*", text) else written(text)


def swallowed(lines: Sequence[str], first: int) -> tuple[Any, str] | None:
    """Return the first line of a text below a | or > that was meant as a key of a post."""
    for number, line in enumerate(lines, first):
        if match := _IN_A_TEXT.fullmatch(line):
            return _at(number, _begin(line)), (
                f"“{line.strip()[:60]}” would be posted as text, as it stands indented below a | "
                f"or >; if `{match[1]}` is a key, begin it where the other keys begin; if it is "
                "text, write all of the text in quotation marks, with \\n for each line break"
            )
    return None


def _at(line: int, column: int) -> yaml.Mark:
    return yaml.Mark("", 0, line, column, None, 0)


def _mark(error: yaml.MarkedYAMLError) -> yaml.Mark | None:
    marks = (error.problem_mark, error.context_mark)
    if any(sign in (error.problem or "") for sign in _SHOW_START):
        marks = marks[::-1]
    return marks[0] or marks[1]


def _slip(line: str) -> tuple[int, str]:
    """Return the column of a wrong or missing sign in a line, and what to type; empty for none."""
    if (found := _ODD.search(line)) and (odd := next(filter(None, found.groups()))):
        typed = _TYPED.get(odd, "a plain space")
        return line.index(odd), f"{named(odd)} stands here; type {typed} instead"
    begin = len(line) - len(line.lstrip(" "))
    if found := _NO_DASH.fullmatch(line):
        return begin, f"an entry begins with one dash and a space; write: - {found[1]}"
    if found := _NO_SPACE.fullmatch(line):
        return begin, f"{_COLON}; write: {found[1]}: {_as_value(found[2])}"
    return 0, ""


def _begin(line: str) -> int:
    """Return the column of a line's first key or word."""
    return len(line) - len(line.lstrip(" -"))


def in_marks(line: str) -> str:
    """Return a line with its text in quotation marks, to be copied; empty where none is seen."""
    found = _KEY_AND_TEXT.fullmatch(line)
    if not found:
        return ""
    key, text = found.groups()
    if (mark := text[0]) in "'\"":
        inner = text[1:].removesuffix(mark)
        if text.endswith(mark) and mark not in inner:
            if "\\" in inner:
                text = "'" + inner.replace("'", "''") + "'"
            return f"; write: {key} {text}"
        text = inner.replace('""', '"') if mark == '"' else inner
    return f"; write: {key} {written(text)}"


def without_entries(text: str, places: Sequence[int], *, is_list: bool) -> str | None:
    """Return a file without the entries of its list, or the keys, that hold these lines.

    The lines stay, empty: what follows them keeps its place. None where nothing else is left.
    """
    lines = text.split("\n")
    dash = next((each for each in lines if re.match(r" *- ", each)), "- ")
    shape = re.escape(dash[: dash.index("-") + 2]) if is_list else r"\w"
    starts = [number for number, each in enumerate(lines) if re.match(shape, each)]
    both = zip(starts, [*starts[1:], len(lines)], strict=False)
    cut = [each for each in both if any(each[0] < at <= each[1] for at in places)]
    if len(cut) in (0, len(starts)):
        return None
    for start, end in cut:
        lines[start:end] = [""] * (end - start)
    return "\n".join(lines)
