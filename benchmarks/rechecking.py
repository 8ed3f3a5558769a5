"""What a check of many posts costs, and one after an edit, beside reading them with the C parser.

``python -m benchmarks.rechecking [--posts 10000] [--runs 5]`` writes made-up posts beside the
shipped schedule and sources, edits one post at a time, and prints the medians.
"""

from __future__ import annotations

import argparse
import random
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import yaml

from bot.app.content import prove_files
from bot.checks.checking import CheckCache

_A_FILE = 50


class Cost(NamedTuple):
    """Seconds of a processor: of a full check, of one after an edit, of the C parser alone."""

    full: float
    edited: float
    parsed: float


def measured(posts: int = 10_000, runs: int = 5) -> Cost:
    """Return the medians."""
    with TemporaryDirectory() as scratch:
        root = Path(scratch)
        schedule, folder = root / "schedule.yaml", root / "posts"
        shutil.copy("schedule.yaml", schedule)
        shutil.copytree("posts/sources", folder / "sources")
        files = [_written(folder, number) for number in range(posts // _A_FILE)]

        def check(cache: CheckCache) -> None:
            if errors := prove_files(schedule, folder, cache=cache).errors:
                raise SystemExit(str(errors[0]))

        costs = []
        for run in range(runs):
            cache = CheckCache()
            full = _processor(check, cache)
            edited = files[run % len(files)]
            text = edited.read_text(encoding="utf-8")
            edited.write_text(text.replace('text: "', f'text: "Edit {run}. ', 1), encoding="utf-8")
            again = _processor(check, cache)
            costs.append(Cost(full, again, _processor(_parse, files)))
        return Cost(*map(statistics.median, zip(*costs, strict=True)))


def _parse(files: Sequence[Path]) -> None:
    for file in files:
        yaml.load(file.read_bytes(), yaml.CBaseLoader)  # noqa: S506 - reads texts and no objects


def _processor(work: Callable[[Any], None], given: Any) -> float:
    before = time.process_time()
    work(given)
    return time.process_time() - before


def _written(folder: Path, number: int) -> Path:
    draw = random.Random(number)  # noqa: S311 - made-up words
    lines = ["posts:"]
    for post in range(_A_FILE):
        words = ["".join(draw.choices("abcdefghiklmnoprstuw", k=draw.randint(3, 9)))
                 for _ in range(14)]  # fmt: skip
        lines += [
            f"  - id: post-{number}-{post}",
            f'    text: "{" ".join(words).capitalize()}."',
            "    accounts: [coalition-mastodon]",
            "    queue: excerpts",
        ]
    file = folder / f"file-{number:04}.yaml"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--posts", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    full, edited, parsed = measured(given.posts, given.runs)
    print(f"a check of {given.posts:,} posts: {full:.2f} s, {full / parsed:.1f} times the C parser")
    print(f"a check after one edit among them: {edited:.2f} s, {100 * edited / full:.1f} %")
    return 0


if __name__ == "__main__":
    sys.exit(main())
