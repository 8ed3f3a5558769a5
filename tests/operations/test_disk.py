"""A disk that fills is told hours before, and why nothing is sent at the limit."""

import errno
import os
from collections import namedtuple
from datetime import timedelta
from pathlib import Path

import pytest

from bot.clock import FastClock
from bot.db.sqlite import MEBIBYTE, Room, free_bytes
from bot.operations.status import DiskWatch, hours_until
from tests.fakes.running_bot import START

HOUR = timedelta(hours=1)
GIB = 1024 * MEBIBYTE


@pytest.mark.parametrize(
    ("samples", "hours"),
    [
        ((), None),
        (((0.0, 5 * GIB),), None),
        (((0.0, 5 * GIB), (60.0, GIB)), None),  # a minute tells nothing
        (((0.0, 5 * GIB), (3600.0, 5 * GIB)), None),
        (((0.0, 5 * GIB), (3600.0, 6 * GIB)), None),
        (((0.0, 5 * GIB), (3600.0, 4 * GIB)), 3.0),
        (((0.0, 5 * GIB), (7200.0, GIB // 2)), 0.0),
    ],
)
def test_when_it_is_full_follows_from_how_it_fills(
    samples: tuple[tuple[float, int], ...], hours: float | None
) -> None:
    assert hours_until(GIB, samples) == hours


@pytest.fixture
def blocks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let every disk have as many bytes free as this says."""
    free = [8 * GIB]
    shape = namedtuple("shape", "f_bavail f_frsize")
    monkeypatch.setattr("os.statvfs", lambda _path: shape(free[0], 1))
    return free


def test_room_that_shrinks_is_told_with_the_hours_left(tmp_path: Path, blocks: list[int]) -> None:
    clock = FastClock(START)
    disk = DiskWatch(tmp_path, Room(least_free=GIB), clock)
    disk.run()
    assert disk.soon() == ""

    clock.advance(HOUR)
    blocks[0] = 7 * GIB
    disk.run()

    assert disk.soon().endswith("; within 12 h nothing can be sent any more")


def test_a_disk_that_fills_is_not_told_anew_with_each_megabyte(
    tmp_path: Path, blocks: list[int]
) -> None:
    """Each other text is a write to that very disk, at each sign of life."""
    clock = FastClock(START)
    disk = DiskWatch(tmp_path, Room(least_free=GIB), clock)
    texts = []
    for _minute in range(60):
        disk.run()
        clock.advance(HOUR / 60)
        blocks[0] -= 10 * 2**20
        texts.append(disk.soon())

    assert texts[-1].endswith("within 12 h nothing can be sent any more")
    assert len(set(texts)) <= 4


def test_little_room_is_told_however_slowly_it_shrinks(tmp_path: Path) -> None:
    disk = DiskWatch(tmp_path, Room(least_free=free_bytes(tmp_path) // 2))

    least = int(free_bytes(tmp_path) // MEBIBYTE * 0.9)
    assert least < int(disk.soon().split(" MB are left")[0]) <= free_bytes(tmp_path) // MEBIBYTE
    assert disk.why() == ""


def test_at_the_limit_it_says_why_nothing_is_begun(tmp_path: Path) -> None:
    disk = DiskWatch(tmp_path, Room(least_free=free_bytes(tmp_path) * 2))

    assert str(tmp_path) in disk.why()


def test_nothing_is_told_where_no_room_is_kept(tmp_path: Path) -> None:
    disk = DiskWatch(tmp_path, Room(least_free=0))

    assert (disk.why(), disk.soon()) == ("", "")


@pytest.mark.parametrize("number", [errno.EROFS, errno.EIO])
def test_a_disk_that_takes_nothing_keeps_everything_from_going_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(_path: object) -> None:
        raise OSError(number, os.strerror(number))

    watch = DiskWatch(tmp_path, Room())
    assert "cannot be written" not in watch.why()
    monkeypatch.setattr("bot.operations.status.os.utime", refuse)

    assert watch.why() == f"{tmp_path} cannot be written to ({os.strerror(number)})"
