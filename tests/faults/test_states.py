"""What two killed lives left is told the same where only drawn numbers differ."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import NullPool, create_engine

from bot.db.columns import metadata
from tests.faults.ledgers import Memory
from tests.faults.states import Canon

_BEGUN = datetime(2027, 3, 1, 9, tzinfo=UTC)


def _state_with(folder: Path, process: int) -> str:
    (folder / "live.lock").write_text(f"{process}\n", encoding="utf-8")
    return Canon(_BEGUN, Memory(0, 0, ())).state_text(folder, _BEGUN)


def test_a_process_that_has_the_number_of_an_inode_is_told_as_any_other(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    engine = create_engine(f"sqlite:///{folder / 'live.db'}", poolclass=NullPool)
    metadata.create_all(engine)
    log = folder / "live.sent.log"
    log.touch()
    inode = log.stat().st_ino

    assert _state_with(folder, inode) == _state_with(folder, inode + 1)

    shutil.copy(log, folder / "other.log")
    assert (folder / "other.log").stat().st_ino != inode
    other = _state_with(folder, os.getpid())
    (folder / "other.log").unlink()
    os.link(log, folder / "other.log")
    assert _state_with(folder, os.getpid()) != other
