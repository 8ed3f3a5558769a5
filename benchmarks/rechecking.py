"""What a check costs after one edit among many posts, in hundredths of a full check.

``python -m benchmarks.rechecking [--posts 10000] [--runs 5]`` writes made-up posts beside the
shipped schedule and sources, edits one post at a time, and prints the median.
"""

from __future__ import annotations

import argparse
import random
import shutil
import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.app.content import prove_files
from bot.checks.checking import CheckCache

_A_FILE = 50


def hundredths(posts: int = 10_000, runs: int = 5) -> float:
    """Return the processor time of a check after an edit, in hundredths of a full one's."""
    with TemporaryDirectory() as scratch:
        root = Path(scratch)
        schedule, folder = root / "schedule.yaml", root / "posts"
        shutil.copy("schedule.yaml", schedule)
        shutil.copytree("posts/sources", folder / "sources")
        files = [_written(folder, number) for number in range(posts // _A_FILE)]
        cache, taken = CheckCache(), []
        for run in range(runs + 1):
            before = time.process_time()
            errors = prove_files(schedule, folder, cache=cache).errors
            taken.append(time.process_time() - before)
            if errors:
                raise SystemExit(str(errors[0]))
            edited = files[run % len(files)]
            text = edited.read_text(encoding="utf-8")
            edited.write_text(text.replace('text: "', f'text: "Edit {run}. ', 1), encoding="utf-8")
    return 100 * statistics.median(taken[1:]) / taken[0]


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
    share = hundredths(given.posts, given.runs)
    print(f"a check after one edit among {given.posts:,} posts: {share:.1f} % of a full one")
    return 0


if __name__ == "__main__":
    sys.exit(main())
