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
from tests.fakes.running_bot import ACCOUNTS, DAY, MINUTE, NINE, RunningBot, post
from tests.fakes.scripted import PublishCall, Server

SECOND = timedelta(seconds=1)
TIMEOUT = UnconfirmedError("mastodon", "timeout")


@pytest.fixture
def server(bot: RunningBot) -> Server:
    return bot.servers["m"]


def on_x(new_bot: RunningBot, more: str = "threads: true") -> Server:
    new_bot.use(x=ACCOUNTS["x"].replace("threads: true", more))
    new_bot.start_approved(post("one", at=NINE))
    return new_bot.servers["x"]


def test_what_is_absent_is_sent_again_once_no_request_can_be_alive(
    bot: RunningBot, server: Server
) -> None:
    server.fails(TIMEOUT)

    bot.wait(NINE + DAY)

    # At 5, 25, 65, 145 and 300 seconds.
    assert server.calls[-7:] == ["publish", *["find"] * 5, "publish"]
    assert [status.key for status in server.live] == [bot.row().id]
    assert bot.moves(bot.row())[-4:] == [
        "SENDING UNKNOWN", "UNKNOWN READY", "READY SENDING", "SENDING SENT",
    ]  # fmt: skip


def test_no_read_comes_before_the_platform_may_show_it(new_bot: RunningBot) -> None:
    server = on_x(new_bot)
    server.fails(UnconfirmedError("x", "timeout"))

    new_bot.wait(NINE + 59 * SECOND)
    assert "find" not in server.calls

    new_bot.wait(NINE + 149 * SECOND)
    assert server.calls.count("find") == 1

    new_bot.wait(NINE + 299 * SECOND)
    assert server.calls.count("find") == 2

    new_bot.wait(NINE + 300 * SECOND)
    assert server.calls.count("find") == 3
    assert len(server.live) == 1


def test_an_expired_lease_waits_as_long_before_it_is_read(new_bot: RunningBot) -> None:
    server = on_x(new_bot)

    def die() -> None:
        raise SystemExit

    server.steps.append(PublishCall(meanwhile=die))
    with pytest.raises(SystemExit):
        new_bot.wait(NINE)
    new_bot.restart()

    new_bot.wait(NINE + 59 * SECOND)

    assert new_bot.row().state is State.UNKNOWN
    assert "find" not in server.calls


def test_an_account_that_holds_leaves_it_to_a_person(new_bot: RunningBot) -> None:
    server = on_x(new_bot, "on_unknown: hold")
    server.fails(UnconfirmedError("x", "timeout"))

    new_bot.wait(NINE + DAY)

    assert new_bot.row().state is State.HELD
    assert new_bot.row().evidence == "not seen in 3 complete reads; account holds"
    assert server.calls.count("publish") == 1


@pytest.mark.parametrize(
    ("error", "patience"),
    [
        (UnavailableError("mastodon", "502"), 15 * MINUTE),
        (UnauthorizedError("mastodon", "revoked"), 5 * MINUTE),
        (OverBudgetError("mastodon", "nothing left"), 5 * MINUTE),
        (SettingsError("secret is gone"), 5 * MINUTE),
        (KeyError("id"), 5 * MINUTE),
    ],
)
def test_a_read_that_did_not_happen_counts_for_nothing_and_ends(
    bot: RunningBot, server: Server, error: Exception, patience: timedelta
) -> None:
    usual = bot.services.reconciler.policy
    bot.services.reconciler = replace(
        bot.services.reconciler, policy=lambda row: replace(usual(row), patience=patience)
    )
    server.fails(TIMEOUT, keeps=True)
    server.unread.extend([error] * 10_000)

    bot.wait(NINE + patience)
    assert bot.row().state is State.UNKNOWN
    bot.wait(NINE + patience + 5 * MINUTE)

    row = bot.row()
    assert (row.state, row.absent_reads) == (State.HELD, 0)
    assert row.evidence.startswith("could not be read back")
    assert server.calls.count("publish") == 1


def test_a_read_waits_as_long_as_the_server_says(bot: RunningBot, server: Server) -> None:
    server.fails(TIMEOUT, keeps=True)
    server.unread.append(UnavailableError("mastodon", "429", retry_after=10 * MINUTE))

    bot.wait(NINE + 10 * MINUTE)
    assert server.calls.count("find") == 1

    bot.wait(NINE + 11 * MINUTE)
    assert server.calls.count("find") == 2


def test_an_account_that_may_not_be_read_is_stopped(bot: RunningBot, server: Server) -> None:
    server.fails(TIMEOUT)
    server.unread.append(UnauthorizedError("mastodon", "revoked"))

    bot.wait(NINE + MINUTE)

    state = bot.store.accounts.get("m")
    assert state is not None
    assert state.stops == {StopReason.UNAUTHORIZED: "mastodon: revoked"}
