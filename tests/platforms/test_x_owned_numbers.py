"""Numbers from the own timeline: bounded stretches, and a look by id at what it does not show."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.errors import UnavailableError
from bot.platforms.status import Metrics, PostRef
from bot.platforms.x.adapter import X
from tests.contract.contract import CountingMeter
from tests.fakes.faultproxy import Answer, Fault
from tests.fakes.x_setup import x_at
from tests.fakes.x_standin import USER, XStandin


@pytest.fixture
def server() -> Iterator[XStandin]:
    with XStandin() as server:
        server.world.owns_app = True
        yield server
        assert server.violations == []


@pytest.fixture
def x(server: XStandin) -> X:
    return x_at(server.origin, own={"owns_app": True})


def refs(server: XStandin, *texts: str, apart: int = 0) -> list[PostRef]:
    made = []
    for text in texts:
        server.world._last_id += apart * 60_000 << 22
        made.append(PostRef(server.world.create(USER, text, (), None).id))
    return made


def test_a_thread_is_read_in_one_page_and_days_apart_one_by_one(server: XStandin) -> None:
    thread = refs(server, "one", "two", "three")
    old = refs(server, "much later", apart=60 * 24)
    meter = CountingMeter()
    x = x_at(server.origin, meter=meter, own={"owns_app": True})

    told = x.metrics([*old, *thread])

    assert set(told) == {*old, *thread}
    assert [one for one in meter.reserved if one[0] == "owned_read"] == [("owned_read", 5)] * 2
    assert server.world.used["owned_read"] == 4
    assert server.world.used["read"] == 0


def test_what_stands_between_is_not_mixed_up(server: XStandin, x: X) -> None:
    first, other, last = refs(server, "one", "between", "three")
    server.world.statuses[other.id].numbers = {"like_count": 99}

    told = x.metrics([first, last])

    assert told == {first: Metrics(0, 0, 0, 0, 0, 0, 0), last: Metrics(0, 0, 0, 0, 0, 0, 0)}
    assert {ref.id for ref in x.recent()} == {first.id, other.id, last.id}


def test_what_the_timeline_lags_behind_is_looked_up_by_id(server: XStandin, x: X) -> None:
    server.world.lag = 3600.0
    (late,) = refs(server, "one")
    gone = PostRef("42")

    told = x.metrics([late, gone])

    assert list(told) == [late]
    assert server.world.used["read"] == 1


@pytest.mark.parametrize("body", [b'{"data": {"id": "1"}}', b'{"data": ["1"]}'])
def test_a_timeline_that_is_no_list_is_no_answer(server: XStandin, x: X, body: bytes) -> None:
    (ref,) = refs(server, "one")
    server.faults.spoil(r"^GET /2/users/", Fault(answer=Answer(200, body)), times=1)

    with pytest.raises(UnavailableError, match="no list"):
        x.metrics([ref])


def test_nothing_asked_is_nothing_read(server: XStandin, x: X) -> None:
    assert x.metrics([]) == {}
    assert server.requests == []
