"""What people decide while a post is on its way, on a connection of their own.

Before the first byte it holds; afterwards whoever decides hears that it is out. Each step waits
for the other's, so that they meet where they are meant to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

import pytest
from sqlalchemy import Connection, event, text

from bot.authority.pauses import PauseTarget
from bot.authority.tables import PauseScope
from bot.delivery.answers import ASK, REFUSE, Answers, too_late
from bot.delivery.decisions import Desk
from bot.delivery.model import State
from bot.engine.service import Bot
from bot.planning.store import Store
from tests.fakes.running_bot import MINUTE, NINE, RunningBot, post
from tests.fakes.scripted import PublishCall
from tests.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.server

FAMILIES = PauseTarget(PauseScope.THEME, "families")


@pytest.fixture
def bot(store_url: str, tmp_path: Path) -> Iterator[RunningBot]:
    """Return a bot with an approved post that is due now."""
    (tmp_path / "data").mkdir(mode=0o700, exist_ok=True)
    made = RunningBot(tmp_path, store_url)
    made.use("m")
    made.start_approved(post("one", "theme: families", at=NINE))
    made.clock.wait(made.stopping, NINE)
    yield made
    made.stop()


@pytest.fixture
def other(bot: RunningBot) -> Iterator[Bot]:
    """Return the services of another process over the same database."""
    made = bot.build()
    made.contents.start()
    with closing(made.store):
        yield made


def answers(other: Bot) -> Answers:
    return Answers(other.store, other.clock)


def pause(other: Bot) -> None:
    desk = Desk(other.store, other.clock, other.contents.campaign, other.publisher.platform)
    desk.pause("news", by="Ann", target=FAMILIES)


DECISIONS: dict[str, tuple[Callable[[Bot], object], str]] = {
    "ask": (
        lambda other: answers(other).object_to(ASK, "one", "Name the year.", by="Ben"),
        "change",
    ),
    "refuse": (
        lambda other: answers(other).object_to(REFUSE, "one", "Not today.", by="Ben"),
        "refused",
    ),
    "withdraw": (lambda other: answers(other).withdraw("one", by="Ben"), "1 of 2"),
    "pause": (pause, "paused: theme families"),
}

ANSWERS = ["ask", *(pytest.param(each, marks=pytest.mark.deep) for each in ("refuse", "withdraw"))]


@pytest.mark.parametrize("name", DECISIONS)
def test_what_is_decided_after_the_gate_looked_holds_before_the_first_byte(
    bot: RunningBot, other: Bot, name: str
) -> None:
    decide, told = DECISIONS[name]

    def meanwhile() -> None:
        decide(other)

    bot.servers["m"].before_prepare = meanwhile

    bot.work()

    assert bot.servers["m"].calls.count("publish") == 0
    bot.wait(NINE + MINUTE)
    assert bot.servers["m"].texts == []
    assert told in bot.row("one").reason_text


def test_a_theme_that_is_paused_after_the_gate_looked_is_not_claimed(
    bot: RunningBot, other: Bot
) -> None:
    services = bot.services
    services.publisher.releaser.run("m")
    row = bot.row("one")
    assert (row.state, services.publisher.releaser.why_hold(row)) == (State.READY, None)

    pause(other)

    lease = services.publisher.lease
    assert bot.store.outbox.claim("m", now=NINE, owner="test", lease=lease) is None
    assert bot.row("one").state is State.READY


@pytest.mark.parametrize("name", ANSWERS)
def test_a_decision_that_is_being_stored_is_waited_for(
    bot: RunningBot, other: Bot, name: str
) -> None:
    """Stored and not committed while the sender comes to its last look: that waits for it."""
    decide, told = DECISIONS[name]
    is_stored, ended = Event(), Event()

    def store() -> None:
        with other.store.transaction():
            decide(other)
            is_stored.set()
            wait_until(
                lambda: ended.is_set() or is_waiting(other.store, bot.store),
                "the sender waits, or has not waited",
                every=0.01,
            )

    storing = Thread(target=store)

    def meet() -> None:
        watch(bot.store)
        storing.start()
        assert is_stored.wait(PATIENCE)

    bot.servers["m"].before_prepare = meet
    bot.servers["m"].steps.append(PublishCall(meanwhile=ended.set))
    bot.work()
    ended.set()
    storing.join()

    assert bot.servers["m"].calls.count("publish") == 0
    bot.wait(NINE + MINUTE)
    assert told in bot.row("one").reason_text


COMING = Event()


def watch(store: Store) -> None:
    """Note when somebody asks SQLite for its lock; PostgreSQL knows who waits for whom."""
    COMING.clear()
    if store._db.is_sqlite:

        def note(_connection: Connection, _cursor: object, statement: str, *_more: object) -> None:
            if statement == "BEGIN IMMEDIATE":
                COMING.set()

        event.listen(store._db.engine, "before_cursor_execute", note)


def is_waiting(looking: Store, sender: Store) -> bool:
    if sender._db.is_sqlite:
        return COMING.is_set()
    waits = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND wait_event_type = 'Lock'"
    )
    with looking._db.engine.connect() as connection:
        return bool(connection.execute(waits).scalar_one())


@pytest.mark.parametrize("name", ANSWERS)
def test_what_comes_after_the_first_byte_is_told_to_be_too_late(
    bot: RunningBot, other: Bot, name: str
) -> None:
    late = list[object]()

    def decide() -> None:
        late.append(DECISIONS[name][0](other))

    bot.servers["m"].steps.append(PublishCall(meanwhile=decide))
    bot.work()

    (answered,) = late
    assert [row.post_id for row in too_late(answered)] == ["one"]  # type: ignore[arg-type] # the thread's own note
    assert bot.row("one").state is State.SENT
    assert len(bot.servers["m"].texts) == 1
    assert bot.store.audit_problems() == []
