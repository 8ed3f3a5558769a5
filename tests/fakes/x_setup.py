"""How tests get an adapter that speaks to the X stand-in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from bot.content.model import Account
from bot.platforms.base import Connection
from bot.platforms.x.adapter import X, connect
from tests.contract.contract import CountingMeter
from tests.fakes.x_oauth import secrets_for
from tests.fakes.x_standin import USER
from tests.waiting import CONNECT, READ


def connection_to(
    origin: str,
    *,
    meter: CountingMeter | None = None,
    on_server_time: Callable[[datetime], None] = lambda _time: None,
    **account: Any,
) -> Connection:
    """Describe an account of the stand-in at this origin."""
    return Connection(
        Account("coalition-x", "x", server=origin, **account),
        secrets_for(USER),
        meter or CountingMeter(),
        connect_timeout=CONNECT,
        read_timeout=READ,
        on_server_time=on_server_time,
    )


def x_at(origin: str, **options: Any) -> X:
    """Connect to it."""
    return connect(connection_to(origin, **options))
