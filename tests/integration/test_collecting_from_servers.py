"""The collector with the real adapters, against servers that others like, repost and reply on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from bot.clock import FastClock
from bot.content.model import Account
from bot.delivery.ledger import AccountMeter
from bot.delivery.model import State
from bot.engagement.ages import AGES
from bot.engagement.costs import forecasts
from bot.planning.store import Store
from bot.platforms.base import Connection, Platform
from bot.platforms.mastodon import connect as connect_mastodon
from bot.platforms.registry import PLATFORMS
from bot.platforms.x.adapter import X
from tests.contract.contract import CountingMeter
from tests.fakes.measured import MeasuredAccount
from tests.fakes.x_oauth import secrets_for
from tests.fakes.x_standin import USER, XStandin
from tests.servers.mastodon import MastodonServer

NOW = datetime(2026, 12, 9, 18, 5, tzinfo=UTC)


# -- X, to the cent


@dataclass
class OnX:
    """An account on the X stand-in, whose bill follows the same clock."""

    bench: MeasuredAccount
    x: XStandin

    @property
    def booked(self) -> float:
        months = {NOW, self.bench.clock.now()}
        spent = {f"{m:%Y-%m}": self.bench.store.ledger.spent("on-x", month_of=m) for m in months}
        return round(sum(spent.values()), 6)


@pytest.fixture(params=[False, True], ids=["by-ids", "own-timeline"])
def on_x(request: pytest.FixtureRequest, store: Store) -> Iterator[OnX]:
    owns_app: bool = request.param
    with XStandin() as x:
        x.world.owns_app = owns_app
        account = Account(
            "on-x", "x", server=x.origin, own={"owns_app": owns_app}, budget_usd_per_month=5.0
        )

        def connect(clock: FastClock) -> Platform:
            x.world.today = lambda: clock.now().date()
            prices = PLATFORMS["x"].spec.prices
            meter = AccountMeter(store.ledger, clock, lambda: account, lambda: prices)
            return X(Connection(account, secrets_for(USER), meter))

        bench = MeasuredAccount(store, account, connect, FastClock(NOW))
        yield OnX(bench, x)
        bench.platform.close()
        assert x.violations == []


def test_the_ledger_equals_xs_own_bill_at_each_age(on_x: OnX) -> None:
    bench, world = on_x.bench, on_x.x.world
    bench.publish("one")
    bench.clock.advance(timedelta(minutes=20))
    bench.publish("two")
    bench.collector.run()

    for turn, age in enumerate(AGES):
        for status in world.live(USER):
            status.numbers = {"like_count": turn + 1, "impression_count": 100 * turn}
        bench.at(age)

        assert bench.taken("one", age).likes == turn + 1
        assert bench.taken("one", age).impressions == 100 * turn
        assert on_x.booked == world.spend(), age

    posts_and_profiles = world.used["post"] * 0.015 + world.used["user_read"] * 0.01
    print(f"bill {world.spend():.3f} USD, ledger {on_x.booked:.3f}, of it reads "  # noqa: T201 - a figure for the docs
          f"{world.spend() - posts_and_profiles:.3f}")  # fmt: skip


def test_reads_of_one_day_are_charged_once(on_x: OnX) -> None:
    on_x.bench.publish("one")
    on_x.bench.collector.run()
    action = "owned_read" if on_x.x.world.owns_app else "read"
    before = on_x.x.world.used[action]

    on_x.bench.at("1h")
    on_x.bench.at("6h")  # six hours later it is the next UTC day; inside the window it is not yet

    assert on_x.x.world.used[action] == before + 1
    assert on_x.booked == on_x.x.world.spend()


def test_a_post_deleted_on_x_is_gone_and_costs_nothing_more(on_x: OnX) -> None:
    ref = on_x.bench.publish("one")
    on_x.bench.collector.run()
    on_x.x.world.statuses[ref.id].deleted = True

    on_x.bench.at("1h")

    row = on_x.bench.store.outbox.get("one")
    assert row is not None
    assert row.state is State.GONE
    assert on_x.booked == on_x.x.world.spend()


def test_the_forecast_asks_x_nothing(on_x: OnX) -> None:
    on_x.bench.publish("one")
    on_x.bench.collector.run()
    asked = len(on_x.x.requests)

    (told,) = forecasts(
        on_x.bench.store, on_x.bench.campaign, on_x.bench.clock, {"x": PLATFORMS["x"].spec}
    )

    price = 0.001 if on_x.x.world.owns_app else 0.005
    assert len(on_x.x.requests) == asked
    assert told.spent == pytest.approx(on_x.x.world.spend())
    # 1 h and 6 h on one day, then 24 h, 72 h and 7 d; day 30 is in January.
    # Followers once a day, of which 22 are left.
    assert told.reads_to_come == pytest.approx(4 * price + 22 * 0.01)


# -- Mastodon


@contextmanager
def measured(store: Store, origin: str, token: str) -> Iterator[MeasuredAccount]:
    account = Account("on-mastodon", "mastodon", server=origin)
    connection = Connection(account, {"ACCESS_TOKEN": token}, CountingMeter())
    bench = MeasuredAccount(
        store, account, lambda _clock: connect_mastodon(connection), FastClock(NOW)
    )
    yield bench
    bench.platform.close()


@pytest.fixture
def on_mastodon(mastodon_server: MastodonServer, store: Store) -> Iterator[MeasuredAccount]:
    with measured(store, mastodon_server.origin, mastodon_server.account().token) as bench:
        yield bench


@pytest.mark.server
def test_numbers_equal_what_others_did_on_mastodon_at_each_age(
    on_mastodon: MeasuredAccount, mastodon_server: MastodonServer
) -> None:
    ref = on_mastodon.publish("Some words to like")
    on_mastodon.collector.run()
    done = {"favourite": 0, "reblog": 0, "reply": 0}

    for age in AGES:
        other = mastodon_server.account(bot=False)
        for act in ("favourite", "reblog"):
            mastodon_server.ask("POST", f"/api/v1/statuses/{ref.id}/{act}", token=other.token)
            done[act] += 1
        reply = {"status": f"A reply at {age}", "in_reply_to_id": ref.id}
        mastodon_server.ask("POST", "/api/v1/statuses", reply, token=other.token)
        done["reply"] += 1

        on_mastodon.at(age)

        told = on_mastodon.taken("Some words to like", age)
        assert (told.likes, told.reposts, told.replies) == tuple(done.values()), age
        assert told.impressions is None
