"""What the judge says of facts: what is due, how late, why it does not go, whom it concerns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.authority.tables import StopReason
from bot.delivery.model import Delivery, HoldReason, State
from bot.errors import Severity, UnavailableError
from bot.operations.judge import judge
from bot.operations.model import (
    AccountFacts,
    AccountLine,
    MachineFacts,
    Obstacle,
    ServiceFacts,
    ServiceStatus,
)
from tests.fakes.running_bot import MINUTE, NINE, RunningBot, post, thread

NOW = NINE + 5 * MINUTE
FINE, TWO = MachineFacts("one/1", "one"), MachineFacts("two/1", "two")


@pytest.fixture
def row(new_bot: RunningBot) -> Delivery:
    """Return a delivery that was due five minutes ago."""
    new_bot.start_with(post("one", at=NINE))
    return new_bot.row()


@pytest.fixture
def facts(new_bot: RunningBot, row: Delivery) -> ServiceFacts:
    """Return facts of a service where nothing is wrong but that its one post is late."""
    account = AccountFacts("m", "mastodon", waiting=row)
    schedule = new_bot.services.contents.campaign().schedule
    return ServiceFacts(NOW, schedule, machines=[FINE], accounts=[account])


def line(facts: ServiceFacts) -> AccountLine:
    (found,) = judge(facts).accounts
    return found


def keys(status: ServiceStatus) -> list[str]:
    return [matter.key for matter in status.matters]


def test_what_is_late_without_a_reason_is_urgent(facts: ServiceFacts) -> None:
    status = judge(facts)

    assert (line(facts).overdue_seconds, line(facts).obstacle) == (300.0, None)
    (late,) = status.errors
    assert late.text == "m is 5 min late: nothing is known to stand in its way"
    assert not status.is_ready


def test_what_is_on_its_way_is_not_late(facts: ServiceFacts) -> None:
    status = judge(replace(facts, now=NINE + MINUTE))

    assert (status.is_ready, status.matters) == (True, ())


Change = Callable[[ServiceFacts], ServiceFacts]


def account(**changed: object) -> Change:
    return lambda facts: replace(facts, accounts=[replace(facts.accounts[0], **changed)])  # type: ignore[arg-type] # of a table of changes


def waiting(**changed: object) -> Change:
    def change(facts: ServiceFacts) -> ServiceFacts:
        row = facts.accounts[0].waiting
        assert row is not None
        return account(waiting=replace(row, **changed))(facts)  # type: ignore[arg-type] # of a table of changes

    return change


def machine(**changed: object) -> Change:
    return lambda facts: replace(facts, machines=[replace(FINE, **changed)])  # type: ignore[arg-type] # of a table of changes


REASONS: list[tuple[Change, Obstacle, str]] = [
    (lambda facts: replace(facts, database="gone"), Obstacle.DATABASE, "database"),
    (machine(damage="torn"), Obstacle.DATABASE, "damage@one"),
    (machine(disk="3 MB are left"), Obstacle.DISK, "disk@one"),
    (machine(clock="an hour ahead"), Obstacle.CLOCK, "clock@one"),
    (lambda facts: replace(facts, machines=[]), Obstacle.WORKER, "worker"),
    (machine(stuck={"m": "09:00 UTC"}), Obstacle.WORKER, "stuck/m@one"),
    (machine(unchecked={"m": "no token"}), Obstacle.WORKER, "unchecked/m"),
    (lambda facts: replace(facts, settling="restored"), Obstacle.SETTLING, "settling"),
    (lambda facts: replace(facts, paused="mourning"), Obstacle.PAUSED, "paused"),
    (account(stops={StopReason.UNFIT: "no bot flag"}), Obstacle.STOPPED, "stopped/m/unfit"),
    (waiting(state=State.SENDING), Obstacle.LOCK, "late/m"),
    (waiting(state=State.UNKNOWN), Obstacle.LOCK, "late/m"),
    (waiting(state=State.READY, retry_at=NOW + MINUTE), Obstacle.LIMITS, "late/m"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "obstacle", "key"), REASONS)
def test_each_reason_is_told_at_the_account_and_as_a_matter(
    facts: ServiceFacts, change: Change, obstacle: Obstacle, key: str
) -> None:
    found = change(facts)

    assert line(found).obstacle is obstacle
    assert line(found).why
    assert key in keys(judge(found))


def test_the_approvals_of_the_next_post_do_not_explain_why_another_is_late(
    facts: ServiceFacts,
) -> None:
    late = waiting(state=State.READY, retry_at=NOW + MINUTE)(account(missing=2)(facts))

    assert line(late).obstacle is Obstacle.LIMITS
    next_one = line(account(missing=2, waiting=None)(facts))
    assert (next_one.obstacle, next_one.why) == (Obstacle.UNAPPROVED, "2 approval(s) missing")


def test_a_thread_whose_beginning_is_held_is_not_late(new_bot: RunningBot) -> None:
    new_bot.start_with(thread("one", 3, at=NINE))
    new_bot.wait(NINE + 5 * MINUTE)
    first, *rest = new_bot.rows("one")
    assert (first.state, {row.state for row in rest}) == (State.HELD, {State.PLANNED})

    assert new_bot.store.outbox.overdue("m", new_bot.clock.now()) is None
    assert "late/m" not in keys(new_bot.services.status())


def test_the_next_part_of_a_thread_that_is_out_is_late(new_bot: RunningBot) -> None:
    new_bot.start_approved(thread("one", 2, at=NINE))
    for _ in range(20):
        new_bot.servers["m"].fails(UnavailableError("mastodon", "refused"))
    new_bot.wait(NINE + 5 * MINUTE)

    found = new_bot.store.outbox.overdue("m", new_bot.clock.now())

    assert found is not None
    assert (found.part, found.state) == (0, State.READY)


def test_the_most_basic_reason_comes_first(facts: ServiceFacts) -> None:
    for change, _obstacle, _key in reversed(REASONS[2:4]):
        facts = replace(facts, paused="mourning", machines=change(facts).machines)

    assert line(facts).obstacle is Obstacle.DISK


@pytest.mark.parametrize("wrong", [{"disk": "full"}, {"clock": "ahead"}, {"damage": "torn"}])
def test_another_machine_that_is_well_sends_instead(
    facts: ServiceFacts, wrong: dict[str, str]
) -> None:
    both = replace(machine(**wrong)(facts), machines=[*machine(**wrong)(facts).machines, TWO])

    assert line(both).obstacle is None
    assert judge(both).errors


def test_people_s_own_decisions_are_no_errors(facts: ServiceFacts) -> None:
    status = judge(replace(facts, paused="mourning (Ann)"))

    assert [(matter.key, matter.severity) for matter in status.matters] == [
        ("paused", Severity.WARNING)
    ]
    assert status.is_ready


def test_a_disk_that_fills_is_told_before_it_is_full(facts: ServiceFacts) -> None:
    (matter,) = judge(replace(machine(disk_soon="in 5 h")(facts), now=NINE)).matters

    assert (matter.severity, matter.text) == (Severity.WARNING, "one: in 5 h")


@pytest.mark.parametrize(
    ("reason", "command"),
    [
        (HoldReason.LATE, "resolve {id} send --as NAME"),
        (HoldReason.UNAPPROVED, "approve one --as NAME"),
        (HoldReason.OVER_BUDGET, "resolve {id} drop --as NAME"),
        (HoldReason.UNSETTLED, "resolve {id} ADDRESS --as NAME"),
        (HoldReason.PAUSED, "resolve {id} send --as NAME"),
    ],
)
def test_what_is_held_says_what_settles_it(
    facts: ServiceFacts, row: Delivery, reason: HoldReason, command: str
) -> None:
    held = replace(row, state=State.HELD, reason=reason)

    (matter,) = judge(replace(facts, accounts=[], held=[held])).matters

    assert matter.command == command.format(id=row.id[:8])
    assert matter.page == "/held"


def test_one_cause_is_one_matter(facts: ServiceFacts, row: Delivery) -> None:
    held = [replace(row, id=f"{n:08}", state=State.HELD, reason=HoldReason.LATE) for n in range(9)]
    failed = replace(row, state=State.FAILED, detail="too long")

    status = judge(replace(facts, accounts=[], held=[*held, failed]))

    assert keys(status) == ["FAILED/", "HELD/late"]
    assert status.matters[1].text.endswith("\nand 4 more")


def test_the_next_one_is_the_earliest_of_all_accounts(facts: ServiceFacts) -> None:
    later, sooner = (NOW + timedelta(days=days) for days in (2, 1))
    accounts = [AccountFacts("a", "x", next_due=later), AccountFacts("b", "x", next_due=sooner)]

    assert judge(replace(facts, accounts=accounts)).next_due == sooner
