"""What has no clear answer is read back, and only then sent again, or left to a person."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.authority.tables import StopReason
from bot.delivery.model import State
from bot.errors import (
    OverBudgetError,
    SettingsError,
    UnauthorizedError,
    UnavailableError,
    UnconfirmedError,
)
from tests.fakes.newsroom import ACCOUNTS, DAY, MINUTE, NINE, Newsroom, post
from tests.fakes.scripted import Server, Step

SECOND = timedelta(seconds=1)
TIMEOUT = UnconfirmedError("mastodon", "timeout")


@pytest.fixture
def room(newsroom: Newsroom) -> Newsroom:
    """Have one approved post, due at nine on Mastodon."""
    newsroom.write(post("one", at=NINE))
    newsroom.start()
    newsroom.approve("one")
    return newsroom


@pytest.fixture
def server(room: Newsroom) -> Server:
    return room.servers["m"]


def on_x(newsroom: Newsroom, more: str = "threads: true") -> Server:
    newsroom.use(x=ACCOUNTS["x"].replace("threads: true", more))
    newsroom.write(post("one", at=NINE))
    newsroom.start()
    newsroom.approve("one")
    return newsroom.servers["x"]


def test_what_is_out_is_found_and_not_sent_again(room: Newsroom, server: Server) -> None:
    server.fails(TIMEOUT, keeps=True)

    room.wait(NINE + DAY)

    assert room.row().state is State.SENT
    assert room.row().sent_at == NINE
    assert server.calls.count("publish") == 1


def test_what_is_absent_is_sent_again_after_two_reads(room: Newsroom, server: Server) -> None:
    server.fails(TIMEOUT)

    room.wait(NINE + DAY)

    assert server.calls[-4:] == ["publish", "find", "find", "publish"]
    assert [one.key for one in server.live] == [room.row().id]
    assert room.moves(room.row())[-4:] == [
        "SENDING UNKNOWN", "UNKNOWN READY", "READY SENDING", "SENDING SENT",
    ]  # fmt: skip


def test_no_read_comes_before_the_platform_may_show_it(newsroom: Newsroom) -> None:
    server = on_x(newsroom)
    server.fails(UnconfirmedError("x", "timeout"))

    newsroom.wait(NINE + 59 * SECOND)
    assert "find" not in server.calls

    newsroom.wait(NINE + 149 * SECOND)
    assert server.calls.count("find") == 1

    newsroom.wait(NINE + 150 * SECOND)
    assert server.calls.count("find") == 2
    assert len(server.live) == 1


def test_a_timeline_that_lags_is_not_believed_at_once(newsroom: Newsroom) -> None:
    server = on_x(newsroom)
    server.fails(UnconfirmedError("x", "timeout"), keeps=True)
    server.blind = 1

    newsroom.wait(NINE + DAY)

    assert len(server.live) == 1
    assert newsroom.row().state is State.SENT


def test_an_expired_lease_waits_as_long_before_it_is_read(newsroom: Newsroom) -> None:
    server = on_x(newsroom)

    def die() -> None:
        raise SystemExit

    server.steps.append(Step(meanwhile=die))
    with pytest.raises(SystemExit):
        newsroom.wait(NINE)
    newsroom.restart()

    newsroom.wait(NINE + 59 * SECOND)

    assert newsroom.row().state is State.UNKNOWN
    assert "find" not in server.calls


def test_an_account_that_holds_leaves_it_to_a_person(newsroom: Newsroom) -> None:
    server = on_x(newsroom, "on_unknown: hold")
    server.fails(UnconfirmedError("x", "timeout"))

    newsroom.wait(NINE + DAY)

    assert newsroom.row().state is State.HELD
    assert newsroom.row().evidence == "not seen in 2 complete reads; account holds"
    assert server.calls.count("publish") == 1


def test_what_cannot_be_told_is_left_to_a_person(room: Newsroom, server: Server) -> None:
    server.fails(TIMEOUT)
    server.unread.append(UnconfirmedError("mastodon", "another record under the key"))

    room.wait(NINE + DAY)

    assert room.row().state is State.HELD
    assert "another record under the key" in room.row().evidence


@pytest.mark.parametrize(
    ("error", "patience"),
    [
        (UnavailableError("mastodon", "502"), None),
        (UnauthorizedError("mastodon", "revoked"), 5 * MINUTE),
        (OverBudgetError("mastodon", "nothing left"), 5 * MINUTE),
        (SettingsError("secret is gone"), 5 * MINUTE),
        (KeyError("id"), 5 * MINUTE),
    ],
)
def test_a_read_that_did_not_happen_counts_for_nothing_and_ends(
    room: Newsroom, server: Server, error: Exception, patience: timedelta | None
) -> None:
    usual = room.bot.reconciler.policy
    patience = patience or timedelta(hours=2)
    room.bot.reconciler = replace(
        room.bot.reconciler, policy=lambda row: replace(usual(row), patience=patience)
    )
    server.fails(TIMEOUT, keeps=True)
    server.unread.extend([error] * 10_000)

    room.wait(NINE + patience)
    assert room.row().state is State.UNKNOWN
    room.wait(NINE + patience + 5 * MINUTE)

    row = room.row()
    assert (row.state, row.absent_reads) == (State.HELD, 0)
    assert row.evidence.startswith("could not be read back")
    assert server.calls.count("publish") == 1


def test_a_server_that_comes_back_in_time_settles_it(room: Newsroom, server: Server) -> None:
    server.fails(TIMEOUT, keeps=True)
    server.unread.extend([UnavailableError("mastodon", "502")] * 20)

    room.wait(NINE + DAY)

    assert room.row().state is State.SENT


def test_a_read_waits_as_long_as_the_server_says(room: Newsroom, server: Server) -> None:
    server.fails(TIMEOUT, keeps=True)
    server.unread.append(UnavailableError("mastodon", "429", retry_after=10 * MINUTE))

    room.wait(NINE + 10 * MINUTE)
    assert server.calls.count("find") == 1

    room.wait(NINE + 11 * MINUTE)
    assert server.calls.count("find") == 2


def test_nothing_else_goes_out_on_an_account_in_doubt(newsroom: Newsroom) -> None:
    newsroom.write(post("one", at=NINE), post("two", at=NINE + SECOND))
    newsroom.start()
    newsroom.approve("one", "two")
    server = newsroom.servers["m"]
    server.fails(TIMEOUT, keeps=True)
    server.unread.extend([UnavailableError("mastodon", "502")] * 5)

    newsroom.wait(NINE + 2 * SECOND)
    assert len(server.live) == 1

    newsroom.wait(NINE + DAY)
    assert set(newsroom.states().values()) == {"SENT"}


def test_an_account_that_may_not_be_read_is_stopped(room: Newsroom, server: Server) -> None:
    server.fails(TIMEOUT)
    server.unread.append(UnauthorizedError("mastodon", "revoked"))

    room.wait(NINE + MINUTE)

    state = room.store.accounts.get("m")
    assert state is not None
    assert (state.stopped_reason, state.stopped_detail) == (
        StopReason.UNAUTHORIZED,
        "mastodon: revoked",
    )
