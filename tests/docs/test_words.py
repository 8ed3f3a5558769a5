"""One word, one meaning: the glossary is whole, and the code keeps to it."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from bot.delivery.model import State
from tests.docs.tree import files, read, table

UNUSED = ("Manager", "Helper", "Helpers", "Util", "Utils", "Handler")
UNUSED_ALONE = {"data", "info", "item", "process", "do", "utils", "helpers"}
#: Metaphors, and words that could be anything: what they meant has a plain name now.
#: Not `Place`, which stayed for a line and column of a file.
BANNED = """
    almanac anatomy asked backdrop book chore composition door doors ground happening hole house
    lanes letter likeness newsroom office one part post_office remark remarks repeated said seat
    settling stage stands standing strays telling theatre told trace traits verdict vouch wall wire
"""
CODE = {path: read(path) for path in files(".py") if path.parts[0] == "bot"}


def glossary() -> list[str]:
    return [row[0] for row in table(read("docs/glossary.md"), "# Glossary")]


def test_the_glossary_has_each_word_once_in_order() -> None:
    words = glossary()

    assert words == sorted(set(words))
    assert all(row[1] for row in table(read("docs/glossary.md"), "# Glossary"))


def test_the_glossary_has_the_states_of_a_delivery() -> None:
    rows = table(read("docs/glossary.md"), "## States of a delivery")

    assert [row[0] for row in rows] == [state.value for state in State]


def _defined(code: str, *kinds: type[ast.ClassDef | ast.FunctionDef]) -> list[str]:
    """Return the names without the underscore that makes them private."""
    found = (node for node in ast.walk(ast.parse(code)) if isinstance(node, kinds))
    return [node.name.lstrip("_") for node in found]


def twice(code: Mapping[Path, str]) -> dict[str, list[Path]]:
    """Find the class names that mean more than one thing."""
    places = defaultdict(list)
    for path, text in code.items():
        for name in _defined(text, ast.ClassDef):
            places[name].append(path)
    return {name: paths for name, paths in places.items() if len(paths) > 1}


def wrong_names(code: Mapping[Path, str]) -> list[str]:
    """Find the modules and classes that are called by a banned word."""
    return [
        f"{path}: {name}"
        for path, text in code.items()
        for name in (path.stem, *_defined(text, ast.ClassDef))
        if name.removesuffix("Error").lower() in BANNED.split()
    ]


def test_a_class_name_has_one_meaning_in_the_whole_bot() -> None:
    assert twice(CODE) == {}


def test_no_module_or_class_is_called_by_a_banned_word() -> None:
    assert wrong_names(CODE) == []


def test_a_second_meaning_and_a_banned_word_would_be_found() -> None:
    one, other, wall = Path("bot/one.py"), Path("bot/other.py"), Path("bot/wall.py")

    assert twice({one: "class Plan: ...", other: "class _Plan: ..."}) == {"Plan": [one, other]}
    assert wrong_names({wall: "class HoleError: ..."}) == [f"{wall}: wall", f"{wall}: HoleError"]


def test_no_name_is_a_word_that_says_nothing() -> None:
    wrong = [
        f"{path}: {name}"
        for path, text in CODE.items()
        for name in (path.stem, *_defined(text, ast.ClassDef, ast.FunctionDef))
        if name.endswith(UNUSED) or name in UNUSED_ALONE or re.match(r"Base[A-Z]", name)
    ]

    assert wrong == []
