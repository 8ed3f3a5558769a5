"""Paid calls are booked before they are made, and never above the month's budget."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.content.model import Account
from bot.delivery.ledger import AccountMeter, budget_left
from bot.errors import OverBudgetError
from bot.platforms.spec import Charge
from tests.fakes.running_bot import START, RunningBot


def meter(bot: RunningBot, budget: float | None, prices: dict[str, float]) -> AccountMeter:
    account = Account("x", "x", budget_usd_per_month=budget)
    return AccountMeter(bot.store.ledger, bot.clock, lambda: account, lambda: prices)


def test_a_call_is_booked_at_its_price_up_to_the_last_cent(new_bot: RunningBot) -> None:
    account = Account("x", "x", budget_usd_per_month=0.045)
    one = meter(new_bot, 0.045, {"post": 0.015})
    one.reserve(Charge("post", 2))

    assert new_bot.store.ledger.spent("x", month_of=START) == 0.03
    assert budget_left(new_bot.store.ledger, account, new_bot.clock) == 0.015
    one.reserve(Charge("post"))
    with pytest.raises(OverBudgetError, match=r"0\.045 of 0\.04"):
        one.reserve(Charge("post"))


def test_a_changed_price_or_budget_holds_from_the_next_call_on(new_bot: RunningBot) -> None:
    prices = {"post": 0.015}
    one = meter(new_bot, None, prices)
    one.reserve(Charge("post"))
    prices["post"] = 1.0

    one.reserve(Charge("post"))

    assert new_bot.store.ledger.spent("x", month_of=START) == 1.015


def test_what_has_no_price_costs_nothing_and_needs_no_budget(new_bot: RunningBot) -> None:
    meter(new_bot, 0, {}).reserve(Charge("anything"))

    assert new_bot.store.ledger.spent("x", month_of=START) == 0


def test_a_new_month_has_a_new_budget(new_bot: RunningBot) -> None:
    account = Account("x", "x", budget_usd_per_month=1)
    one = meter(new_bot, 1, {"post": 1.0})
    one.reserve(Charge("post"))

    new_bot.clock.advance(timedelta(days=31))

    assert budget_left(new_bot.store.ledger, account, new_bot.clock) == 1
    one.reserve(Charge("post"))


def test_without_a_budget_there_is_no_end(new_bot: RunningBot) -> None:
    assert budget_left(new_bot.store.ledger, Account("x", "x"), new_bot.clock) is None
