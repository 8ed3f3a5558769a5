"""A thread whose part is refused or held: what is out stays, the rest waits, people are told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.delivery.model import State
from bot.errors import RejectedError
from tests.fakes.newsroom import NINE, Newsroom
from tests.fakes.scripted import Step

LONG = "This is a long text of many words that needs more than one part. " * 20


@pytest.fixture
def room(newsroom: Newsroom) -> Newsroom:
    newsroom.write(
        f'  - id: long\n    text: "{LONG.strip()}"\n    thread: true\n    author: Ed\n'
        f"    at: {NINE:%Y-%m-%d %H:%M:%S}+00:00\n"
    )
    newsroom.start()
    newsroom.approve("long")
    return newsroom


def test_a_refused_second_part_leaves_the_first_and_holds_the_third(room: Newsroom) -> None:
    refusal = RejectedError("mastodon", "no")
    room.servers["m"].steps.extend([Step(), Step(refusal, keeps=False)])

    room.wait(NINE + timedelta(seconds=5))

    parts = room.store.outbox.find(post_id="long")
    assert [one.state for one in parts] == [State.SENT, State.FAILED, State.HELD]
    assert len(room.servers["m"].live) == 1
    third = parts[2]
    assert (
        third.reason_text == "the part before it is not out: it is FAILED; the thread is truncated"
    )


def test_sending_a_refused_part_again_and_then_the_rest_completes_the_thread(
    room: Newsroom,
) -> None:
    refusal = RejectedError("mastodon", "no")
    room.servers["m"].steps.extend([Step(), Step(refusal, keeps=False)])
    room.wait(NINE + timedelta(seconds=5))
    _first, second, third = room.store.outbox.find(post_id="long")

    room.desk.retry(second.id, by="Aygul")
    room.desk.resolve(third.id, "send", by="Aygul")
    room.wait(NINE + timedelta(seconds=10))

    assert set(room.states().values()) == {"SENT"}
    assert [one.parent for one in room.servers["m"].live] == [None, "1", "2"]
