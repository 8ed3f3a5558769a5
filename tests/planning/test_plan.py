"""The plan: queues over slots, fixed times, caps, spacing, quiet days, and what stays empty."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.content.model import Account, EveryYear, Pause, Post, Queue, Schedule, Slot
from bot.delivery.model import FixedTime, Publication, Queued, Yearly
from bot.planning.plan import Assignment, Offer, Plan, plan

START = datetime(2026, 11, 23, tzinfo=UTC)  # a Monday


def post(name: str, **changes: object) -> Post:
    return replace(Post(name, queue="q"), **changes)  # type: ignore[arg-type] # any field, by name


def schedule(*accounts: Account, **changes: object) -> Schedule:
    known = accounts or (Account("m", "mastodon"),)
    base = Schedule(
        campaign="c", timezone="UTC",
        accounts={account.name: account for account in known},
        slots={"daily": Slot("daily", tuple(range(7)), (time(9),))},
        queues={"q": Queue("q", ("daily",))},
    )  # fmt: skip
    return replace(base, **changes)  # type: ignore[arg-type] # any field, by name


def offers(rules: Schedule, posts: Iterable[Post], *, repeat: bool = True) -> list[Offer]:
    return [
        Offer(one, account.name, may_repeat=repeat)
        for one in posts
        for account in rules.accounts.values()
    ]


def lay(
    rules: Schedule,
    posts: Iterable[Post],
    *,
    days: int = 7,
    past: Iterable[Publication] = (),
    start: datetime = START,
    alike: Callable[[str, str], bool] = lambda one, other: one == other,
    repeat: bool = True,
) -> Plan:
    return plan(
        rules, offers(rules, posts, repeat=repeat), past=past, last_used={}, added_at={},
        start=start, end=start + timedelta(days=days), alike=alike,
    )  # fmt: skip


def as_lines(result: Plan) -> list[str]:
    return [f"{one.due_at:%d %H:%M} {one.account} {one.post_id}" for one in result.assignments]


DAILY = Slot("daily", tuple(range(7)), (time(9),))
TWICE = {"daily": replace(DAILY, times=(time(9), time(15)))}
MONDAY = date(2026, 11, 23)
AGAIN = schedule(queues={"q": Queue("q", ("daily",), repeat_after=timedelta(days=2))})
PLANS: dict[str, tuple[Schedule, list[Post], int, list[str]]] = {
    "a queue gives its posts in order to the slots": (
        schedule(), [post("one"), post("two")], 2, ["23 09:00 m one", "24 09:00 m two"],
    ),
    "a post comes again after its time": (
        AGAIN, [post("one")], 4, ["23 09:00 m one", "25 09:00 m one"],
    ),
    "a draft is not planned": (schedule(), [post("one", status="draft")], 7, []),
    "a quiet day has no graphic post but the next one of the queue": (
        schedule(quiet=((MONDAY, MONDAY),)),
        [post("camps", graphic=True), post("families")], 2,
        ["23 09:00 m families", "24 09:00 m camps"],
    ),
    "a day has at most one graphic post over all accounts": (
        schedule(Account("m", "mastodon"), Account("b", "bluesky"), slots=TWICE),
        [post("one", graphic=True), post("two", graphic=True)], 2,
        ["23 09:00 b one", "23 09:00 m one", "24 09:00 b two", "24 09:00 m two"],
    ),
    "the same text never goes to two accounts of one platform": (
        schedule(Account("x1", "x"), Account("x2", "x")), [post("one"), post("two")], 90,
        ["23 09:00 x1 one", "23 09:00 x2 two"],
    ),
    "two slots of a queue at one time are one place": (
        schedule(slots={"daily": DAILY, "again": replace(DAILY, name="again")},
                 queues={"q": Queue("q", ("daily", "again"))}),
        [post("one"), post("two")], 1, ["23 09:00 m one"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("rules", "posts", "days", "planned"), PLANS.values(), ids=PLANS)
def test_a_plan_lays_posts_into_slots(
    rules: Schedule, posts: list[Post], days: int, planned: list[str]
) -> None:
    assert as_lines(lay(rules, posts, days=days)) == planned


def test_a_post_does_not_come_again_where_the_platform_does_not_allow_it() -> None:
    assert as_lines(lay(AGAIN, [post("one")], days=4, repeat=False)) == ["23 09:00 m one"]


def test_a_slot_that_stays_empty_says_why() -> None:
    result = lay(schedule(), [post("one")], days=2)

    assert [(hole.due_at.day, hole.why) for hole in result.empty_slots] == [
        (24, "queue q has nothing to give: 1 out already, and not repeated there")
    ]


def test_a_post_with_a_fixed_time_goes_then_and_once() -> None:
    fixed = post("anniversary", queue="", at=START + timedelta(days=1, hours=12))

    result = lay(schedule(), [fixed])

    assert [(one.occurrence, one.due_at) for one in result.assignments] == [
        (FixedTime("anniversary"), START + timedelta(days=1, hours=12))
    ]


def test_a_yearly_post_has_one_occurrence_a_year() -> None:
    yearly = post("letter-day", queue="", every_year=EveryYear((12, 9), time(9)))

    result = lay(schedule(), [yearly], days=400)

    both = [Yearly("letter-day", 2026), Yearly("letter-day", 2027)]
    assert [one.occurrence for one in result.assignments] == both
    once = lay(schedule(), [yearly], days=400, repeat=False)
    assert [one.occurrence for one in once.assignments] == both[:1], "not repeated there"


def test_a_planned_pause_yields_no_slots_and_no_fixed_posts() -> None:
    pause = Pause(date(2026, 11, 23), date(2026, 11, 24), "mourning")
    fixed = post("fixed", queue="", at=START + timedelta(hours=12))

    result = lay(schedule(pauses=(pause,)), [post("one"), fixed], days=3)

    assert as_lines(result) == ["25 09:00 m one"]
    assert {hole.why for hole in result.empty_slots} == {
        "planned pause: mourning", "fixed: planned pause: mourning",
    }  # fmt: skip


def test_alike_posts_keep_their_distance_on_an_account() -> None:
    rules = schedule(similarity_days=3)

    result = lay(rules, [post("a"), post("b"), post("c")], days=5,
                 alike=lambda one, other: {one, other} <= {"a", "b"})  # fmt: skip

    assert as_lines(result) == ["23 09:00 m a", "24 09:00 m c", "26 09:00 m b"]


def test_queue_posts_keep_clear_of_an_alike_post_with_a_fixed_time_beyond_the_window() -> None:
    fixed = post("f", queue="", at=START + timedelta(days=10, hours=9))

    result = lay(schedule(), [post("a"), fixed], days=2,
                 alike=lambda one, other: {one, other} <= {"a", "f"})  # fmt: skip

    assert result.assignments == ()


@pytest.mark.parametrize(
    ("account", "second", "why"),
    [
        (Account("m", "mastodon", max_per_day=1), "24 09:00", "the account's 1 a day are used"),
        (Account("m", "mastodon", max_per_hour=1), "23 11:00", "the account's 1 an hour are used"),
        (
            Account("m", "mastodon", min_gap=timedelta(hours=1)),
            "23 11:00",
            "too close to another post of the account",
        ),
    ],
    ids=["a cap of a day", "a cap of an hour", "a gap"],
)
def test_a_cap_or_a_gap_leaves_slots_empty(account: Account, second: str, why: str) -> None:
    slots = {"daily": replace(DAILY, times=(time(9), time(9, 30), time(11)))}

    result = lay(schedule(account, slots=slots), [post("one"), post("two")], days=2)

    assert as_lines(result) == ["23 09:00 m one", f"{second} m two"]
    assert result.empty_slots[0].why == why


def test_a_moment_that_clocks_skip_stays_empty() -> None:
    rules = schedule(
        timezone="America/New_York", slots={"daily": Slot("daily", (6,), (time(2, 30),))}
    )

    result = lay(rules, [post("one")], start=datetime(2027, 3, 13, tzinfo=UTC), days=3)

    assert [hole.why for hole in result.empty_slots] == ["clocks skip this hour"]


def test_what_is_out_already_is_neither_planned_again_nor_forgotten() -> None:
    nine = START.replace(hour=9)
    slot = Queued("q", nine.replace(tzinfo=None))
    posts = [post("one"), post("two")]
    out = as_past(schedule(), posts, [Assignment("m", "one", slot, nine, "daily")])

    result = lay(schedule(), posts, past=out, days=2)

    assert as_lines(result) == ["24 09:00 m two"]


def test_an_account_gets_only_what_comes_after_it_was_added() -> None:
    rules = schedule()

    result = plan(
        rules, offers(rules, [post("one")]), past=(), last_used={},
        start=START, end=START + timedelta(days=2),
        added_at={"m": START + timedelta(hours=10)}, alike=lambda one, other: one == other,
    )  # fmt: skip

    assert as_lines(result) == ["24 09:00 m one"]


def as_past(
    rules: Schedule, posts: Iterable[Post], done: Iterable[Assignment]
) -> list[Publication]:
    graphic = {one.id: one.graphic for one in posts}
    return [
        Publication(
            id="", account=one.account, platform=rules.accounts[one.account].platform,
            post_id=one.post_id, occurrence=one.occurrence, parts=1, due_at=one.due_at,
            not_after=None, fingerprint="", author="", graphic=graphic[one.post_id],
        )
        for one in done
    ]  # fmt: skip


@settings(max_examples=60)
@given(
    graphic=st.lists(st.booleans(), min_size=1, max_size=8),
    step=st.integers(1, 9),
    repeat=st.sampled_from([None, 2, 5]),
    fixed=st.lists(st.integers(0, 26), max_size=3, unique=True),
)
def test_a_plan_made_day_by_day_is_the_plan_made_at_once(
    graphic: list[bool], step: int, repeat: int | None, fixed: list[int]
) -> None:
    after = timedelta(days=repeat) if repeat else None
    rules = schedule(
        Account("m", "mastodon"), Account("b", "bluesky"),
        queues={"q": Queue("q", ("daily",), repeat_after=after)}, similarity_days=4,
    )  # fmt: skip
    posts = [post(f"p{n}", graphic=bad) for n, bad in enumerate(graphic)]
    posts += [post(f"f{n}", queue="", at=START + timedelta(days=n, hours=9)) for n in fixed]

    def alike(one: str, other: str) -> bool:
        return one == other or {one, other} == {"p0", "p1"}

    at_once = lay(rules, posts, days=27, alike=alike)
    done: list[Assignment] = []
    for day in range(0, 27, step):
        part = lay(
            rules, posts, start=START + timedelta(days=day), days=min(step, 27 - day),
            past=as_past(rules, posts, done), alike=alike,
        )  # fmt: skip
        done += part.assignments

    assert tuple(done) == at_once.assignments


@pytest.mark.parametrize("order", ["listed", "shuffled"])
def test_every_post_of_a_queue_is_out_before_any_comes_again(order: str) -> None:
    rules = schedule(queues={"q": Queue("q", ("daily",), order, timedelta(days=1))})

    result = lay(rules, [post(name) for name in "abcde"], days=10)

    ids = [one.post_id for one in result.assignments]
    assert sorted(ids[:5]) == sorted(ids[5:]) == list("abcde")
