"""What a sign of life tells of the disk: no more than changes seldom."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.operations.status import in_large_steps


def test_what_neighbours_write_is_nothing_new() -> None:
    free = 62 * 2**30

    assert in_large_steps(free + 1) == in_large_steps(free + 500 * 2**20)


@given(st.integers(0, 2**60))
def test_no_room_is_told_that_is_not_there(room: int) -> None:
    assert room * 15 / 16 <= in_large_steps(room) <= room
