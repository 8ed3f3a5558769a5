"""What a post takes to publish, beside the bare loop of Mastodon.py on the same server.

``python -m benchmarks.publishing [--small]``: 64 posts, all due at once, over 1, 4, 16 and 64
accounts. The loop is what one would write instead: one account after another, no database, no proof
that a post is out once.
"""

from __future__ import annotations

import statistics
import sys
import time

import mastodon

from benchmarks import standin
from benchmarks.page import RUNS, Row, Section, alone
from benchmarks.sending import Load, all_once, send

_POSTS, _ACCOUNTS = 64, (1, 4, 16, 64)


def _rows(small: bool) -> list[Row]:
    posts, runs = (8, 1) if small else (_POSTS, RUNS)
    return [_row(accounts, posts, runs) for accounts in ((1, 4) if small else _ACCOUNTS)]


def _row(accounts: int, posts: int, runs: int) -> Row:
    load = Load(accounts, posts, 0.0)
    # One and the other in turn, so that a busy minute is both's.
    pairs = [(all_once(load, send(load)).seconds, bare_loop(accounts, posts)) for _ in range(runs)]
    ours, theirs = (1000 * statistics.median(taken) / posts for taken in zip(*pairs, strict=True))
    cells = ("Mastodon.py in a loop", f"{ours:.0f} ms a post", f"{theirs:.0f} ms a post")
    return Row(_name(accounts), cells, ours / theirs)


def bare_loop(accounts: int, posts: int) -> float:
    """Publish with Mastodon.py alone; return the seconds until the last request was there."""
    with standin.started() as origin:
        clients = [
            mastodon.Mastodon(access_token=f"a{number}", api_base_url=origin)
            for number in range(accounts)
        ]
        begun = time.time()
        for number in range(posts):
            clients[number % accounts].status_post(f"{number:05} of the loop")
        last = standin.taken(origin)[-1][1]
    return last.timestamp() - begun


def _name(accounts: int) -> str:
    return f"publishing, {accounts} account{'s' if accounts > 1 else ''}"


SECTION = Section(
    "Publishing",
    f"{_POSTS} posts that are due at once, on one stand-in server; from that moment to the last"
    " request (`benchmarks/publishing.py`). Ours claims, reads the account, stores the intent on"
    " the disk and only then sends, on SQLite, with a thread for each account; the loop sends.",
    tuple(map(_name, _ACCOUNTS)),
    _rows,
    ("SQLite", "sqlalchemy", "Mastodon.py"),
    "benchmarks-publishing.svg",
)

if __name__ == "__main__":
    sys.exit(alone(SECTION))
