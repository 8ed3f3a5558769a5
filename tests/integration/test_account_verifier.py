"""Each account is looked at before it is used, and stopped where it is not what it should be."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.authority.trust import unfit
from bot.content.model import Account, Mode
from bot.delivery.model import State
from bot.errors import UnavailableError
from bot.platforms.base import Profile
from bot.platforms.mastodon import SPEC as MASTODON
from tests.fakes.running_bot import DAY, MINUTE, NINE, START, RunningBot, post


def test_every_account_is_looked_at_at_the_start(bot: RunningBot) -> None:
    bot.servers["m"].profile = Profile("77", "@us@m.example", True)

    bot.wait(START)

    state = bot.store.accounts.get("m")
    assert state is not None
    assert (state.remote_id, state.profile["handle"]) == ("77", "@us@m.example")
    assert state.limits == MASTODON.limits


def test_an_account_is_looked_at_once_a_day(bot: RunningBot) -> None:
    bot.write(*(post(f"p{hour}", at=NINE + hour * timedelta(hours=2)) for hour in range(30)))
    bot.watch()

    bot.wait(NINE + 2 * DAY)

    assert bot.servers["m"].calls.count("profile") == 3


def test_a_server_that_is_away_is_looked_at_again_before_anything_is_sent(bot: RunningBot) -> None:
    bot.servers["m"].unseen = UnavailableError("mastodon", "502")
    bot.wait(NINE)
    assert bot.servers["m"].live == []

    bot.servers["m"].unseen = None
    bot.clock.advance(MINUTE)
    bot.wait(bot.clock.now())

    assert bot.row().state is State.SENT


def test_a_server_that_goes_away_later_does_not_stop_what_works(bot: RunningBot) -> None:
    bot.wait(START)
    bot.servers["m"].unseen = UnavailableError("mastodon", "502")
    bot.write(post("two", at=NINE + 2 * DAY))
    bot.watch()
    bot.approve("two")

    bot.wait(NINE + 2 * DAY)

    assert bot.states()["two/m/0"] == "SENT"


def test_other_limits_than_usual_fit_the_posts_anew(bot: RunningBot) -> None:
    bot.write(post("long", at=NINE, words="A sentence of several words. " * 20 + "End"))
    bot.watch(broken=True)
    bot.write(post("long", at=NINE, words="A sentence of several words. " * 12 + "End"))
    bot.watch()
    bot.servers["m"].limits = replace(MASTODON.limits, max_length=300)

    bot.wait(START)
    bot.watch()

    shown = bot.services.contents.rendered.texts["long", "m"]
    assert shown.max_length == 300
    assert bot.rows("long") == []


def test_a_server_that_takes_longer_posts_is_believed(bot: RunningBot) -> None:
    bot.servers["m"].limits = replace(MASTODON.limits, max_length=5000)
    bot.wait(START)
    bot.write(post("long", at=NINE, words="A sentence of several words. " * 60 + "End"))

    bot.watch()

    assert len(bot.rows("long")) == 1


@pytest.mark.parametrize(
    ("asked", "told", "is_fit"),
    [
        ("", "anyone", True),
        ("us.example", "us.example", True),
        ("@Us@m.example", "us@m.example", True),
        ("us", "@us@m.example", True),
        ("us", "", True),
        ("us", "them@m.example", False),
        ("us@m.example", "us@evil.example", False),
    ],
)
def test_the_credentials_must_belong_to_the_handle(asked: str, told: str, is_fit: bool) -> None:
    account, profile = Account("m", "mastodon", handle=asked), Profile("1", told, True)

    assert (unfit(account, profile, Mode.LIVE) == "") is is_fit


def test_a_platform_that_tells_no_label_and_a_rehearsal_are_not_stopped() -> None:
    account, unlabelled = Account("x", "x"), Profile("1", "us", False)

    assert unfit(account, replace(unlabelled, is_labelled_bot=None), Mode.LIVE) == ""
    assert unfit(account, unlabelled, Mode.REHEARSAL) == ""
