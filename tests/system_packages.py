"""Read docs/system-packages.md: which programs tests may ask for, and what to say without one."""

from __future__ import annotations

import glob
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TABLE = Path(__file__).resolve().parent.parent / "docs" / "system-packages.md"


@dataclass(frozen=True, slots=True)
class SystemPackage:
    """One row of the table."""

    #: Debian's name.
    name: str
    #: Such as ``program:git`` or ``file:/usr/lib/…``; any one of them is enough.
    marks: tuple[str, ...]
    #: ``run``, ``test`` or ``image``.
    needed_for: str
    why: str

    @property
    def programs(self) -> tuple[str, ...]:
        return tuple(
            mark.removeprefix("program:") for mark in self.marks if mark.startswith("program:")
        )

    def find(self) -> str | None:
        """Return the path of the first of its programs or files that is installed, or None."""
        for mark in self.marks:
            kind, _, name = mark.partition(":")
            found = shutil.which(name) if kind == "program" else _newest(name)
            if found:
                return found
        return None

    @property
    def reason_without(self) -> str:
        return f"{self.name} (Debian's name) is not installed: {self.why}; `make setup` installs it"


def _newest(pattern: str) -> str | None:
    return max(glob.glob(pattern), default=None)  # noqa: PTH207 - absolute patterns


@cache
def system_packages() -> Mapping[str, SystemPackage]:
    """Return the rows by Debian's name."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    rows = [row for row in cells if len(row) == 4 and "`" in row[1]]
    return {
        name: SystemPackage(name, tuple(marks.split("`")[1::2]), needed_for, why)
        for name, marks, needed_for, why in rows
    }


def package_of(program: str) -> SystemPackage:
    """Return the row that brings a program.

    Raises:
        LookupError: no row names it, so `make setup` would not install it.
    """
    for package in system_packages().values():
        if program in package.programs:
            return package
    raise LookupError(f"no row of docs/system-packages.md names the program {program}")
