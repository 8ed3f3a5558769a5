"""One word, one meaning: the glossary is whole, and the code keeps to it."""

from __future__ import annotations

import ast
import re

from bot.delivery.model import State
from tests.docs.tree import files, read, table

UNUSED = ("Manager", "Helper", "Helpers", "Util", "Utils", "Handler")
UNUSED_ALONE = {"data", "info", "item", "process", "do", "utils", "helpers"}


def glossary() -> list[str]:
    return [row[0] for row in table(read("docs/glossary.md"), "# Glossary")]


def test_the_glossary_has_each_word_once_in_order() -> None:
    words = glossary()

    assert words == sorted(set(words))
    assert all(row[1] for row in table(read("docs/glossary.md"), "# Glossary"))


def test_the_glossary_has_the_states_of_a_delivery() -> None:
    rows = table(read("docs/glossary.md"), "## States of a delivery")

    assert [row[0] for row in rows] == [state.value for state in State]


def test_no_name_is_a_word_that_says_nothing() -> None:
    wrong = [
        f"{path}: {name}"
        for path in files(".py")
        if path.parts[0] == "bot"
        for name in [path.stem, *_defined(read(path))]
        if name.endswith(UNUSED) or name.lstrip("_") in UNUSED_ALONE
    ]

    assert wrong == []


def test_no_class_is_a_base_of_something() -> None:
    wrong = [
        f"{path}: {name}"
        for path in files(".py")
        if path.parts[0] == "bot"
        for name in _defined(read(path))
        if re.match(r"_?Base[A-Z]", name)
    ]

    assert wrong == []


def _defined(code: str) -> list[str]:
    kinds = (ast.ClassDef, ast.FunctionDef)
    return [node.name for node in ast.walk(ast.parse(code)) if isinstance(node, kinds)]
