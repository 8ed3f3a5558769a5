"""What an idle service costs, beside the imports of the three client libraries alone.

``python -m benchmarks.idle [--small]`` runs the shipped campaign's rehearsal with its desk, once as
it is and once with the libraries loaded as by live accounts, and reads memory and processor time
from the kernel over two minutes.
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event

from benchmarks.page import RUNS, Row, Section, alone
from benchmarks.standin import first_line
from tests.conftest import ROOT
from tests.servers import free_port

#: Seconds until a service has planned and looked at everything once, and of what is measured then.
_FULL, _TRIAL = (40, 120), (2, 3)
_LIBRARIES = "import tweepy, mastodon, atproto"
_SERVICE = "import runpy, sys; sys.argv[0] = 'run_bot.py'; sys.path.insert(0, '.');"
_SERVICE += "runpy.run_path('run_bot.py', run_name='__main__')"


@contextmanager
def process(code: str, *words: str, **variables: str) -> Iterator[int]:
    """Run this code until the end of the block; its process id."""
    command = [sys.executable, "-W", "ignore", "-c", code, *words]
    with subprocess.Popen(
        command, cwd=ROOT, env=os.environ | variables, stderr=subprocess.DEVNULL
    ) as started:
        try:
            yield started.pid
        finally:
            started.send_signal(signal.SIGTERM)


def memory(pid: int) -> float:
    """Return the megabytes that a process has in memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def processor(pid: int) -> float:
    """Return the seconds of a processor that a process took so far, in all its threads."""
    files = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(file.read_text(encoding="ascii").split()[0]) for file in files) / 1e9


def service(begin: str, settled: int, seconds: int) -> tuple[float, float]:
    """Return the megabytes of an idle service, and its share of a processor."""
    with tempfile.TemporaryDirectory() as folder:
        places = {
            "VERBATIM_CONFIG": "schedule.yaml", "VERBATIM_POSTS": "posts",
            "VERBATIM_DATA": folder, "VERBATIM_WEB": f"127.0.0.1:{free_port()}",
            "VERBATIM_MONITOR": f"127.0.0.1:{free_port()}",
        }  # fmt: skip
        for wait in (settled, seconds):  # the second start finds its database
            with process(f"{begin}{_SERVICE}", "run", **places) as pid:
                Event().wait(settled)
                before = processor(pid)
                Event().wait(wait)
                found = memory(pid), (processor(pid) - before) / wait
    return found


def _rows(small: bool) -> list[Row]:
    settled, seconds = _TRIAL if small else _FULL
    alone_takes = statistics.median(_libraries() for _ in range(1 if small else RUNS))
    # Side by side: a service that does nothing disturbs no other one.
    with ThreadPoolExecutor() as pool:
        measured = pool.map(lambda begin: service(begin, settled, seconds), _SERVICES.values())
    rows = []
    for name, (held, share) in zip(_SERVICES, measured, strict=True):
        cells = (
            "the imports of the three libraries alone",
            f"{held:.0f} MB",
            f"{alone_takes:.0f} MB",
        )
        rows.append(Row(f"memory, {name}", cells, held / alone_takes))
        cells = ("a hundredth of a core", f"{share:.2%}", "1 %")
        rows.append(Row(f"processor, {name}", cells, 100 * share))
    return rows


def _libraries() -> float:
    """Return the megabytes of a Python that has imported them and does nothing."""
    code = f"{_LIBRARIES}; print(flush=True); import time; time.sleep(600)"
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", code], stdout=subprocess.PIPE
    ) as started:
        first_line(started)
        found = memory(started.pid)
        started.terminate()
    return found


_SERVICES = {"idle service": "", "idle service with the libraries loaded": f"{_LIBRARIES}; "}
SECTION = Section(
    "Idle",
    "The shipped campaign's rehearsal with its desk, from 40 s after its start on, over two"
    " minutes; beside a Python that has imported tweepy, Mastodon.py and atproto and does nothing,"
    f" the median of {RUNS} (`benchmarks/idle.py`).",
    tuple(f"{kind}, {name}" for name in _SERVICES for kind in ("memory", "processor")),
    _rows,
    ("tweepy", "Mastodon.py", "atproto", "sqlalchemy"),
    "benchmarks-idle.svg",
)

if __name__ == "__main__":
    sys.exit(alone(SECTION))
