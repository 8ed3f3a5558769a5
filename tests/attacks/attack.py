"""What each test of an attack says of it: a line of docs/threat-model.md."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import pytest

_Test = TypeVar("_Test", bound=Callable[..., object])

#: Between these lines of the page stands what was tried; the rest of it is written by hand.
BEGIN, END = "<!-- written by `make threat-model` -->", "<!-- end of what it writes -->"


class Attacker(StrEnum):
    """Who is hostile."""

    GIT = "A stolen git account"
    SERVER = "One hostile server"
    NETWORK = "Somebody on the network"
    DATABASE = "A stolen database"
    SHELL = "A stolen shell of the bot's user"
    APPROVER = "One hostile approver"
    EDITOR = "A hostile text or picture"
    VISITOR = "Anyone who reaches the desk"


@dataclass(frozen=True, slots=True)
class Attack:
    """One thing that was tried, and what came of it."""

    by: Attacker
    tried: str
    comes_of_it: str
    #: What stays possible; empty for nothing known.
    remains: str = ""


def attack(
    by: Attacker, *, tried: str, comes_of_it: str, remains: str = ""
) -> Callable[[_Test], _Test]:
    """Return a decorator that gives a test its line of docs/threat-model.md."""
    return pytest.mark.attack(Attack(by, tried, comes_of_it, remains))


def lines_of(attacks: Iterable[Attack]) -> str:
    """Return the tables of the page: one an attacker."""
    found = list(attacks)
    parts = []
    for by in Attacker:
        rows = [
            f"| {each.tried} | {each.comes_of_it} | {each.remains} |"
            for each in found
            if each.by is by
        ]
        if rows:
            head = [f"### {by} ({len(rows)})", "", "| tried | what comes of it | what remains |"]
            parts.append("\n".join([*head, "| --- | --- | --- |", *rows]))
    return "\n\n".join(parts)


def page_with(page: str, attacks: Iterable[Attack]) -> str:
    """Return the page with its tables written anew."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{lines_of(attacks)}\n\n{END}{after}"
