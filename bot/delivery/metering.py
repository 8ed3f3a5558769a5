"""What paid calls cost: booked in the ledger before they are made, never above the budget."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bot.clock import Clock
from bot.content.model import Account
from bot.db.errors import BudgetSpentError
from bot.delivery.store import DeliveryStore
from bot.errors import OverBudgetError
from bot.platforms.spec import Charge


@dataclass(frozen=True, slots=True)
class AccountMeter:
    """One account's side of the ledger; keeps the promises of `bot.platforms.base.Meter`."""

    store: DeliveryStore
    clock: Clock
    #: RequestContext at each booking: a changed budget or price holds from the next call on.
    account: Callable[[], Account]
    prices: Callable[[], Mapping[str, float]]

    def reserve(self, charge: Charge) -> int:
        account = self.account()
        price = self.prices().get(charge.action, 0.0)
        try:
            return self.store.ledger.reserve(
                account.name, charge, price, now=self.clock.now(),
                budget_usd=account.budget_usd_per_month,
            )  # fmt: skip
        except BudgetSpentError as error:
            raise OverBudgetError(account.platform, str(error)) from error

    def settle(self, booking: int, units: int, resources: Sequence[str] = ()) -> None:
        self.store.ledger.settle(booking, units, resources)


def budget_left(store: DeliveryStore, account: Account, clock: Clock) -> float | None:
    """Return US dollars that the account may still spend this UTC month; None is no budget."""
    if account.budget_usd_per_month is None:
        return None
    spent = store.ledger.spent(account.name, month_of=clock.now())
    # In micro-dollars, as the ledger counts: the last cent must not be lost to binary fractions.
    return round(account.budget_usd_per_month - spent, 6)
