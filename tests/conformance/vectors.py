"""Reads the platforms' and Unicode's own test cases."""

from collections.abc import Iterator
from typing import Any

import yaml

from tests.conftest import require_shared


def cases(name: str, *groups: str) -> Iterator[Any]:
    """The cases of some groups (all, where none is named) of a file of twitter-text's."""
    path = require_shared(f"conformance/twitter-text-{name}.yml")
    tests = yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]
    for group in groups or tests:
        yield from tests[group]


def report(capsys: Any, what: str, passed: int, total: int) -> None:
    """Say how many cases were run, whatever pytest shows of passing tests."""
    with capsys.disabled():
        print(f"\n{what}: {passed}/{total}", end=" ")  # noqa: T201 - the count is the result
