"""The same life of a post on both kinds of database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.delivery.model import State
from bot.errors import UnavailableError, UnconfirmedError
from tests.fakes.newsroom import DAY, MINUTE, NINE, Newsroom, post
from tests.fakes.scripted import Step
from tests.integration.test_planner import thread

pytestmark = pytest.mark.server


@pytest.fixture
def room(store_url: str, tmp_path: Path) -> Iterator[Newsroom]:
    (tmp_path / "data").mkdir(mode=0o700, exist_ok=True)
    made = Newsroom(tmp_path, store_url, accounts=("m", "b"))
    yield made
    made.stop()


def test_everything_goes_out_once_through_doubts_edits_and_restarts(room: Newsroom) -> None:
    room.write(post("one"), post("two"), thread("three", 3), post("four", at=NINE + DAY / 2))
    room.start()
    room.write(post("two"), post("one"), thread("three", 3), post("four", at=NINE + DAY / 2))
    room.watch()
    room.approve("one", "two", "three", "four")
    room.servers["m"].fails(UnconfirmedError("mastodon", "504"), keeps=True)
    room.servers["b"].fails(UnconfirmedError("bluesky", "504"))
    room.servers["b"].fails(UnavailableError("bluesky", "refused"))
    room.wait(NINE + MINUTE)
    room.restart()

    room.wait(NINE + 5 * DAY)

    assert {row.state for row in room.rows()} == {State.SENT}
    for name in ("m", "b"):
        keys = [one.key for one in room.servers[name].live]
        assert sorted(keys) == sorted(row.id for row in room.rows() if row.account == name)
    assert not room.bot.planner.apply(room.bot.contents.rendered, days=35)


def test_a_process_that_dies_in_a_call_doubles_nothing(room: Newsroom) -> None:
    room.write(post("one", at=NINE))
    room.start()
    room.approve("one")

    def die() -> None:
        raise SystemExit

    room.servers["m"].steps.append(Step(meanwhile=die))
    with pytest.raises(SystemExit):
        room.wait(NINE)
    room.restart()
    room.clock.advance(3 * MINUTE)
    room.bot.beat()

    room.wait(room.clock.now() + MINUTE)

    rows = {row.account: row.state for row in room.rows()}
    assert len(room.servers["m"].live) <= 1
    assert rows["b"] is State.SENT
    assert rows["m"] in {State.SENT, State.HELD}


def test_decisions_hold_on_both(room: Newsroom) -> None:
    room.write(post("one"), post("two"))
    room.start()
    room.wait(NINE + MINUTE)
    held = room.rows("one")
    room.desk.resolve(held[0].id, "queue", by="Ann")
    room.desk.resolve(held[1].id, "drop", by="Ann")
    room.bot.plan()

    assert {row.state for row in room.rows()} == {State.PLANNED}
    assert room.store.audit.verify() is None
