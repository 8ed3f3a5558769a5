"""What does not depend on a history, beside what one would have anyway.

``python -m benchmarks.starting [--small]``: `--help` against bare Python, `check` against PyYAML's
C parser on the same files, and `check` after one edit among 10,000 posts, in processor time.
"""

from __future__ import annotations

import sys

from benchmarks.flat import BOT, median, run
from benchmarks.page import RUNS, Row, Section, alone
from benchmarks.rechecking import hundredths

_PARSE = (
    "import yaml, pathlib; files = pathlib.Path('posts').rglob('*.yaml');"
    "[yaml.load(file.read_bytes(), yaml.CBaseLoader) for file in files]"
)
_BESIDE = {
    "--help": ("bare Python", ("--help",), "pass"),
    "check": ("PyYAML's C parser alone, on the same files", ("check",), _PARSE),
}
_EDIT = "check after one edit"


def _rows(small: bool) -> list[Row]:
    runs, rows = 1 if small else RUNS, []
    for name, (against, words, code) in _BESIDE.items():
        ours, theirs = (
            median([run(*command) for _ in range(runs)]).seconds
            for command in ((*BOT, *words), (sys.executable, "-c", code))
        )
        cells = (against, f"{ours:.2f} s", f"{theirs:.2f} s")
        rows.append(Row(name, cells, ours / theirs))
    share = hundredths(posts=200, runs=1) if small else hundredths()
    cells = ("a hundredth of a full check of 10,000 posts", f"{share:.1f} %", "1 %")
    return [*rows, Row(_EDIT, cells, share)]


SECTION = Section(
    "Starting",
    "Processor time of a process from its start to its end; the aims are 5 for `--help`, 5 for a"
    " check of 10,000 posts and 5 after one edit (`benchmarks/starting.py`).",
    (*_BESIDE, _EDIT),
    _rows,
    ("PyYAML", "pydantic"),
    "benchmarks-starting.svg",
)

if __name__ == "__main__":
    sys.exit(alone(SECTION))
