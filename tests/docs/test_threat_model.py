"""The threat model has a line for each attack that the tests try, and no other."""

from __future__ import annotations

from importlib import import_module

from tests.attacks.attack import BEGIN, END, Attack, lines_of
from tests.docs.tree import files, read


def attacks() -> list[Attack]:
    """Return what the tests of `tests/attacks` try."""
    return [
        mark.args[0]
        for path in files(".py")
        if path.match("tests/attacks/test_*.py")
        for test in vars(import_module(".".join(path.with_suffix("").parts))).values()
        for mark in getattr(test, "pytestmark", [])
        if mark.name == "attack"
    ]


def test_the_page_has_a_line_for_each_attack() -> None:
    written = read("docs/threat-model.md").split(BEGIN)[1].split(END)[0].strip()

    assert sorted(written.splitlines()) == sorted(lines_of(attacks()).splitlines())


def test_each_test_of_an_attack_says_what_is_tried() -> None:
    silent = [
        f"{path}: {name}"
        for path in files(".py")
        if path.match("tests/attacks/test_*.py")
        for name, test in vars(import_module(".".join(path.with_suffix("").parts))).items()
        if name.startswith("test_")
        and not any(mark.name == "attack" for mark in getattr(test, "pytestmark", []))
    ]

    assert not silent
