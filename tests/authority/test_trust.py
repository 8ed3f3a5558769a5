"""What of the schedule an operator vouches for, and how far the machine lets the files go."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from bot.app.content import SPECS
from bot.authority.trust import facts_of
from bot.content.ceilings import bounded
from bot.content.model import Account, Campaign, Pause, Schedule
from bot.settings.environment import Settings
from tests.fakes.written import campaign


def _campaign(made: Schedule) -> Campaign:
    return Campaign(made, (), {}, {}, "")


def test_pauses_up_to_two_weeks_are_harmless() -> None:
    first = date(2027, 1, 1)

    def facts(*lengths: int) -> object:
        pauses, start = [], first
        for days in lengths:
            last = start + timedelta(days=days - 1)
            pauses.append(Pause(first=start, last=last, reason="rest"))
            start = last + timedelta(days=15)
        return facts_of(_campaign(replace(campaign().schedule, pauses=tuple(pauses))))["pauses"]

    assert facts(14) == facts(14, 14, 7) == []
    assert facts(15) == [["2027-01-01", "2027-01-15"]]


def test_ceilings_only_lower() -> None:
    modest = Account("x", "x", budget_usd_per_month=1.0, max_per_day=3, min_gap=timedelta(hours=1))
    made = replace(campaign().schedule, accounts={"x": modest}, prices={"x": {"post": 9.0}})

    within = bounded(_campaign(made), Settings(), SPECS).schedule

    assert (within.accounts["x"], within.prices) == (modest, {"x": {"post": 9.0}})
    assert SPECS["x"].prices["post"] < 9.0
