"""The X stand-in's faults by name."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from tests.fakes.faultproxy import Answer, Fault, answered
from tests.fakes.x_api import DUPLICATE, NO_CREDITS, SUSPENDED, Reply

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
