"""From planned to out."""

from __future__ import annotations

from tests.fakes.newsroom import MINUTE, NINE, Newsroom, post


def test_an_approved_post_goes_out_at_its_time_and_once(newsroom: Newsroom) -> None:
    newsroom.write(post("one", at=NINE))
    newsroom.start()
    newsroom.approve("one")

    newsroom.wait(NINE + MINUTE)

    assert newsroom.states() == {"one/m/0": "SENT"}
    assert len(newsroom.servers["m"].live) == 1
    assert newsroom.row().sent_at == NINE
    assert newsroom.moves(newsroom.row()) == ["PLANNED READY", "READY SENDING", "SENDING SENT"]
