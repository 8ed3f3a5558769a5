"""What does not depend on a history, beside what one would have anyway.

``python -m benchmarks.starting [--small]``: `--help` against bare Python, `check` of the shipped
campaign, of 10,000 posts against PyYAML's C parser on the same files, and after one edit among
them, in processor time.
"""

from __future__ import annotations

import sys

from benchmarks.flat import BOT, median, run
from benchmarks.page import RUNS, Row, Section, alone
from benchmarks.rechecking import measured

_HELP, _SHIPPED, _MANY, _EDIT = (
    "--help", "check, as shipped", "check of 10,000 posts", "check after one edit among them",
)  # fmt: skip


def _rows(small: bool) -> list[Row]:
    runs = 1 if small else RUNS
    bare, helped, shipped = (
        median([run(*command) for _ in range(runs)]).seconds
        for command in ((sys.executable, "-c", "pass"), (*BOT, "--help"), (*BOT, "check"))
    )
    full, edited, parsed = measured(200, 1) if small else measured()
    parser = "PyYAML's C parser alone, on the same files"
    return [
        Row(_HELP, ("bare Python", f"{helped:.3f} s", f"{bare:.3f} s"), helped / bare),
        Row(_SHIPPED, ("the aim", f"{shipped:.2f} s", "0.5 s"), shipped / 0.5),
        Row(_MANY, (parser, f"{full:.2f} s", f"{parsed:.2f} s"), full / parsed),
        Row(_EDIT, ("a hundredth of a full check", f"{edited:.3f} s", f"{full / 100:.3f} s"),
            100 * edited / full),
    ]  # fmt: skip


SECTION = Section(
    "Starting",
    "Processor time of a process from its start to its end, and of a check of made-up posts in one"
    " process; the aims are 5 for `--help`, 5 for 10,000 posts and 5 after one edit"
    " (`benchmarks/starting.py`).",
    (_HELP, _SHIPPED, _MANY, _EDIT),
    _rows,
    ("PyYAML", "pydantic"),
    "benchmarks-starting.svg",
)

if __name__ == "__main__":
    sys.exit(alone(SECTION))
