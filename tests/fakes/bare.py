"""A Python without the bot's packages, and the project's files elsewhere: a fresh machine."""

from __future__ import annotations

import os
import shutil
import sys
import venv
from pathlib import Path

from tests.conftest import ROOT
from tests.docs.tree import files


def bare_python(folder: Path) -> Path:
    """Return the path of a Python that has its own library and nothing else."""
    # Of the Python below the environment of the tests, whose packages it must not see.
    venv.EnvBuilder(symlinks=os.name != "nt").create(folder)
    return folder / "bin" / "python3"


def copy_of_tree(folder: Path) -> Path:
    """Return a copy of the project's files; it has no `.venv`."""
    for path in files():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, folder / path)
    return folder


def give_venv(folder: Path) -> None:
    """Let a copy's `.venv` be the environment that runs the tests."""
    (folder / ".venv").symlink_to(sys.prefix)
