"""One post from a shell, beside crosspost on the same Bluesky server.

``python -m benchmarks.shell [--small]`` starts a real PDS on loopback and posts with either in
turn, each time in a process of its own.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import cast

import pytest

from benchmarks import one_post
from benchmarks.flat import Cost, median, run
from benchmarks.page import ROOT, RUNS, Row, Section, alone
from benchmarks.sending import Load, seed
from bot.content.model import Account
from bot.db.sqlite import Room
from bot.operations.opening import open_store
from tests.servers.pds import Pds, PdsAccount, _started, find_node

_RIVAL = ROOT / "tests" / "crosspost"
_KINDS = {
    "time": ("s", attrgetter("elapsed")),
    "processor time": ("s", attrgetter("seconds")),
    "memory": ("MB", attrgetter("megabytes")),
}


class _Folders:
    """Makes folders below one that is deleted with the context."""

    def __init__(self, root: str) -> None:
        self._root = root

    def mktemp(self, name: str) -> Path:
        return Path(mkdtemp(prefix=name, dir=self._root))


def _rows(small: bool) -> list[Row]:
    runs = 1 if small else RUNS
    with TemporaryDirectory() as root:
        folders = _Folders(root)
        with _started(cast("pytest.TempPathFactory", folders)) as pds:
            pairs = [_pair(pds, folders) for _ in range(runs)]
    ours, theirs = (median(list(costs)) for costs in zip(*pairs, strict=True))
    return [_row(kind, ours, theirs) for kind in _KINDS]


def _pair(pds: Pds, folders: _Folders) -> tuple[Cost, Cost]:
    """Post with either, to an account of its own: ours puts the same post under the same key."""
    account = pds.account()
    pair = _ours(pds, account, folders), _crosspost(pds, account)
    if len(pds.posts(account)) != 2:
        raise SystemExit(f"{len(pds.posts(account))} posts are out, not 2")
    return pair


def _row(kind: str, ours: Cost, theirs: Cost) -> Row:
    unit, figure = _KINDS[kind]
    mine, other = figure(ours), figure(theirs)
    cells = ("crosspost", f"{mine:.1f} {unit}", f"{other:.1f} {unit}")
    return Row(f"one post from a shell, {kind}", cells, mine / other)


def _ours(pds: Pds, account: PdsAccount, folders: _Folders) -> Cost:
    folder = folders.mktemp("data")
    store = open_store(one_post.address(folder), create=True, room=Room(0, 0))
    known = {one_post.NAME: Account(one_post.NAME, "bluesky", server=pds.origin)}
    seed(store, Load(1, 1, 0.0), datetime.now(UTC), known)
    store.close()
    command = (sys.executable, "-m", "benchmarks.one_post", str(folder), pds.origin, account.handle)
    return run(*command, APP_PASSWORD=account.app_password)


def _crosspost(pds: Pds, account: PdsAccount) -> Cost:
    program = _RIVAL / "node_modules" / "@humanwhocodes" / "crosspost" / "dist" / "bin.js"
    if not program.exists():
        raise SystemExit("crosspost is not installed: sh tools/setup.sh test")
    return run(
        str(find_node().program), "--import", str(_RIVAL / "http.mjs"), str(program),
        "--bluesky", "One post from a shell.",
        BLUESKY_IDENTIFIER=account.handle, BLUESKY_PASSWORD=account.app_password,
        BLUESKY_HOST=pds.origin.removeprefix("http://"),
    )  # fmt: skip


SECTION = Section(
    "One post from a shell",
    "A process that signs in to the same real PDS on loopback, posts and ends, in turn with"
    " `@humanwhocodes/crosspost` (`benchmarks/shell.py`). Ours has no verb that sends at once, so"
    " that nothing goes out unapproved; this is the service's publisher for the one post that is"
    " due in its database, with the claim, the stored intent and the outcome.",
    tuple(f"one post from a shell, {kind}" for kind in _KINDS),
    _rows,
    ("SQLite", "sqlalchemy", "atproto", "Node.js", "@humanwhocodes/crosspost"),
    "benchmarks-shell.svg",
)

if __name__ == "__main__":
    sys.exit(alone(SECTION))
