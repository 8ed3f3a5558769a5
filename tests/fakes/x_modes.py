"""The X stand-in's faults by name."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable, Mapping

from tests.fakes.faultproxy import HANG_UP_AFTER, HANG_UP_BEFORE, Answer, Fault, answered
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


#: What can go wrong, in words; "before" and "after" are of the status being stored.
MODES: Mapping[str, Callable[[], Fault]] = {
    "hang up before": lambda: HANG_UP_BEFORE,
    "hang up after": lambda: HANG_UP_AFTER,
    "reset after": lambda: Fault(down=0, reset=True),
    "500 before": lambda: answered(Answer(500, b"{}"), stored=False),
    "500 after": lambda: answered(Answer(500, b"{}"), stored=True),
    "503 before": lambda: answered(Answer(503, b"over capacity", {}), stored=False),
    "503 after": lambda: answered(Answer(503, b"over capacity", {}), stored=True),
    "429 soon": lambda: _reset(120),
    "429 past": lambda: _reset(-1000),
    "429 absurd": lambda: _reset(10**9),
    "429 garbage": lambda: _too_many(x_rate_limit_reset="soon"),
    "429 bare": _too_many,
    "401": lambda: answered(Answer(401, b'{"title":"Unauthorized"}'), stored=False),
    "402": lambda: answered(as_answer(NO_CREDITS), stored=False),
    "suspended": lambda: answered(as_answer(SUSPENDED), stored=False),
    "duplicate": lambda: answered(as_answer(DUPLICATE), stored=False),
    "html": lambda: answered(
        Answer(200, b"<html>Something went wrong</html>", {"Content-Type": "text/html"}),
        stored=True,
    ),
    "truncated": lambda: answered(Answer(201, b'{"data":{"id":"19'), stored=True),
    "missing id": lambda: answered(Answer(201, b'{"data":{"text":"x"}}'), stored=True),
    "100 MB": lambda: answered(Answer(201, b'{"data":"' + b"x" * 100_000_000), stored=True),
    "gzip bomb": lambda: answered(
        Answer(201, gzip.compress(b" " * 100_000_000), {**_JSON, "Content-Encoding": "gzip"}),
        stored=True,
    ),
}
