"""The same life of a post on both kinds of database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.authority.audit import first_break
from bot.delivery.model import State
from bot.errors import UnavailableError, UnconfirmedError
from tests.fakes.running_bot import DAY, MINUTE, NINE, RunningBot, post, thread

pytestmark = pytest.mark.server


@pytest.fixture
def bot(store_url: str, tmp_path: Path) -> Iterator[RunningBot]:
    (tmp_path / "data").mkdir(mode=0o700, exist_ok=True)
    made = RunningBot(tmp_path, store_url)
    made.use("m", "b")
    yield made
    made.stop()


def test_everything_goes_out_once_through_doubts_edits_and_restarts(bot: RunningBot) -> None:
    bot.start_with(post("one"), post("two"), thread("three", 3), post("four", at=NINE + DAY / 2))
    bot.write(post("two"), post("one"), thread("three", 3), post("four", at=NINE + DAY / 2))
    bot.watch()
    bot.approve("one", "two", "three", "four")
    bot.servers["m"].fails(UnconfirmedError("mastodon", "504"), keeps=True)
    bot.servers["b"].fails(UnconfirmedError("bluesky", "504"))
    bot.servers["b"].fails(UnavailableError("bluesky", "refused"))
    bot.wait(NINE + MINUTE)
    bot.restart()

    bot.wait(NINE + 5 * DAY)

    assert {row.state for row in bot.rows()} == {State.SENT}
    for name in ("m", "b"):
        keys = [status.key for status in bot.servers[name].live]
        assert sorted(keys) == sorted(row.id for row in bot.rows() if row.account == name)
    assert not bot.services.planner.apply(bot.services.contents.rendered, days=35)


def test_decisions_hold_on_both(bot: RunningBot) -> None:
    bot.start_with(post("one"), post("two"))
    bot.wait(NINE + MINUTE)
    held = bot.rows("one")
    bot.desk.resolve(held[0].id, "queue", by="Ann")
    bot.desk.resolve(held[1].id, "drop", by="Ann")
    bot.services.plan()

    assert {row.state for row in bot.rows()} == {State.PLANNED}
    assert first_break(bot.store.audit.raw()) is None
