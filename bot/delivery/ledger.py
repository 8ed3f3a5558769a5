"""The ledger: what paid calls cost, booked before they are made."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, func, select, update

from bot.db.database import Repository
from bot.db.errors import BudgetSpentError
from bot.delivery.tables import charge as charges
from bot.platforms.spec import Charge

_C = charges.c
_MICRO = 1_000_000
_PG_LOCK = 0x6C656467


class Ledger(Repository):
    """Money is whole micro-dollars; a day and a month are UTC's, as platforms bill."""

    def reserve(
        self,
        account: str,
        charge: Charge,
        price_usd: float,
        *,
        now: datetime,
        delivery_id: str | None = None,
        budget_usd: float | None = None,
    ) -> int:
        """Book a call at most; the number settles it later.

        A resource (a status that is read, say) is booked once a UTC day.

        Raises:
            BudgetSpentError: this month's bookings would go over ``budget_usd``; none was made.
        """
        price = round(price_usd * _MICRO)
        day = _day(now)
        with self._db.write() as connection:
            if connection.dialect.name == "postgresql":
                # Two workers must not both find the last cent.
                connection.execute(select(func.pg_advisory_xact_lock(_PG_LOCK)))
            known = _booked(connection, account, charge.action, day)
            new = [one for one in dict.fromkeys(charge.resources) if one not in known]
            units = len(new) if charge.resources else charge.units
            _refuse_over(connection, account, day[:7], units * price, budget_usd)
            booked = charges.insert().values(
                account=account,
                delivery_id=delivery_id,
                action=charge.action,
                resource=" ".join(new) or None,
                units=units,
                unit_micro_usd=price,
                day=day,
                at=now,
                settled=0,
            )
            return int(connection.execute(booked.returning(_C.id)).scalar_one())

    def settle(self, booking: int, units: int, resources: Sequence[str] = ()) -> None:
        """Correct a booking to what was used: of ``resources`` those not used before that day."""
        with self._db.write() as connection:
            values: dict[str, object] = {"units": units, "settled": 1}
            if resources:
                row = connection.execute(select(charges).where(_C.id == booking)).one()
                known = _booked(connection, row.account, row.action, row.day, but=booking)
                new = [one for one in dict.fromkeys(resources) if one not in known]
                values |= {"units": len(new), "resource": " ".join(new) or None}
            connection.execute(update(charges).where(_C.id == booking).values(values))

    def spent(self, account: str, *, month_of: datetime) -> float:
        """Add up, in US dollars, what is booked in the month (UTC) of that moment."""
        with self._db.read() as connection:
            return _spent(connection, account, _day(month_of)[:7]) / _MICRO

    def spent_by_action(self, account: str, *, month_of: datetime) -> dict[str, float]:
        """Add up, in US dollars, what is booked in the month (UTC) of that moment, by action."""
        total = func.sum(_C.units * _C.unit_micro_usd)
        query = select(_C.action, total).where(
            _C.account == account, _C.day.startswith(_day(month_of)[:7])
        )
        with self._db.read() as connection:
            rows = connection.execute(query.group_by(_C.action).order_by(_C.action))
            return {action: int(cost) / _MICRO for action, cost in rows}


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).date().isoformat()


def _booked(
    connection: Connection, account: str, action: str, day: str, but: int | None = None
) -> frozenset[str]:
    """Return what of resources is paid for on that day; their names hold no spaces."""
    query = select(_C.id, _C.resource).where(
        _C.account == account, _C.action == action, _C.day == day, _C.units > 0
    )
    rows = connection.execute(query.where(_C.resource.is_not(None)))
    return frozenset(name for id_, names in rows if id_ != but for name in names.split())


def _refuse_over(
    connection: Connection, account: str, month: str, cost: int, budget_usd: float | None
) -> None:
    if budget_usd is None or not cost:
        return
    spent = _spent(connection, account, month)
    if spent + cost > round(budget_usd * _MICRO):
        raise BudgetSpentError(
            f"{account}: {spent / _MICRO:.3f} of {budget_usd:.2f} USD are spent in {month},"
            f" and this costs {cost / _MICRO:.3f}"
        )


def _spent(connection: Connection, account: str, month: str) -> int:
    query = select(func.sum(_C.units * _C.unit_micro_usd)).where(
        _C.account == account, _C.day.startswith(month)
    )
    return int(connection.execute(query).scalar_one() or 0)
