"""The ledger: what paid calls cost, booked before they are made, never above the budget."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import ColumnElement, Connection, and_, delete, func, select, update

from bot.clock import Clock
from bot.content.model import Account
from bot.db.database import Repository
from bot.delivery.tables import charge as charges
from bot.errors import BudgetSpentError, OverBudgetError
from bot.platforms.spec import Charge

_C = charges.c
_MICRO = 1_000_000
_PG_LOCK = 0x6C656467
_COST = func.sum(_C.units * _C.unit_micro_usd)


class Ledger(Repository):
    """Money is whole micro-dollars; a day and a month are UTC's, as platforms bill."""

    def reserve(
        self,
        account: str,
        charge: Charge,
        price_usd: float,
        *,
        now: datetime,
        budget_usd: float | None = None,
    ) -> int:
        """Book a call at most; the number settles it later; BudgetSpentError over ``budget_usd``.

        A resource (a status that is read, say) is booked once a UTC day.
        """
        price = round(price_usd * _MICRO)
        day = _day(now)
        with self._db.write() as connection:
            if connection.dialect.name == "postgresql":
                # Two workers must not both find the last cent.
                connection.execute(select(func.pg_advisory_xact_lock(_PG_LOCK)))
            new = _unpaid(connection, charge.resources, account, charge.action, day)
            units = len(new) if charge.resources else charge.units
            cost = units * price
            if budget_usd is not None and cost:
                spent = _spent(connection, account, day[:7])
                if spent + cost > round(budget_usd * _MICRO):
                    raise BudgetSpentError(
                        f"{account}: {spent / _MICRO:.3f} of {budget_usd:.2f} USD are spent in"
                        f" {day[:7]}, and this costs {cost / _MICRO:.3f}"
                    )
            what: dict[str, object] = {"action": charge.action, "resource": " ".join(new) or None}
            what |= {"units": units, "unit_micro_usd": price}
            booked = charges.insert().values(account=account, day=day, at=now, **what)
            return int(connection.execute(booked.returning(_C.id)).scalar_one())

    def settle(self, booking: int, units: int, resources: Sequence[str] = ()) -> None:
        """Correct a booking to what was used: of ``resources`` those not used before that day."""
        with self._db.write() as connection:
            values: dict[str, object] = {"units": units}
            if resources:
                row = connection.execute(select(charges).where(_C.id == booking)).one()
                new = _unpaid(connection, resources, row.account, row.action, row.day, booking)
                values |= {"units": len(new), "resource": " ".join(new) or None}
            connection.execute(update(charges).where(_C.id == booking).values(values))

    def prune(self, before: datetime) -> int:
        """Forget bookings of long ago; return how many. No budget and no page looks so far back."""
        return self._change(delete(charges).where(_C.day < _day(before)))

    def spent(self, account: str, *, month_of: datetime) -> float:
        """Add up, in US dollars, what is booked in the month (UTC) of that moment."""
        with self._db.read() as connection:
            return _spent(connection, account, _day(month_of)[:7]) / _MICRO

    def spent_by_action(self, account: str, *, month_of: datetime) -> dict[str, float]:
        """Add up, in US dollars, what is booked in the month (UTC) of that moment, by action."""
        return self._by_action(_in_month(account, _day(month_of)[:7]))

    def spent_between(self, account: str, first: date, last: date) -> dict[str, float]:
        """Add up, in US dollars, what is booked on these days (UTC), by action."""
        days = _C.day.between(first.isoformat(), last.isoformat())
        return self._by_action(and_(_C.account == account, days))

    def _by_action(self, which: ColumnElement[bool]) -> dict[str, float]:
        query = select(_C.action, _COST.label("cost")).where(which)
        rows = self._rows(query.group_by(_C.action).order_by(_C.action))
        return {row.action: int(row.cost) / _MICRO for row in rows}


@dataclass(frozen=True, slots=True)
class AccountMeter:
    """One account's side of the ledger; keeps the promises of `bot.platforms.base.Meter`."""

    ledger: Ledger
    clock: Clock
    #: Asked for at each booking: a changed budget or price holds from the next call on.
    account: Callable[[], Account]
    prices: Callable[[], Mapping[str, float]]

    def reserve(self, charge: Charge) -> int:
        account, now = self.account(), self.clock.now()
        price, budget = self.prices().get(charge.action, 0.0), account.budget_usd_per_month
        try:
            return self.ledger.reserve(account.name, charge, price, now=now, budget_usd=budget)
        except BudgetSpentError as error:
            raise OverBudgetError(account.platform, str(error)) from error

    def settle(self, booking: int, units: int, resources: Sequence[str] = ()) -> None:
        self.ledger.settle(booking, units, resources)


def budget_left(ledger: Ledger, account: Account, clock: Clock) -> float | None:
    """Return US dollars that the account may still spend this UTC month; None is no budget."""
    if account.budget_usd_per_month is None:
        return None
    spent = ledger.spent(account.name, month_of=clock.now())
    # In micro-dollars, as the ledger counts: the last cent must not be lost to binary fractions.
    return round(account.budget_usd_per_month - spent, 6)


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).date().isoformat()


def _unpaid(
    connection: Connection,
    resources: Sequence[str],
    account: str,
    action: str,
    day: str,
    booking: int | None = None,
) -> list[str]:
    """Return the resources that no other booking pays on that day; names hold no spaces."""
    query = select(_C.id, _C.resource).where(
        _C.account == account, _C.action == action, _C.day == day, _C.units > 0
    )
    rows = connection.execute(query.where(_C.resource.is_not(None)))
    paid = {name for id_, names in rows if id_ != booking for name in names.split()}
    return [name for name in dict.fromkeys(resources) if name not in paid]


def _spent(connection: Connection, account: str, month: str) -> int:
    query = select(_COST).where(_in_month(account, month))
    return int(connection.execute(query).scalar_one() or 0)


def _in_month(account: str, month: str) -> ColumnElement[bool]:
    # A range, which the index answers; "starts with" would not be.
    return and_(_C.account == account, _C.day.between(f"{month}-01", f"{month}-31"))
