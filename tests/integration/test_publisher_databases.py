"""The same life of a post on both kinds of database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import pytest

from bot.authority.pauses import PauseTarget
from bot.authority.tables import PauseScope
from bot.delivery.answers import Answers
from bot.delivery.model import HoldReason, State
from bot.errors import DecisionError, UnavailableError, UnconfirmedError
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
    assert bot.store.audit.verify() is None


RACING = [f"p{number}" for number in range(6)]


@pytest.fixture
def racing(bot: RunningBot) -> RunningBot:
    """Return a bot with approved posts that are all due now."""
    bot.use("m")
    bot.start_approved(*(post(name, "theme: families", at=NINE) for name in RACING))
    bot.clock.wait(bot.stopping, NINE)
    return bot


def words_of(bot: RunningBot) -> set[str]:
    """Return which of the posts are out."""
    return {name for name in RACING for text in bot.servers["m"].texts if f"{name}a" in text}


def test_an_answer_that_is_being_stored_is_waited_for_before_the_call(racing: RunningBot) -> None:
    """Claimed and through the gate already: `begin` waits for whoever has the delivery locked."""
    bot, is_locked = racing, Event()

    def ask() -> None:
        with bot.store.transaction():
            Answers(bot.store, bot.clock).ask_change("p0", "Name the year.", by="Ben")
            is_locked.set()
            Event().wait(0.2)  # the sender comes to `begin` meanwhile

    asking = Thread(target=ask)

    def meet() -> None:
        asking.start()
        assert is_locked.wait(30)

    for row in bot.rows():
        if row.post_id != "p0":
            bot.desk.cancel(row.id, by="Ann")
    bot.servers["m"].before_prepare = meet

    bot.work()
    asking.join()
    bot.wait(NINE + MINUTE)

    assert bot.servers["m"].texts == []
    assert bot.row("p0").reason is HoldReason.CHANGE_ASKED


def test_what_is_refused_while_it_is_sent_is_out_only_where_whoever_refuses_hears_so(
    racing: RunningBot,
) -> None:
    bot, late = racing, set[str]()

    def refuse() -> None:
        for name in reversed(RACING):  # they meet somewhere in the middle
            try:
                answered = Answers(bot.store, bot.clock).refuse(name, "Not today.", by="Ben")
            except DecisionError:
                late.add(name)  # nothing of it is planned that is not out
            else:
                late.update(row.post_id for row in answered.too_late)

    refusing = Thread(target=refuse)
    refusing.start()
    bot.work()
    refusing.join()
    bot.wait(NINE + MINUTE)

    assert words_of(bot) == late
    assert bot.store.audit_problems() == []


def test_nothing_is_begun_once_its_theme_is_paused(racing: RunningBot) -> None:
    bot, begun = racing, list[int]()

    def pause() -> None:
        target = PauseTarget(PauseScope.THEME, "families")
        bot.desk.pause("news", by="Ann", target=target)
        begun.append(bot.servers["m"].calls.count("publish"))

    pausing = Thread(target=pause)
    pausing.start()
    bot.work()
    pausing.join()
    bot.wait(NINE + MINUTE)

    # One call may have begun before, and be counted after.
    assert len(words_of(bot)) - begun[0] in {0, 1}
    rest = [row for row in bot.rows() if row.state is not State.SENT]
    assert {row.reason_text for row in rest} <= {"paused: theme families"}
