"""What the month has cost and will cost, told without asking anybody."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.clock import FastClock
from bot.content.model import Account
from bot.engagement.costs import Forecast, forecasts, kept_for_posts, looks, read_days
from bot.engagement.report_text import cost_text
from bot.planning.store import Store
from bot.platforms.registry import PLATFORMS
from bot.platforms.spec import Charge
from tests.fakes.engaged import sent
from tests.fakes.written import campaign
from tests.integration.store_rows import new_publication

NOW = datetime(2026, 12, 29, 9, tzinfo=UTC)
X = Account("acc", "x", budget_usd_per_month=5)
SPECS = {name: kind.spec for name, kind in PLATFORMS.items()}


def planned(store: Store, id_: str, due: datetime, cost: float) -> None:
    made = new_publication(id=id_, due_at=due, platform="x",
                        cost_usd=cost)  # fmt: skip
    assert store.outbox.add(made, now=NOW)


def forecast(store: Store, account: Account = X) -> Forecast:
    (told,) = forecasts(store, campaign(accounts=[account]), FastClock(NOW), SPECS)
    return told


def test_only_this_months_posts_are_kept_for(store: Store) -> None:
    planned(store, "soon", NOW + timedelta(days=1), 0.2)
    planned(store, "next-month", NOW + timedelta(days=4), 0.2)
    planned(store, "free", NOW + timedelta(hours=1), 0.0)

    assert kept_for_posts(store, "acc", NOW) == pytest.approx(0.2)


def test_the_month_is_what_is_spent_and_what_is_to_come(store: Store) -> None:
    store.ledger.reserve("acc", Charge("post", 2), 0.015, now=NOW)
    planned(store, "soon", NOW + timedelta(hours=1), 0.015)

    told = forecast(store)

    # The post is read on the 29th (1 h, 6 h) and the 30th (24 h); 72 h later it is January.
    # The account is looked at on two more days.
    assert told.reads_to_come == pytest.approx(2 * 0.005 + 2 * 0.01)
    assert told.expected == pytest.approx(0.03 + 0.015 + 0.03)
    assert told.by_action == {"post": 0.03}


def test_who_owns_the_app_reads_for_a_fifth(store: Store) -> None:
    sent(store, new_publication(due_at=NOW, platform="x"), NOW)
    store.snapshots.schedule("d1", {"1h": NOW + timedelta(hours=1)})

    dear, cheap = forecast(store), forecast(store, replace(X, own={"owns_app": True}))

    assert dear.reads_to_come - cheap.reads_to_come == pytest.approx(0.004)


def test_an_account_is_told_only_where_it_pays_and_has_nothing_left_without_a_budget(
    store: Store,
) -> None:
    free = campaign(accounts=[Account("acc", "bluesky")])

    told = forecast(store, Account("acc", "x"))

    assert told.budget is None
    assert cost_text(told).endswith("there is no budget.")
    assert list(forecasts(store, free, FastClock(NOW), SPECS)) == []


def test_days_are_counted_by_month(store: Store) -> None:
    end = NOW + timedelta(days=40)

    assert read_days(store, "acc", [NOW], end) == {"2026-12": 2, "2027-01": 3}
    assert looks(NOW, NOW + timedelta(days=5)) == {"2026-12": 3, "2027-01": 2}
