"""How many connections the desk keeps, however fast they come."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from bot.web.guard import IN_ALL, PER_ADDRESS, BoundedProtocol


class Line(asyncio.Transport):
    """A connection that the loop has not yet heard is closed."""

    def __init__(self, address: str) -> None:
        super().__init__({"peername": (address, 1), "sockname": ("127.0.0.1", 2)})
        self.is_aborted = False

    def abort(self) -> None:
        self.is_aborted = True

    def is_closing(self) -> bool:
        return self.is_aborted


async def _app(_scope: Any, _receive: Any, _send: Any) -> None:
    """Answer nothing."""


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.mark.parametrize(
    ("addresses", "most"),
    [(["10.0.0.1"] * 400, PER_ADDRESS), ([f"10.0.0.{n}" for n in range(400)], IN_ALL)],
)
def test_a_burst_before_the_loop_runs_leaves_no_more_than_there_may_be(
    loop: asyncio.AbstractEventLoop, addresses: list[str], most: int
) -> None:
    config, state = Config(_app, log_config=None), ServerState()
    lines = [Line(address) for address in addresses]

    for line in lines:
        BoundedProtocol(config, state, {}, _loop=loop).connection_made(line)

    assert [line for line in lines if not line.is_aborted] == lines[-most:]
