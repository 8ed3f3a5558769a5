"""What the faults did, counted the same for all of them, and the table that is made of it."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.delivery.model import Delivery, State
from tests.faults.ledgers import Taken

PROPERTY = "fault"
COLUMNS = (
    "Row", "Fault", "Times injected", "Deliveries", "Once", "Duplicate", "Lost", "Held, and why",
    "Worst lateness",
)  # fmt: skip
_COUNTS = ("injected", "deliveries", "once", "duplicate", "lost")
BEGIN, END = "<!-- written by `make storm` -->", "<!-- end of what `make storm` writes -->"


@dataclass(frozen=True, slots=True)
class FaultLine:
    """One fault, and what came of it."""

    #: Of the fault matrix.
    row: int
    fault: str
    injected: int = 0
    deliveries: int = 0
    once: int = 0
    duplicate: int = 0
    lost: int = 0
    held: Mapping[str, int] = field(default_factory=dict)
    #: Seconds from due to taken, by the platform's ledger; None where it is not measured.
    lateness: float | None = None
    #: Other figures by their name; the headline is made of them.
    also: Mapping[str, float] = field(default_factory=dict)

    def cells(self) -> tuple[str, ...]:
        held = "; ".join(f"{count} {why}" for why, count in sorted(self.held.items())) or "–"
        late = "–" if self.lateness is None else f"{self.lateness:.1f} s"
        counts = (getattr(self, name) for name in _COUNTS)
        return (str(self.row), self.fault, *map(str, counts), held, late)

    def __str__(self) -> str:
        also = "".join(f" {name}={value:g}" for name, value in self.also.items())
        told = zip(COLUMNS[2:], self.cells()[2:], strict=True)
        return f"row {self.row}: {self.fault}: " + ", ".join(f"{a} {b}" for a, b in told) + also


class Counts:
    """Takes what a test counted into its report."""

    def __init__(self, properties: list[tuple[str, Any]]) -> None:
        self._properties = properties

    def __call__(self, row: int, fault: str, counted: Mapping[str, Any] | None = None,
                 **more: Any) -> FaultLine:  # fmt: skip
        """Note a line; of a crash enumeration its own outcome is taken."""
        known = dict(counted or {})
        if "schedules" in known:
            done = ("once", "duplicate", "lost")
            known = {
                **{name: known[name] for name in done},
                "held": known["held"],
                "injected": known["kills"],
                "deliveries": sum(known[name] for name in done) + sum(known["held"].values()),
                "also": {
                    "points": known["points"], "schedules": known["schedules"],
                    "slowest restart": known["slowest"],
                },
            }  # fmt: skip
        line = FaultLine(row, fault, **{**known, **more})
        self._properties.append((PROPERTY, asdict(line)))
        return line


def judged(rows: Sequence[Delivery], seen: Mapping[str, int]) -> dict[str, Any]:
    """Hold what the outbox says against how often the platforms took each text."""
    counted: dict[str, Any] = {"deliveries": len(rows), "once": 0, "duplicate": 0, "lost": 0}
    held: dict[str, int] = {}
    for row in rows:
        count = seen.get(row.status.text, 0)
        if count > 1:
            counted["duplicate"] += 1
        elif row.state is State.HELD:
            why = str(row.reason)
            held[why] = held.get(why, 0) + 1
        elif count == 1 and row.state is State.SENT:
            counted["once"] += 1
        else:
            counted["lost"] += 1
    return {**counted, "held": held}


def judged_by_account(
    rows: Sequence[Delivery], live: Mapping[str, Iterable[str]]
) -> dict[str, Any]:
    """Do so for each account apart, with the texts that it shows, and add up."""
    counts = dict.fromkeys(_COUNTS[1:], 0)
    held: Counter[str] = Counter()
    for account, texts in live.items():
        counted = judged([row for row in rows if row.account == account], Counter(texts))
        held += Counter(counted["held"])
        counts = {name: counts[name] + counted[name] for name in counts}
    return {**counts, "held": dict(held)}


def judged_by_ledger(rows: Sequence[Delivery], taken: Sequence[Taken]) -> dict[str, Any]:
    """Do so with what the networks took, and tell how late the last was."""
    live = {
        account: [status.text for status in taken if status.account == account]
        for account in {row.account for row in rows}
    }
    first = min((row.due_at for row in rows if row.due_at), default=None)
    late = max((status.at - first for status in taken), default=None) if first else None
    lateness = None if late is None else round(late.total_seconds(), 1)
    return {**judged_by_account(rows, live), "lateness": lateness}


def total(*counted: Mapping[str, Any]) -> dict[str, Any]:
    """Add up what several runs counted."""
    held: Counter[str] = Counter()
    for counts in counted:
        held += Counter(counts["held"])
    late = [counts["lateness"] for counts in counted if counts["lateness"] is not None]
    sums = {name: sum(counts[name] for counts in counted) for name in _COUNTS[1:]}
    return {**sums, "held": dict(held), "lateness": max(late, default=None)}


@dataclass(frozen=True, slots=True)
class CountedTest:
    """What one test counted."""

    test: str
    passed: bool = True
    lines: tuple[FaultLine, ...] = ()


def keep(path: Path, tests: Sequence[CountedTest]) -> list[CountedTest]:
    """Add a run to those that are kept; of each test give what it counted last."""
    with path.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(asdict(test)) + "\n" for test in tests)
    found: dict[str, CountedTest] = {}
    for told in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
        lines = tuple(FaultLine(**line) for line in told["lines"])
        found[told["test"]] = CountedTest(told["test"], told["passed"], lines)
    return list(found.values())


def write_report(path: Path, tests: Sequence[CountedTest]) -> None:
    """Put the table and the headline between the two marks of a page; it names what failed."""
    before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    lines = [line for test in tests for line in test.lines]
    bad = [f"**Failed: `{test.test}`.**" for test in tests if not test.passed]
    told = (
        BEGIN, "", *bad, *([""] if bad else []), f"Run on {_run(path)}.", "",
        *_headline(lines), "", *_table(merged(lines)),
    )  # fmt: skip
    path.write_text(before + "\n".join((*told, "", END)) + after, encoding="utf-8")


def merged(lines: Sequence[FaultLine]) -> list[FaultLine]:
    """Add up the lines of one fault, in the order of the matrix."""
    found: dict[tuple[int, str], FaultLine] = {}
    for line in lines:
        key = line.row, line.fault
        found[key] = _sum(found[key], line) if key in found else line
    return [found[key] for key in sorted(found)]


def _sum(one: FaultLine, other: FaultLine) -> FaultLine:
    counts = {name: getattr(one, name) + getattr(other, name) for name in _COUNTS}
    late = [each.lateness for each in (one, other) if each.lateness is not None]
    held = Counter(one.held) + Counter(other.held)
    return replace(one, **counts, held=dict(held), lateness=max(late, default=None))


def _table(lines: Sequence[FaultLine]) -> list[str]:
    rows = [COLUMNS, tuple("---" for _ in COLUMNS), *(line.cells() for line in lines)]
    return ["| " + " | ".join(cells) + " |" for cells in rows]


def _headline(lines: Sequence[FaultLine]) -> list[str]:
    def total(name: str) -> int:
        return int(sum(line.also.get(name, 0) for line in lines))

    def worst(name: str) -> float:
        return max((line.also[name] for line in lines if name in line.also), default=0.0)

    # Seeded pairs and the like pass the same points again.
    points = int(sum(line.also.get("points", 0) for line in lines if line.row == 1))
    sums = {name: sum(getattr(one, name) for one in lines) for name in ("duplicate", "lost")}
    return [
        f"- Crash points enumerated: {points}; schedules run: {total('schedules')};"
        f" kills: {total('kills') + sum(one.injected for one in lines if 1 <= one.row <= 4)}.",
        f"- All pairs of kills: {total('pairs')}, for which {total('states')} distinct states"
        f" after the first kill stand; {total('pairs killed')} second kills were really done.",
        f"- Deliveries: {sum(one.deliveries for one in lines)}; duplicate {sums['duplicate']},"
        f" lost {sums['lost']}.",
        f"- p99 lateness without faults: {worst('p99 lateness'):.2f} s.",
        f"- Worst recovery after `kill -9`: {worst('recovery'):.1f} s.",
        f"- A standby took over within {worst('take-over'):.1f} s of a death.",
        f"- All in doubt was settled {worst('settled after calm'):.1f} s after a storm ended;"
        " the waits before a read are short there, at X they are a minute, and 90 s to the next.",
    ]


def _run(page: Path) -> str:
    made = datetime.now(UTC).date().isoformat()
    machine = f"Python {platform.python_version()}, {os.cpu_count()} processors"
    return f"{made} ({machine}) at `{_revision(page)}`"


def _revision(page: Path) -> str:
    """Name what was run; the page itself, written stage by stage, does not make it another."""
    revision = _git("describe", "--always")
    changed = _git("status", "--porcelain", "--", ":/", f":(top,exclude,glob)**/{page.name}")
    return (revision or "unknown") + ("-dirty" if changed else "")


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], capture_output=True, text=True, check=False)
    return done.stdout.strip()
