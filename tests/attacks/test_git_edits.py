"""Attacks by edits of files: what nobody at the machine confirms stops what it touches."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date, timedelta
from itertools import pairwise

import pytest

from bot.app.content import SPECS
from bot.authority.tables import StopReason
from bot.authority.trust import HARMLESS, facts_of
from bot.content.model import Account, Campaign, Schedule
from bot.errors import OverBudgetError
from bot.platforms.spec import Charge
from bot.settings.environment import Settings
from tests.attacks.attack import Attacker, attack
from tests.fakes.running_bot import DAY, MINUTE, NINE, RunningBot, post
from tests.fakes.written import campaign

PAID = (
    "{platform: x, automated_label_confirmed: 2026-01-01, budget_usd_per_month: 5, owner: Us, "
    "consent: {by: Us, on: 2026-01-01}}"
)
TWO_POSTS = (post("one", at=NINE), post("two", at=NINE + DAY))


def stopped(bot: RunningBot) -> set[str]:
    return {
        account.name
        for account in bot.store.accounts.all()
        if StopReason.CONFIGURATION in account.stops
    }


OF_ALL = [
    ("campaign: test", "campaign: test\nhashtags: []\nsimilarity: 1"),
    ("campaign: test", "campaign: test\nsimilarity_days: 0"),
    ("timezone: UTC", "timezone: Asia/Urumqi"),
    ("approvals_required: 2", "approvals_required: 1"),
    ("not_after: 15m", "not_after: 30d"),
    ("graphic_per_day: 1", "graphic_per_day: 50"),
    ("coalition: []", "coalition: [evil.example]"),
    ("coalition: []", "pauses: [{from: 2026-12-08, to: 2027-12-08, reason: for ever}]"),
]
OF_X = [
    ("budget_usd_per_month: 5", "budget_usd_per_month: 100000"),
    ("budget_usd_per_month: 5, ", ""),
    ("budget_usd_per_month: 5", "budget_usd_per_month: 5, on_unknown: hold"),
    ("budget_usd_per_month: 5", "budget_usd_per_month: 5, max_per_hour: 300"),
    ("budget_usd_per_month: 5", "budget_usd_per_month: 5, max_length: 25000"),
    ("budget_usd_per_month: 5", "budget_usd_per_month: 5, threads: true"),
    ("budget_usd_per_month: 5", "budget_usd_per_month: 5, owns_app: true"),
    ("confirmed: 2026-01-01", "confirmed: 2026-02-02"),
    ("campaign: test", "campaign: test\nx_prices: {post: 0, post_with_url: 0}"),
]


@pytest.mark.parametrize(("old", "new"), [*OF_ALL, *OF_X])
@attack(
    Attacker.GIT,
    tried="a rule, a cap, a budget, a price, a promise or an endless pause is changed",
    comes_of_it="what it touches is stopped until `accept-config`; other accounts go on",
)
def test_a_guarded_key_stops_what_it_touches(new_bot: RunningBot, old: str, new: str) -> None:
    new_bot.use("b", x=PAID)
    new_bot.start_approved(*TWO_POSTS)
    new_bot.set(old, new)

    new_bot.watch()
    new_bot.approve_all()
    new_bot.wait(NINE + MINUTE)

    is_of_all = (old, new) in OF_ALL
    assert stopped(new_bot) == ({"b", "x"} if is_of_all else {"x"})
    assert new_bot.servers["x"].live == []
    assert len(new_bot.servers["b"].live) == (0 if is_of_all else 1)


@pytest.mark.parametrize("visibility", ["private", "unlisted"])
@attack(
    Attacker.GIT,
    tried="`visibility:` is changed, so that nobody sees what was approved",
    comes_of_it="the account is stopped; and once that is confirmed, its approvals are void",
)
def test_visibility_is_approved_too(new_bot: RunningBot, visibility: str) -> None:
    new_bot.use("m", "b")
    new_bot.start_approved(post("one", at=NINE))
    new_bot.set("platform: mastodon,", f"platform: mastodon, visibility: {visibility},")

    new_bot.watch()
    assert stopped(new_bot) == {"m"}
    new_bot.confirm()
    new_bot.wait(NINE + MINUTE)

    assert new_bot.states() == {"one/b/0": "SENT", "one/m/0": "HELD unapproved: 0 of 2"}


@attack(
    Attacker.GIT,
    tried="pauses of thirteen days each, with a day between them, for years",
    comes_of_it="pauses that are close count as one: the account is stopped, and people hear of it",
    remains="pauses of two weeks with two weeks between them need nobody's word",
)
def test_short_pauses_in_a_row_are_a_long_one(bot: RunningBot) -> None:
    pauses = "".join(
        f"  - {{from: {first}, to: {first + timedelta(days=12)}, reason: rest}}\n"
        for first in (date(2026, 12, 20) + timedelta(days=14) * turn for turn in range(20))
    )
    bot.set("coalition: []\n", f"coalition: []\npauses:\n{pauses}")

    bot.watch()

    assert stopped(bot) == {"m"}


def _campaign(made: Schedule) -> Campaign:
    return Campaign(made, (), {}, {}, "")


@attack(
    Attacker.GIT,
    tried="a key that a later version adds to the schedule or to accounts is changed",
    comes_of_it="every key is guarded unless it is on the list of harmless ones",
)
def test_every_key_is_guarded_unless_it_is_listed() -> None:
    account = Account("m", "mastodon")
    facts = facts_of(_campaign(replace(campaign().schedule, accounts={"m": account})))

    assert {each.name for each in fields(Schedule)} - facts.keys() == {
        *HARMLESS,
        "place",
        "places",
    }
    assert {each.name for each in fields(Account)} - facts["accounts"]["m"].keys() == {
        "name",
        "place",
    }
    assert {"slots", "queues", "quiet", "hashtags", "themes"} == HARMLESS


# What the machine allows at most


@attack(
    Attacker.GIT,
    tried="a slot for each minute of the day, and a queue that repeats its posts every minute",
    comes_of_it="posts of a queue keep the machine's spacing; the rest of the slots stays empty",
)
def test_a_slot_each_minute_sends_no_flood(new_bot: RunningBot) -> None:
    new_bot.set("slots: [morning]", "slots: [morning], repeat_after: 1m")
    new_bot.start_approved(*(post(f"p{number}") for number in range(9)))
    minutes = ", ".join(f'"09:{minute:02}"' for minute in range(60))
    new_bot.set('times: ["09:00"]', f"times: [{minutes}]")

    new_bot.watch()
    new_bot.wait(NINE + 60 * MINUTE)

    sent = sorted(row.sent_at for row in new_bot.rows() if row.sent_at)
    assert len(sent) == 12
    assert all(later - earlier >= 5 * MINUTE for earlier, later in pairwise(sent))


@attack(
    Attacker.GIT,
    tried="`max_per_day:` is taken away or raised, or `min_gap:` lowered, and that is confirmed in"
    " a hurry",
    comes_of_it="the environment's ceilings hold: posts a day, and the spacing",
)
def test_caps_of_the_files_cannot_pass_the_machines(new_bot: RunningBot) -> None:
    new_bot.settings = Settings(max_posts_per_day=1)
    new_bot.use(m="{platform: mastodon, server: 'https://m.example', max_per_day: 900, min_gap: 1s,"
                " owner: Us, consent: {by: Us, on: 2026-01-01}}")  # fmt: skip
    new_bot.start_approved(post("one", at=NINE), post("two", at=NINE + 10 * MINUTE))

    new_bot.wait(NINE + 60 * MINUTE)

    account = new_bot.services.contents.campaign().schedule.accounts["m"]
    assert (account.max_per_day, account.min_gap) == (1, timedelta(minutes=5))
    assert new_bot.states()["two/m/0"].startswith("HELD late")


@pytest.mark.parametrize(
    "account", [PAID.replace("5", "100000", 1), PAID.replace("budget_usd_per_month: 5, ", "")]
)
@attack(
    Attacker.GIT,
    tried="a budget of 100000 dollars, or none, with prices of 0, and that is confirmed in a hurry",
    comes_of_it="VERBATIM_MAX_BUDGET_USD_PER_MONTH is the budget, and no price is below half of the"
    " built-in one",
    remains="up to twice that budget may be spent, unless VERBATIM_MAX_DISCOUNT is 0",
)
def test_a_budget_of_the_files_cannot_pass_the_machines(new_bot: RunningBot, account: str) -> None:
    new_bot.settings = Settings(max_budget_usd_per_month=0.1)
    new_bot.set("campaign: test", "campaign: test\nx_prices: {post: 0, post_with_url: 0}")
    new_bot.use(x=account)
    new_bot.start()
    meter = new_bot.services.publisher.platform("x")._adapter.connection.meter  # type: ignore[attr-defined] # the adapter within

    with pytest.raises(OverBudgetError):
        meter.reserve(Charge("post_with_url", 2))
    meter.reserve(Charge("post_with_url"))


# One account's trouble stays there


@attack(
    Attacker.GIT,
    tried="one account's variant of an approved post is edited",
    comes_of_it="only what is approved for that account is void; the others go out",
)
def test_a_variant_voids_its_own_account_only(new_bot: RunningBot) -> None:
    new_bot.use("m", "b")
    new_bot.start_approved(post("one", at=NINE))
    new_bot.write(post("one", "variants: {b: {text: Something else.}}", at=NINE))

    new_bot.watch()
    new_bot.wait(NINE + MINUTE)

    assert new_bot.states() == {"one/b/0": "HELD unapproved: 0 of 2", "one/m/0": "SENT"}


@attack(
    Attacker.GIT,
    tried="an account without secrets is added, and the service is started again",
    comes_of_it="it is stopped, and no secret is asked for; the service starts and sends",
)
def test_an_account_without_secrets_keeps_no_service_from_starting(
    new_bot: RunningBot,
) -> None:
    new_bot.start_approved(post("one", at=NINE))
    new_bot.stop()
    platforms = new_bot.platforms
    new_bot.platforms = {
        **platforms,
        "x": replace(platforms["x"], spec=SPECS["x"]),
    }
    new_bot.use("m", "x")

    new_bot.start()
    new_bot.wait(NINE + MINUTE)

    assert stopped(new_bot) == {"x"}
    assert new_bot.states()["one/m/0"] == "SENT"
