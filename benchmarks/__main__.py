"""All benchmarks: writes docs/benchmarks.md, or names what got worse.

``python -m benchmarks [--only WORDS] [--check] [--small]``.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks import (
    flat,
    following,
    idle,
    promptness,
    publishing,
    replicas,
    shell,
    starting,
)
from benchmarks.page import compare, update

SECTIONS = [
    module.SECTION
    for module in (flat, starting, idle, promptness, publishing, shell, replicas, following)
]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="sections whose titles have these words")
    parser.add_argument("--check", action="store_true", help="compare with the page, write nothing")
    parser.add_argument("--small", action="store_true", help="a trial of minutes, printed only")
    given = parser.parse_args()
    chosen = [one for one in SECTIONS if given.only.casefold() in one.title.casefold()]
    if not chosen:
        titles = ", ".join(one.title for one in SECTIONS)
        parser.error(f"no section has {given.only!r} in its title; there are: {titles}")
    if given.check and given.small:
        parser.error("a trial's figures cannot be compared")
    return compare(chosen) if given.check else update(chosen, small=given.small)


if __name__ == "__main__":
    sys.exit(main())
