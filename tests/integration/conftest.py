"""Fixtures of the integration tests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.newsroom import Newsroom


@pytest.fixture
def newsroom(tmp_path: Path, migrated_file: Path) -> Iterator[Newsroom]:
    """Furnish a newsroom with an embedded database; nothing is started."""
    path = tmp_path / "data" / "live.db"
    path.parent.mkdir(mode=0o700)
    shutil.copy(migrated_file, path)
    made = Newsroom(tmp_path, f"sqlite:///{path}")
    yield made
    made.stop()
