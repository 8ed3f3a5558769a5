"""A thread whose part is refused or held: what is out stays, the rest waits, people are told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.delivery.model import State
from bot.errors import RejectedError
from tests.fakes.running_bot import NINE, RunningBot, thread
from tests.fakes.scripted import Step


@pytest.fixture
def bot(new_bot: RunningBot) -> RunningBot:
    new_bot.start_approved(thread("long", 3, at=NINE))
    return new_bot


def test_a_refused_second_part_leaves_the_first_and_holds_the_third(bot: RunningBot) -> None:
    refusal = RejectedError("mastodon", "no")
    bot.servers["m"].steps.extend([Step(), Step(refusal, keeps=False)])

    bot.wait(NINE + timedelta(seconds=5))

    parts = bot.store.outbox.find(post_id="long")
    assert [part.state for part in parts] == [State.SENT, State.FAILED, State.HELD]
    assert len(bot.servers["m"].live) == 1
    reason = "the part before it is not out: it is FAILED; the thread is truncated"
    assert parts[2].reason_text == reason


def test_sending_a_refused_part_again_and_then_the_rest_completes_the_thread(
    bot: RunningBot,
) -> None:
    refusal = RejectedError("mastodon", "no")
    bot.servers["m"].steps.extend([Step(), Step(refusal, keeps=False)])
    bot.wait(NINE + timedelta(seconds=5))
    _first, second, third = bot.store.outbox.find(post_id="long")

    bot.desk.retry(second.id, by="Aygul")
    bot.desk.resolve(third.id, "send", by="Aygul")
    bot.wait(NINE + timedelta(seconds=10))

    assert set(bot.states().values()) == {"SENT"}
    assert [status.parent for status in bot.servers["m"].live] == [None, "1", "2"]
