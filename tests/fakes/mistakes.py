"""Tables of mistakes as editors make them, each with what they are told."""

from __future__ import annotations


def mistakes(table: str) -> list[tuple[str, str]]:
    """Return what is typed, at the margin (``⏎`` ends a line), and what is told, below it."""
    found: list[tuple[str, str]] = []
    for line in table.strip("\n").splitlines():
        if line.startswith(" "):
            typed, told = found.pop()
            found.append((typed, f"{told} {line.strip()}".strip()))
        else:
            found.append((line.replace("⏎", "\n"), ""))
    return found


def changes(table: str) -> list[tuple[str, str, str]]:
    """Return what stands in a file, what is typed instead (behind ``=>``), and what is told."""
    found: list[tuple[str, str, str]] = []
    for typed, told in mistakes(table):
        old, new = typed.split(" => ")
        found.append((old, new, told))
    return found
