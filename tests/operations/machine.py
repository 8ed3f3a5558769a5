"""What is done to the machine under a service: its disk, its processes, and code put into one."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.waiting import wait_until

#: The container's user.
NOBODY = "10001"
MEGABYTE = 1_000_000
#: Within the service: whatever stands in the file then happens in its process.
HOOK = """\
import signal
def inject(number, frame):
    exec(open("/run/more/fault.py").read(), {})
signal.signal(signal.SIGUSR1, inject)
"""
#: It ends itself ten seconds after it was noticed; here all signals are read before.
STUCK_LOOP = """\
import time
from bot.engine import scheduler
from bot.engine.scheduler import Service
scheduler.STALLED_LOOKS = 60
Service._tick = lambda *_: time.sleep(10**6)
"""
#: It has stood so for nine and a half minutes already: nobody waits here for them.
STUCK_WORKER = """\
import time
from datetime import timedelta
from bot.authority.trust import AccountVerifier
from bot.engine.scheduler import Activity
from bot.engine.service import Bot
def begin(self, name):
    self._since[name] = self.clock.now() - timedelta(minutes=9, seconds=30) * (name == "m")
Activity.begin = begin
AccountVerifier.unseen = lambda *_: ("m",)
AccountVerifier.ensure = lambda *_: time.sleep(10**6)
"""


def leaf(pid: int) -> int:
    """Return the last of a line of processes, each the only child of the one before."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return leaf(int(children[0])) if children else pid


@contextmanager
def small_disk(folder: Path, megabytes: int = 400) -> Iterator[None]:
    """Have a file system of its own there, that only the bot's user may enter."""
    file = folder.with_suffix(".ext4")
    with file.open("wb") as sparse:
        sparse.truncate(megabytes * MEGABYTE)
    # Without a reserve for root, so that full is full.
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(file)], check=True)
    subprocess.run(["mount", "-o", "loop", str(file), str(folder)], check=True)
    try:
        shutil.rmtree(folder / "lost+found")
        shutil.chown(folder, int(NOBODY), int(NOBODY))
        folder.chmod(0o700)
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        file.unlink()


def seconds_until(is_so: Callable[[], bool], what: str, log: Callable[[], str]) -> float:
    """Wait until something is so; return how long that took."""
    begin = time.monotonic()
    wait_until(is_so, what, log=log, every=0.5)
    return time.monotonic() - begin
