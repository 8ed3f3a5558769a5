"""docs/benchmarks.md: its sections and rows, reading its figures back, and its pictures."""

from __future__ import annotations

import argparse
import json
import platform
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from importlib.metadata import version
from pathlib import Path

from tests.servers.pds import find_node

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
RUNS = 5
WORSE = 1.2
#: Columns of most tables, between a row's name and its ratio.
BESIDE = ("against", "ours", "theirs")
TOP = """# Benchmarks

Written by `make bench`; `make bench-check` names what got worse by more than a fifth, and what has\
 no figure here.
What counts is the last column, the ratio of two figures of one run; less is better in every row.
Figures are medians of 5 runs where one takes seconds; the rest say what they are.
`python -m benchmarks --only WORDS` measures the sections whose titles have these words, and\
 leaves the others as they are.
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table; its ratio is the last column."""

    name: str
    cells: tuple[str, ...]
    times: float


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the page, and what measures it."""

    title: str
    about: str
    #: Names of all its rows, so that the page can say which it lacks.
    names: tuple[str, ...]
    #: Takes whether a trial is enough; returns the rows.
    measure: Callable[[bool], list[Row]]
    #: What its figures depend on besides Python.
    tools: tuple[str, ...]
    #: In docs/.
    picture: str
    columns: tuple[str, ...] = BESIDE
    last: str = "times"


def text_of(section: Section, rows: Sequence[Row]) -> str:
    """Return a section as the page has it."""
    width = len(section.columns) + 2
    versions = ", ".join(f"{name} {version_of(name)}" for name in ("Python", *section.tools))
    return "\n".join([
        f"## {section.title}",
        "",
        section.about,
        f"Measured on {datetime.now(UTC):%Y-%m-%d} with {versions}.",
        "",
        f"![{section.title}]({section.picture})",
        "",
        f"| | {' | '.join(section.columns)} | {section.last} |",
        "| --- " * width + "|",
        *(f"| {row.name} | {' | '.join(row.cells)} | {row.times:.2f} |" for row in rows),
        *unmeasured(section, {row.name for row in rows}),
        "",
    ])  # fmt: skip


def unmeasured(section: Section, names: Collection[str]) -> list[str]:
    """Return what the page says of rows that it lacks; nothing where it has all."""
    missing = [f"`{name}`" for name in section.names if name not in names]
    return ["", f"Not measured yet: {', '.join(missing)}."] if missing else []


def merged(page: str, sections: Mapping[str, str]) -> str:
    """Put sections, by title, into a page; what it has of others stays."""
    parts = re.split(r"(?m)^(?=## )", page)[1:]
    kept = {part.splitlines()[0].removeprefix("## "): part.rstrip() + "\n" for part in parts}
    return "\n".join([TOP, *(kept | dict(sections)).values()])


def ratios_in(page: str) -> dict[str, float]:
    """Read back the ratios of a page."""
    lines = (line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| "))
    return {
        cells[0]: float(cells[-1]) for cells in lines if re.fullmatch(r"\d+(\.\d+)?", cells[-1])
    }


def failures(before: Mapping[str, float], now: Mapping[str, float]) -> list[str]:
    """Name what got worse by more than a fifth, and what there is nothing to compare with."""
    return [
        f"{name}: {ratio:.2f} times, was {before[name]:.2f}" if name in before else
        f"{name}: {ratio:.2f} times, and docs/benchmarks.md has no figure for it"
        for name, ratio in now.items()
        if name not in before or ratio > WORSE * before[name]
    ]  # fmt: skip


def picture_of(section: Section, rows: Sequence[Row]) -> str:
    """Draw the ratios as bars; a line marks 1, where both are alike."""
    most, bars = max([1.0, *(row.times for row in rows)]), []
    for place, row in enumerate(rows):
        y, width = 24 + place * 22, 320 * row.times / most
        bars.append(
            f'<text x="330" y="{y + 12}" text-anchor="end">{escape(row.name)}</text>'
            f'<rect x="336" y="{y}" width="{width:.0f}" height="16" fill="#2a6f97"/>'
            f'<text x="{342 + width:.0f}" y="{y + 12}">{row.times:.2f}</text>'
        )
    height, alike = 32 + 22 * len(rows), 336 + 320 / most
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 {height}" '
        f'font-family="sans-serif" font-size="12"><title>{escape(section.title)}</title>'
        f'<text x="330" y="14" text-anchor="end">{escape(section.last)}</text>'
        f'<text x="{alike:.0f}" y="14" text-anchor="middle">1</text>'
        f'<path d="M{alike:.0f} 20V{height - 8}" stroke="#888" stroke-dasharray="3 3"/>'
        f"{''.join(bars)}</svg>\n"
    )


def version_of(name: str) -> str:
    """Return the version of a program, a Python package, or a Node package of the tests."""
    if name in {"Python", "SQLite"}:
        return platform.python_version() if name == "Python" else sqlite3.sqlite_version
    if name in {"PostgreSQL", "Node.js"}:
        found = shutil.which("postgres") if name == "PostgreSQL" else find_node().program
        told = subprocess.run([found, "--version"], capture_output=True, text=True, check=True)\
            .stdout if found else ""  # fmt: skip
        number = re.search(r"\d[\d.]*", told)
        return number[0] if number else "not installed"
    for file in ROOT.glob(f"tests/*/node_modules/{name}/package.json"):
        return str(json.loads(file.read_text(encoding="utf-8"))["version"])
    return version(name)


def alone(section: Section) -> int:
    """Measure one section and print it; ``--small`` is a trial of seconds."""
    parser = argparse.ArgumentParser(description=section.about)
    parser.add_argument("--small", action="store_true", help="a trial; its figures mean nothing")
    print(text_of(section, section.measure(parser.parse_args().small)))
    return 0


def measured(sections: Sequence[Section], *, small: bool) -> Iterator[tuple[Section, list[Row]]]:
    """Yield each section with its rows; none for one that fails, which loses only its own."""
    for section in sections:
        print(f"measuring: {section.title}", file=sys.stderr, flush=True)
        try:
            rows = section.measure(small)
        except SystemExit as error:
            print(f"{section.title}: {error}", file=sys.stderr, flush=True)
            rows = []
        yield section, rows


def update(sections: Sequence[Section], *, small: bool) -> int:
    """Measure sections and write each into the page once it is done; a trial prints only.

    Returns:
        1 where one failed: the page keeps what it had of it.
    """
    failed = False
    for section, rows in measured(sections, small=small):
        failed |= not rows
        text = text_of(section, rows)
        if small or not rows:
            print(text)
            continue
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(merged(page, {section.title: text}), encoding="utf-8")
        picture = picture_of(section, rows)
        (PAGE.parent / section.picture).write_text(picture, encoding="utf-8")
    return int(failed)


def compare(sections: Sequence[Section]) -> int:
    """Measure sections, print them, and what got worse, failed, or has nothing to compare with."""
    before = ratios_in(PAGE.read_text(encoding="utf-8"))
    worse: list[str] = []
    for section, rows in measured(sections, small=False):
        print(text_of(section, rows))
        worse += failures(before, {row.name: row.times for row in rows})
        worse += [] if rows else [f"{section.title}: could not be measured"]
    print(*worse, sep="\n", end="\n" if worse else "")
    return 1 if worse else 0
