"""What the machine allows or asks for, whatever the files say: git does not reach the machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.content.model import Account, ApprovalRules, Campaign
from bot.platforms.spec import PlatformSpec

if TYPE_CHECKING:  # pydantic-settings, 0.07 s, is not needed to know that it is not asked
    from bot.settings.environment import Settings


def bounded(campaign: Campaign, known: Settings, specs: Mapping[str, PlatformSpec]) -> Campaign:
    """Return a campaign as the machine's ceilings leave it; they only lower what files say."""
    schedule = campaign.schedule
    accounts = {
        name: _bounded(account, known, is_paid=bool(specs[account.platform].prices))
        for name, account in schedule.accounts.items()
    }
    prices = {
        name: {
            action: max(usd, specs[name].prices[action] * (1 - known.max_discount))
            for action, usd in listed.items()
        }
        for name, listed in schedule.prices.items()
    }
    least = known.min_signed_approvals
    schedule = replace(
        schedule,
        accounts=accounts,
        prices=prices,
        approvals_required=max(schedule.approvals_required, least),
        approvals=ApprovalRules("required") if least else schedule.approvals,
    )
    return replace(campaign, schedule=schedule)


def _bounded(account: Account, known: Settings, *, is_paid: bool) -> Account:
    budget, most = account.budget_usd_per_month, known.max_posts_per_day
    if is_paid:  # without a budget of its own, too
        usual = known.max_budget_usd_per_month
        budget = usual if budget is None else min(budget, usual)
    return replace(
        account,
        budget_usd_per_month=budget,
        max_per_day=min(account.max_per_day or most, most),
        min_gap=max(account.min_gap, known.min_spacing),
    )
