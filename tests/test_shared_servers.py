"""What tests share is started once, ended last, and does what its own start would do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.servers.program import WarmProgram
from tests.servers.shared import shared_by_workers
from tests.waiting import PATIENCE, wait_until


def test_a_server_is_started_once_and_ends_when_the_last_one_has_gone(
    tmp_path_factory: pytest.TempPathFactory, may_sleep: None
) -> None:
    told: list[str] = []

    @contextmanager
    def start() -> Iterator[str]:
        told.append("started")
        yield "its place"
        told.append("ended")

    def shared() -> Iterator[str]:
        with shared_by_workers("of a test", tmp_path_factory, start) as place:
            told.append(place)
            yield place

    first, second = (shared() for _ in range(2))
    next(first)
    next(second)
    with ThreadPoolExecutor(1) as other:
        leaving = other.submit(lambda: next(first, None))
        here = tmp_path_factory.getbasetemp()
        places = [folder / "of a test.place" for folder in (here, here.parent)]
        wait_until(lambda: not any(place.exists() for place in places), "nobody new comes")
        told.append("the first one waits")
        next(second, None)
        leaving.result(PATIENCE)

    assert told == ["started", "its place", "its place", "the first one waits", "ended"]


@pytest.mark.parametrize("words", [["--version"], ["nonsense"], ["check", "--config", "none.yaml"]])
def test_a_forked_program_does_what_one_that_was_started_does(
    warm_program: WarmProgram, tmp_path: Path, words: list[str]
) -> None:
    environment = {"PATH": os.environ["PATH"], "COLUMNS": "70"}

    forked = warm_program.run(words, tmp_path, environment)

    started = subprocess.run(
        [sys.executable, str(ROOT / "run_bot.py"), *words], cwd=tmp_path, env=environment,
        capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert (forked.returncode, forked.stdout, forked.stderr) == (
        started.returncode, started.stdout, started.stderr,
    )  # fmt: skip
