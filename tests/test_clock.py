"""The clock that replicas share: the database's, carried on by one that never steps."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from bot.clock import SharedClock, SystemClock
from bot.errors import StoreError

HOUR = timedelta(hours=1)
CLOSE = timedelta(seconds=5)


class Server:
    """A database that says what it is told to say."""

    def __init__(self, ahead: timedelta = timedelta(0)) -> None:
        self.ahead = ahead
        self.is_down = False
        self._start = datetime.now(UTC), time.monotonic()

    def __call__(self) -> datetime:
        if self.is_down:
            raise StoreError("the database fails")
        start, at = self._start
        return start + timedelta(seconds=time.monotonic() - at) + self.ahead


def test_it_tells_the_servers_time_whatever_the_machine_says() -> None:
    server = Server(ahead=HOUR)

    clock = SharedClock(server)

    assert abs(clock.now() - server()) < CLOSE
    assert clock.now().tzinfo is UTC


def test_a_step_of_the_machines_clock_changes_nothing() -> None:
    server = Server()
    clock = SharedClock(server)

    with time_machine.travel(datetime.now(UTC) + 2 * HOUR):
        assert abs(clock.now() - server()) < CLOSE
        assert SystemClock().now() - server() > HOUR


def test_a_step_of_the_servers_clock_is_followed_at_the_next_look() -> None:
    server = Server()
    clock = SharedClock(server)
    server.ahead = -HOUR
    assert clock.now() - server() > HOUR - CLOSE

    clock.synchronize()

    assert abs(clock.now() - server()) < CLOSE


def test_looks_alone_do_not_move_it_back() -> None:
    clock = SharedClock(Server())
    seen = []
    for _ in range(200):
        clock.synchronize()
        seen.append(clock.now())

    assert seen == sorted(seen)


def test_it_goes_on_while_the_server_is_away() -> None:
    server = Server(ahead=HOUR)
    clock = SharedClock(server)
    before = clock.now()
    server.is_down = True

    with pytest.raises(StoreError):
        clock.synchronize()

    assert before < clock.now() < before + CLOSE


def test_no_clock_without_a_first_answer() -> None:
    server = Server()
    server.is_down = True

    with pytest.raises(StoreError):
        SharedClock(server)


def test_the_clock_for_deadlines_never_steps() -> None:
    before = SystemClock().monotonic()

    with time_machine.travel(datetime.now(UTC) + HOUR):
        assert 0 <= SystemClock().monotonic() - before < 60
