"""What a long history costs: each verb and page on ten years of history against one month.

``python -m benchmarks.flat [--small]`` prints it. Figures are processor time and peak memory,
medians of five runs; what counts is the ratio of two runs on the same machine in the same minutes.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.page import ROOT, RUNS, Row, Section, text_of

BOT = (sys.executable, "run_bot.py")
VERBS = {
    "status": "status",
    "plan": "plan --days 30",
    "held": "held",
    "engagement": "engagement",
    "engagement by account": "engagement --by account",
}
START = "run, to its first page"
PAGES = ("/", "/calendar", "/accounts", "/held", "/log", "/engagement?period=30d", "/engagement")
ADDRESS = "127.0.0.1:8799"
_MONTH, _DECADE = 82, 100_000
#: The kernel counts a process's time in hundredths of a second, of which a page takes a few.
_LOOKS = 10


@dataclass(frozen=True, slots=True)
class Cost:
    """Processor seconds, megabytes at most, and seconds of a clock."""

    seconds: float
    megabytes: float
    elapsed: float = 0.0


#: A process begins with the most memory that the one which started it ever had, as the kernel
#: counts it; so a small one starts what is measured.
_START = """
import os, subprocess, sys, time
begun = time.monotonic()
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_pid, status, usage = os.wait4(child.pid, 0)
took = time.monotonic() - begun
child.returncode = os.waitstatus_to_exitcode(status)
print(child.returncode, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, took)
"""


def run(*command: str, **variables: str) -> Cost:
    """Run a command; return what it cost."""
    done = subprocess.run(
        (sys.executable, "-I", "-S", "-c", _START, *command),
        cwd=ROOT, env=os.environ | variables, capture_output=True, text=True, check=False,
    )  # fmt: skip
    code, *figures = done.stdout.split() or ["no result"]
    if code != "0":
        raise SystemExit(f"{command}: {done.stderr}")
    return Cost(*map(float, figures))


def median(costs: list[Cost]) -> Cost:
    return Cost(
        statistics.median(cost.seconds for cost in costs),
        statistics.median(cost.megabytes for cost in costs),
        statistics.median(cost.elapsed for cost in costs),
    )


@contextmanager
def served(data: Path) -> Iterator[tuple[Cost, Callable[[str], Cost]]]:
    """Run the service on a history; yield what its start cost, and what measures a page."""
    environment = {**os.environ, "VERBATIM_WEB": ADDRESS}
    begun = time.monotonic()
    child = subprocess.Popen(
        (*BOT, "run", "--data", str(data)), cwd=ROOT, env=environment, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://{ADDRESS}/", timeout=60).read()
                break
            except OSError:
                time.sleep(0.1)
        spent, elapsed = _spent(child.pid), time.monotonic() - begun
        _settle(child.pid)
        start = Cost(spent, _memory(child.pid), elapsed)
        yield start, lambda page: _page(child.pid, page)
    finally:
        child.terminate()
        child.wait(60)


def _settle(pid: int) -> None:
    """Wait until a service does no more of its own: what it does after a start is no page's."""
    for _ in range(60):
        before = _spent(pid)
        time.sleep(2)
        if _spent(pid) - before < 0.05:
            return


def _page(pid: int, page: str) -> Cost:
    before = _spent(pid)
    for _ in range(_LOOKS):
        urllib.request.urlopen(f"http://{ADDRESS}{page}", timeout=300).read()
    return Cost((_spent(pid) - before) / _LOOKS, _memory(pid))


def _memory(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0


def _spent(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measured(data: Path, only: str, runs: int) -> dict[str, Cost]:
    """Measure on one history what is called so."""
    found = {
        name: median([run(*BOT, *verb.split(), "--data", str(data)) for _ in range(runs)])
        for name, verb in VERBS.items()
        if re.fullmatch(only, name)
    }
    if re.fullmatch(only, START):
        starts = []
        for _ in range(runs):
            with served(data) as (start, _look):
                starts.append(start)
        found[START] = median(starts)
    if pages := [page for page in PAGES if re.fullmatch(only, f"page {page}")]:
        with served(data) as (_start, look):
            for page in pages:
                look(page)  # the first one reads templates, and judges where it must
                found[f"page {page}"] = median([look(page) for _ in range(runs)])
    return found


def rows(
    small: bool, *, deliveries: int = _DECADE, kept: Path | None = None, only: str = ".*"
) -> list[Row]:
    """Measure on both histories; on ones that were made before where ``kept`` has them."""
    if small:
        deliveries, only = 1000, "held"
    with TemporaryDirectory() as scratch:
        folder = kept or Path(scratch)
        for name, count in (("small", _MONTH), ("big", deliveries)):
            if not (folder / name).exists():
                run(sys.executable, "-m", "benchmarks.history", str(folder / name), "--deliveries",
                    str(count))  # fmt: skip
                # Verbs read a database only once a service has said whose it is.
                with served(folder / name):
                    pass
        return rows_of(*(measured(folder / name, only, 1 if small else RUNS)
                         for name in ("small", "big")))  # fmt: skip


def rows_of(month: Mapping[str, Cost], decade: Mapping[str, Cost]) -> list[Row]:
    return [
        Row(
            name,
            (f"{month[name].seconds:.3f}", f"{decade[name].seconds:.3f}",
             f"{month[name].megabytes:.0f}", f"{decade[name].megabytes:.0f}"),
            decade[name].seconds / max(month[name].seconds, 0.001),
        )
        for name in month
    ]  # fmt: skip


SECTION = Section(
    "A long history",
    f"{_MONTH} deliveries of a month against {_DECADE:,} of ten years, with six snapshots each, in"
    " processor time, so that a busy machine changes little (`benchmarks/history.py`). A page's"
    " memory is the service's after it was shown, and a start's is what it idles with.",
    (*VERBS, START, *(f"page {page}" for page in PAGES)),
    rows,
    ("SQLite", "sqlalchemy", "pydantic", "PyYAML"),
    "benchmarks-flat.svg",
    ("month, s", "decade, s", "month, MB", "decade, MB"),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deliveries", type=int, default=_DECADE)
    parser.add_argument("--kept", type=Path, help="a folder with `small` and `big`, made before")
    parser.add_argument("--only", default=".*", help="a regular expression: which rows")
    parser.add_argument("--small", action="store_true", help="a trial; its figures mean nothing")
    given = vars(parser.parse_args())
    print(text_of(SECTION, partial(rows, given.pop("small"))(**given)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
