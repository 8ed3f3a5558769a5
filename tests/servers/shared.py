"""One server for all workers of a run: whoever comes first starts it, and ends it last."""

from __future__ import annotations

import fcntl
import os
import pickle
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

Server = TypeVar("Server")


@contextmanager
def shared_by_workers(
    name: str,
    factory: pytest.TempPathFactory,
    start: Callable[[], AbstractContextManager[Server]],
) -> Iterator[Server]:
    """Return the server that another worker of this run has started, or start it for all.

    What `start` gives says where the server is; a copy of it is as good.
    """
    folder = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    place, alone, in_use = (folder / f"{name}.{end}" for end in ("place", "alone", "in-use"))
    with ExitStack() as held:
        with _locked(alone, fcntl.LOCK_EX):
            is_ours = not place.exists()
            if is_ours:
                server = held.enter_context(start())
                place.write_bytes(pickle.dumps(server))
            else:
                server = pickle.loads(place.read_bytes())  # noqa: S301 - a worker of this run
                held.enter_context(_locked(in_use, fcntl.LOCK_SH))
        yield server
        if is_ours:
            with _locked(alone, fcntl.LOCK_EX):
                place.unlink()
                in_use.touch()
                ended = in_use.rename(folder / f"{name}.{os.getpid()}")
            with _locked(ended, fcntl.LOCK_EX):  # when the last one who uses it has gone
                pass


@contextmanager
def _locked(path: Path, kind: int) -> Iterator[None]:
    with path.open("ab") as lock:
        fcntl.flock(lock, kind)
        yield
