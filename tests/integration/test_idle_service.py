"""An idle service looks at its database again only where somebody wrote to it, and now and then."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime, timedelta

import pytest

from bot.delivery.reads import AHEAD
from bot.engine.scheduler import QUIET, ChangeWatch
from bot.engine.service import Bot
from bot.errors import StoreError
from tests.fakes.running_bot import MINUTE, NINE, RunningBot

SECOND = timedelta(seconds=1)


@pytest.fixture
def bot(bot: RunningBot) -> RunningBot:
    """Return a bot that waits for its post of nine o'clock."""
    bot.wait(NINE - 5 * MINUTE)
    return bot


def write_elsewhere(bot: RunningBot) -> None:
    """Change the database as another process does."""
    with closing(sqlite3.connect(bot.data / "live.db")) as connection:
        connection.execute("UPDATE instance SET epoch = epoch + 1")
        connection.commit()


def test_an_idle_service_looks_for_work_where_somebody_wrote_and_when_something_is_due(
    bot: RunningBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[datetime] = []
    real = Bot.busy

    def counted(self: Bot, now: datetime) -> tuple[str, ...]:
        looks.append(now)
        return real(self, now)

    monkeypatch.setattr(Bot, "busy", counted)
    workers = bot.services.account_workers()

    def ticks() -> int:
        """Return how many of three ticks look at the database."""
        looks.clear()
        for _ in range(3):
            workers.busy(bot.clock.now())
            bot.clock.advance(SECOND)
        return len(looks)

    assert (ticks(), ticks()) == (1, 0)
    assert workers.next_wake(bot.clock.now()) == NINE - AHEAD
    write_elsewhere(bot)
    assert (ticks(), ticks()) == (1, 0)
    bot.clock.advance(timedelta(seconds=QUIET))
    assert (ticks(), ticks()) == (1, 0)
    bot.clock.advance(NINE - bot.clock.now())
    assert workers.busy(bot.clock.now()) == ("m",)
    assert ticks() == 3, "what is due is looked for until it is out"


def test_people_are_told_where_somebody_wrote_and_twice_a_minute(bot: RunningBot) -> None:
    told: list[datetime] = []
    job = ChangeWatch(bot.store.version, bot.clock).unless_same(
        lambda: told.append(bot.clock.now())
    )

    for _ in range(3):
        job()
    assert len(told) == 1
    bot.desk.pause("mourning", by="Ann")
    job()
    job()
    assert len(told) == 2
    bot.clock.advance(MINUTE)
    job()
    assert len(told) == 3


def test_a_database_that_does_not_answer_is_looked_at(bot: RunningBot) -> None:
    def fail() -> int:
        raise StoreError("the database fails")

    watch = ChangeWatch(fail, bot.clock)

    assert watch.is_due()
    assert watch.is_due()
