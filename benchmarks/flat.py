"""What a long history costs: each verb and page on ten years of history against one month.

``python -m benchmarks.flat`` writes docs/benchmarks.md; ``--check`` names what got worse by more
than a fifth, or has no figure there. Figures are processor time and peak memory, medians of five
runs; what counts is the ratio of two runs on the same machine in the same minutes.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import sqlite3
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.rechecking import hundredths

ROOT = Path(__file__).parents[1]
PAGE, PICTURE = ROOT / "docs" / "benchmarks.md", ROOT / "docs" / "benchmarks-flat.svg"
RUNS = 5
WORSE = 1.2
BOT = (sys.executable, "run_bot.py")
VERBS = {
    "status": "status",
    "plan": "plan --days 30",
    "held": "held",
    "engagement": "engagement",
    "engagement by account": "engagement --by account",
}
PAGES = ("/", "/calendar", "/accounts", "/held", "/log", "/engagement?period=30d", "/engagement")
ADDRESS = "127.0.0.1:8799"
_LIBRARIES = ("sqlalchemy", "pydantic", "PyYAML")
_PARSE = (
    "import yaml, pathlib; files = pathlib.Path('posts').rglob('*.yaml');"
    "[yaml.load(file.read_bytes(), yaml.CBaseLoader) for file in files]"
)


@dataclass(frozen=True, slots=True)
class Cost:
    """Processor seconds, and megabytes at most."""

    seconds: float
    megabytes: float


def run(*command: str) -> Cost:
    """Run a command; return what it cost."""
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as child:
        said = child.stderr.read() if child.stderr else b""
        _pid, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{command}: {said.decode()}")
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def median(costs: list[Cost]) -> Cost:
    return Cost(
        statistics.median(cost.seconds for cost in costs),
        statistics.median(cost.megabytes for cost in costs),
    )


@contextmanager
def served(data: Path) -> Iterator[Callable[[str], Cost]]:
    """Run the service on a history; yield what measures a page of its desk."""
    environment = {**os.environ, "VERBATIM_WEB": ADDRESS}
    child = subprocess.Popen(
        (*BOT, "run", "--data", str(data)), cwd=ROOT, env=environment, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://{ADDRESS}/", timeout=60).read()
                break
            except OSError:
                time.sleep(0.2)
        yield lambda page: _page(child.pid, page)
    finally:
        child.terminate()
        child.wait(60)


def _page(pid: int, page: str) -> Cost:
    before = _spent(pid)
    urllib.request.urlopen(f"http://{ADDRESS}{page}", timeout=300).read()
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+)", status)
    return Cost(_spent(pid) - before, int(found[1]) / 1024 if found else 0)


def _spent(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measured(data: Path, only: str) -> dict[str, Cost]:
    """Measure on one history what is called so."""
    found = {
        name: median([run(*BOT, *verb.split(), "--data", str(data)) for _ in range(RUNS)])
        for name, verb in VERBS.items()
        if re.fullmatch(only, name)
    }
    with served(data) as look:
        for page in (page for page in PAGES if re.fullmatch(only, f"page {page}")):
            look(page)  # the first one reads templates
            found[f"page {page}"] = median([look(page) for _ in range(RUNS)])
    return found


def starts() -> dict[str, tuple[str, float]]:
    """Measure what does not depend on a history, against what one would have anyway."""

    def cpu(*command: str) -> float:
        return median([run(*command) for _ in range(RUNS)]).seconds

    bare, parsed = cpu(sys.executable, "-c", "pass"), cpu(sys.executable, "-c", _PARSE)
    return {
        "--help": ("bare Python", cpu(*BOT, "--help") / bare),
        "check": ("PyYAML's C parser on the same files", cpu(*BOT, "check") / parsed),
        "check after one edit": ("hundredths of a check of 10,000 posts", hundredths()),
    }


def page_of(small: Mapping[str, Cost], large: Mapping[str, Cost], deliveries: int) -> str:
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    rows = [
        f"| {name} | {small[name].seconds:.2f} | {large[name].seconds:.2f} "
        f"| {_ratio(small[name], large[name]):.1f} | {small[name].megabytes:.0f} "
        f"| {large[name].megabytes:.0f} |"
        for name in small
    ]
    starting = [f"| {name} | {what} | {times:.1f} |" for name, (what, times) in starts().items()]
    return "\n".join([
        "# Benchmarks",
        "",
        "Written by `make bench`; `make bench-check` names what got worse by more than a fifth,"
        " and what has no figure here.",
        f"Medians of {RUNS} runs, in processor time, so that a busy machine changes little; what"
        " counts are the ratios.",
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {libraries}.",
        "",
        "## A long history",
        "",
        f"82 deliveries of a month against {deliveries:,} of ten years, with six snapshots each"
        " (`benchmarks/history.py`).",
        "",
        "![Ratios](benchmarks-flat.svg)",
        "",
        "| | small, s | large, s | ratio | small, MB | large, MB |",
        "| --- | --- | --- | --- | --- | --- |",
        *rows,
        "",
        "A page's memory is the service's after it was shown.",
        *unmeasured(small),
        "",
        "## Starting",
        "",
        "| | against | times |",
        "| --- | --- | --- |",
        *starting,
        "",
    ])  # fmt: skip


def unmeasured(rows: Collection[str]) -> list[str]:
    """Return what the page says of rows that it has not; nothing where it has all."""
    wanted = (*VERBS, *(f"page {page}" for page in PAGES))
    missing = [f"`{name}`" for name in wanted if name not in rows]
    return [f"Not measured yet: {', '.join(missing)}."] if missing else []


def _ratio(small: Cost, large: Cost) -> float:
    # The kernel counts a process's time in hundredths.
    return large.seconds / max(small.seconds, 0.01)


def picture_of(small: Mapping[str, Cost], large: Mapping[str, Cost]) -> str:
    ratios = {name: _ratio(small[name], large[name]) for name in small}
    most, bars = max(*ratios.values(), 3.0), []
    for place, (name, ratio) in enumerate(ratios.items()):
        y, width = 24 + place * 22, 320 * ratio / most
        bars.append(
            f'<text x="170" y="{y + 12}" text-anchor="end">{escape(name)}</text>'
            f'<rect x="176" y="{y}" width="{width:.0f}" height="16" fill="#2a6f97"/>'
            f'<text x="{182 + width:.0f}" y="{y + 12}">{ratio:.1f}</text>'
        )
    height = 32 + 22 * len(ratios)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 560 {height}" '
        'font-family="sans-serif" font-size="12"><title>Cost on a long history, times that on a '
        f'short one</title><text x="176" y="14">times the short history</text>{"".join(bars)}'
        "</svg>\n"
    )


def ratios_in(page: str) -> dict[str, float]:
    """Read back the ratios of a page."""
    lines = (line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| "))
    found = {}
    for cells in lines:
        number = cells[3] if len(cells) == 6 else cells[-1]
        if re.fullmatch(r"[\d.]+", number):
            found[cells[0]] = float(number)
    return found


def failures(before: Mapping[str, float], now: Mapping[str, float]) -> list[str]:
    """Name what got worse by more than a fifth, and what there is nothing to compare with."""
    return [
        f"{name}: {ratio:.1f} times, was {before[name]:.1f}" if name in before else
        f"{name}: {ratio:.1f} times, and docs/benchmarks.md has no figure for it"
        for name, ratio in now.items()
        if name not in before or ratio > WORSE * before[name]
    ]  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--deliveries", type=int, default=100_000)
    parser.add_argument("--kept", type=Path, help="a folder with `small` and `big`, made before")
    parser.add_argument("--only", default=".*", help="a regular expression: which rows")
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    with TemporaryDirectory() as scratch:
        folder = given.kept or Path(scratch)
        for name, count in (("small", 82), ("big", given.deliveries)):
            if not (folder / name).exists():
                run(sys.executable, "-m", "benchmarks.history", str(folder / name), "--deliveries",
                    str(count))  # fmt: skip
        small, large = (measured(folder / name, given.only) for name in ("small", "big"))
    page = page_of(small, large, given.deliveries)
    if not given.check:
        PAGE.write_text(page, encoding="utf-8")
        PICTURE.write_text(picture_of(small, large), encoding="utf-8")
        return 0
    worse = failures(ratios_in(PAGE.read_text(encoding="utf-8")), ratios_in(page))
    print(*worse, sep="\n", end="\n" if worse else "")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
