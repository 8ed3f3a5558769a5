"""The gate: what holds a due delivery, in which order, and whom a person's word overrules."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.delivery.decide import ApprovalCount, Facts, is_same_person, why_hold, why_truncate
from bot.delivery.model import (
    MOST_ATTEMPTS,
    Delivery,
    FixedTime,
    Hold,
    HoldReason,
    Publication,
    State,
)

DUE = datetime(2026, 12, 9, 14, 0, tzinfo=UTC)
PUBLICATION = Publication(
    id="d", account="m", platform="mastodon", post_id="p", occurrence=FixedTime("p"), parts=1,
    due_at=DUE, not_after=DUE + timedelta(minutes=15), fingerprint="f", author="Ed",
    graphic=False,
)  # fmt: skip
DELIVERY = Delivery(
    id="d", publication=PUBLICATION, part=0, parent_id=None, status_json="{}",
    cost_usd=0.015, state=State.PLANNED, reason=None, detail="", evidence="", draft_json=None,
    first_intent_at=None, fence=0, lease_until=None, owner="", attempts=0, retry_at=None,
    absent_reads=0, next_read_at=None, released_by="", remote_id="", url="", cid="", sent_at=None,
    created_at=DUE, updated_at=DUE,
)  # fmt: skip


def approved(*by: str, author: str = "Ed") -> ApprovalCount:
    return ApprovalCount(frozenset(by), 2, author)


FINE = Facts(DUE, approved("Ann", "Ben"))


def held(facts: Facts, delivery: Delivery = DELIVERY) -> str:
    return str(why_hold(delivery, facts) or "")


@pytest.mark.parametrize(
    ("facts", "cost"),
    [
        (FINE, 0.015),
        (replace(FINE, parent=State.SENT), 0.015),
        (replace(FINE, now=DUE + timedelta(minutes=15)), 0.015),
        (replace(FINE, budget_left=None), 99.0),
        (replace(FINE, budget_left=0.0), 0.0),
    ],
    ids=["approved and due", "its parent is out", "the last moment", "no budget", "a spent one"],
)
def test_it_may_go_out(facts: Facts, cost: float) -> None:
    assert held(facts, replace(DELIVERY, cost_usd=cost)) == ""


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        (replace(FINE, paused=""), "paused"),
        (replace(FINE, stopped="revoked"), "account stopped: revoked"),
        (replace(FINE, approvals=approved("Ann")), "unapproved: 1 of 2"),
        (replace(FINE, approvals=approved("Ann", "Ed")), "unapproved: 1 of 2"),
        (replace(FINE, approvals=approved("Ann", "ann ")), "unapproved: 1 of 2"),
        (replace(FINE, now=DUE + timedelta(minutes=16)), "late: 16 min after its time"),
        (replace(FINE, now=DUE + timedelta(minutes=1261)), "late: 21 hours after its time"),
        (replace(FINE, now=DUE + timedelta(hours=49)), "late: 2 days after its time"),
        (replace(FINE, budget_left=0.01), "over budget: costs $0.015, $0.010 left this month"),
        (replace(FINE, parent=State.HELD), "the part before it is not out: it is HELD"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_it_is_held_with_the_reason(facts: Facts, told: str) -> None:
    assert held(facts).startswith(told)


def test_a_person_s_word_forgives_lateness_and_many_attempts() -> None:
    tried = replace(DELIVERY, attempts=MOST_ATTEMPTS)
    assert held(FINE, tried) == "attempts used up"

    released = replace(tried, released_by="Ann")

    assert held(replace(FINE, now=DUE + timedelta(days=9)), released) == ""


@pytest.mark.parametrize("parent", State)
def test_a_part_waits_for_the_one_before_it_unless_that_failed_or_takes_too_long(
    parent: State,
) -> None:
    hold = Hold(HoldReason.PARENT, f"it is {parent}; the thread is truncated")
    too_late = DUE + timedelta(minutes=15, seconds=1)

    assert why_truncate(DELIVERY, parent, DUE) == (hold if parent is State.FAILED else None)
    assert why_truncate(DELIVERY, parent, too_late) == (None if parent is State.SENT else hold)


@given(
    facts=st.builds(
        Facts,
        now=st.datetimes(DUE.replace(tzinfo=None), timezones=st.just(UTC)),
        paused=st.sampled_from((None, "", "a theme")),
        stopped=st.sampled_from(["", "revoked"]),
        approvals=st.builds(
            ApprovalCount,
            st.frozensets(st.sampled_from(["Ann", "Ben", "Ed", "ben"])),
            st.integers(0, 3),
            st.just("Ed"),
        ),
        budget_left=st.none() | st.floats(0, 1),
        parent=st.none() | st.sampled_from(State),
    )
)
def test_a_person_s_word_forgives_nothing_else(facts: Facts) -> None:
    released = why_hold(replace(DELIVERY, released_by="Ann"), facts)
    usual = why_hold(DELIVERY, facts)

    assert released == usual or (usual is not None and usual.reason is HoldReason.LATE)
    assert released is None or released.reason is not HoldReason.LATE


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Ann", "ann", True),
        (" Ann  Lee ", "ann lee", True),
        ("Ａｎｎ", "Ann", True),
        ("Ann", "Anna", False),
        ("Àyşe", "Àyşe", True),
    ],
)
def test_a_person_is_one_however_the_name_is_written(one: str, other: str, same: bool) -> None:
    assert is_same_person(one, other) is same
    assert approved(one, other).count == (1 if same else 2)


def test_where_no_author_is_known_everybody_counts() -> None:
    assert approved("Ann", "Ben", author="").count == 2
