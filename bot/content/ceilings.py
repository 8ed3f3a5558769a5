"""What the machine allows at most, whatever the files say: git reaches files, not the machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.content.model import Account, Campaign
from bot.platforms.spec import PlatformSpec


@dataclass(frozen=True, slots=True)
class Ceilings:
    """What holds for each account, where its files ask for more."""

    #: US dollars, for an account without a budget too.
    budget_usd_per_month: float
    posts_per_day: int
    #: Share of a built-in price that a price in the files may leave out.
    discount: float
    #: Between two posts of a queue, at least.
    spacing: timedelta

    def over(self, campaign: Campaign, specs: Mapping[str, PlatformSpec]) -> Campaign:
        """Return the campaign as these ceilings leave it."""
        schedule = campaign.schedule
        accounts = {
            name: self._account(account, is_paid=bool(specs[account.platform].prices))
            for name, account in schedule.accounts.items()
        }
        prices = {
            name: {action: self._price(specs[name], action, usd) for action, usd in listed.items()}
            for name, listed in schedule.prices.items()
        }
        return replace(campaign, schedule=replace(schedule, accounts=accounts, prices=prices))

    def _account(self, account: Account, *, is_paid: bool) -> Account:
        budget, most = account.budget_usd_per_month, account.max_per_day
        if is_paid:
            usual = self.budget_usd_per_month
            budget = usual if budget is None else min(budget, usual)
        return replace(
            account,
            budget_usd_per_month=budget,
            max_per_day=min(most or self.posts_per_day, self.posts_per_day),
            min_gap=max(account.min_gap, self.spacing),
        )

    def _price(self, spec: PlatformSpec, action: str, usd: float) -> float:
        return max(usd, spec.prices[action] * (1 - self.discount))
