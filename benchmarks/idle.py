"""What an idle service costs, beside the imports of the three client libraries alone.

``python -m benchmarks.idle [--seconds 120]`` runs the shipped campaign's rehearsal with its desk,
once as it is and once with the libraries loaded as by live accounts, and reads memory and processor
time from the kernel.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

from tests.conftest import ROOT
from tests.servers import free_port

#: Until a service has planned, and looked at everything once.
_SETTLED = 40
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


def service(begin: str, seconds: int, folder: Path) -> tuple[float, float]:
    """Return the megabytes of an idle service, and its share of a processor."""
    places = {
        "VERBATIM_CONFIG": "schedule.yaml", "VERBATIM_POSTS": "posts",
        "VERBATIM_DATA": str(folder), "VERBATIM_WEB": f"127.0.0.1:{free_port()}",
        "VERBATIM_MONITOR": f"127.0.0.1:{free_port()}",
    }  # fmt: skip
    for wait in (_SETTLED, seconds):  # the second start finds its database
        with process(f"{begin}{_SERVICE}", "run", **places) as pid:
            Event().wait(_SETTLED)
            before = processor(pid)
            Event().wait(wait)
            found = memory(pid), (processor(pid) - before) / wait
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=120)
    seconds = parser.parse_args().seconds
    with process(f"{_LIBRARIES}; import time; time.sleep(600)") as pid:
        Event().wait(15)
        alone = memory(pid)
    print("| | memory | beside the libraries alone | of a core |\n| --- | --- | --- | --- |")
    print(f"| the three client libraries | {alone:.0f} MB | 1 | – |")
    for name, begin in (("idle service", ""), ("with the libraries loaded", f"{_LIBRARIES}; ")):
        with tempfile.TemporaryDirectory() as folder:
            held, share = service(begin, seconds, Path(folder))
        print(f"| {name} | {held:.0f} MB | {held / alone:.2f} | {share:.2%} |", flush=True)


if __name__ == "__main__":
    main()
