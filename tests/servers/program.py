"""The program, imported once and forked for each call, one for all tests of a run."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.fakes import warmed
from tests.servers import ending
from tests.servers.shared import shared_by_workers

_PROGRAM = str(ROOT / "run_bot.py")


@dataclass(frozen=True, slots=True)
class WarmProgram:
    """``run_bot.py`` without the time that its imports take."""

    #: Socket on which it is called.
    place: Path

    def run(
        self, words: Sequence[str], folder: Path, environment: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """Run a verb to its end, as `subprocess.run` does."""
        called = [_PROGRAM, *words]
        with Path(os.devnull).open("rb") as given, tempfile.TemporaryFile() as out, \
                tempfile.TemporaryFile() as err:  # fmt: skip
            handed = [stream.fileno() for stream in (given, out, err)]
            code = warmed.call(str(self.place), called, str(folder), environment, handed)
            for stream in (out, err):
                stream.seek(0)
            shown = out.read().decode(), err.read().decode()
        return subprocess.CompletedProcess(called, code, *shown)

    @property
    def python(self) -> list[str]:
        """Words that do in a command what Python does, where a script is to be run."""
        return [sys.executable, "-IS", str(Path(warmed.__file__)), "call", str(self.place)]

    def write_python(self, folder: Path) -> None:
        """Write a ``python3`` into a folder for the PATH of a shell; it runs nothing else."""
        program = folder / "python3"
        program.write_text(f'#!/bin/sh\nexec {shlex.join(self.python)} "$@"\n', encoding="utf-8")
        program.chmod(0o755)


@pytest.fixture(scope="session")
def warm_program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarmProgram]:
    """Start it; a path of a socket must be short."""
    with shared_by_workers("program", tmp_path_factory, _started) as program:
        yield program


@contextmanager
def _started() -> Iterator[WarmProgram]:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "socket"
        process = subprocess.Popen(
            [sys.executable, warmed.__file__, "serve", str(place), str(ROOT)],
            stdin=subprocess.PIPE,  # it ends when this does
            stdout=subprocess.PIPE, start_new_session=True,
            env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        )  # fmt: skip
        with ending(process):
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            yield WarmProgram(place)
