"""How tests get an adapter that speaks to the X stand-in, and the stand-in's faults by name."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from bot.content.model import Account
from bot.platforms.base import Connection
from bot.platforms.x.adapter import X
from tests.contract.contract import CountingMeter
from tests.fakes.faultproxy import Answer, Fault, answered
from tests.fakes.x_api import DUPLICATE, NO_CREDITS, SUSPENDED, Reply
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
    return X(connection_to(origin, **options))


_JSON = {"Content-Type": "application/json"}
PUBLISH = r"^POST /2/tweets "


def as_answer(reply: Reply) -> Answer:
    return Answer(reply.status, reply.body(), {"Content-Type": reply.content_type})


def _too_many(**headers: str) -> Fault:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return answered(Answer(429, b"{}", {**_JSON, **named}), stored=False)


def _reset(seconds: float) -> Fault:
    return _too_many(x_rate_limit_reset=str(int(time.time() + seconds)))


#: What X may answer to a new status, in words.
MODES: Mapping[str, Callable[[], Fault]] = {
    "429 past": lambda: _reset(-1000),
    "429 absurd": lambda: _reset(10**9),
    "429 garbage": lambda: _too_many(x_rate_limit_reset="soon"),
    "429 bare": _too_many,
    "402": lambda: answered(as_answer(NO_CREDITS), stored=False),
    "suspended": lambda: answered(as_answer(SUSPENDED), stored=False),
    "duplicate": lambda: answered(as_answer(DUPLICATE), stored=False),
    "missing id": lambda: answered(Answer(201, b'{"data":{"text":"x"}}'), stored=True),
}
