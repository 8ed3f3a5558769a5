"""The rows of a delivery's states that no person moves: what each answer leads to."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.delivery.decide import (
    FIRST_WAIT,
    LONGEST_WAIT,
    FailedReads,
    Outcome,
    Policy,
    decide,
    decide_read,
)
from bot.delivery.lifecycle import MOVES, Event
from bot.delivery.model import MOST_ATTEMPTS, Delivery, Hold, HoldReason, State
from bot.errors import (
    BotError,
    DuplicateError,
    LeaseLostError,
    OverBudgetError,
    PausedError,
    PlatformError,
    RejectedError,
    SettingsError,
    StoreError,
    UnauthorizedError,
    UnavailableError,
    UnconfirmedError,
)
from bot.platforms.spec import ReadBackPolicy
from bot.platforms.status import PostRef
from tests.delivery.test_gate import DELIVERY, DUE

NOW = DUE
READ_BACK = ReadBackPolicy(2, first_after=timedelta(seconds=60), apart=timedelta(seconds=90))
POLICY = Policy(READ_BACK)
REF = PostRef("1", "https://x.example/1")
SENDING = replace(DELIVERY, state=State.SENDING, fence=1)
RETRIED = replace(SENDING, attempts=1, fence=2)
UNKNOWN = replace(DELIVERY, state=State.UNKNOWN, attempts=1, absent_reads=1)

IN_DOUBT = (Event.DEFER, Event.OUTCOME_UNKNOWN, Event.OUTCOME_UNKNOWN)
#: What may be raised, and what it means: before the call, in the first one, in a repeated one.
ERRORS: dict[type[Exception], tuple[Event, Event, Event]] = {
    UnavailableError: (Event.DEFER, Event.DEFER, Event.DEFER),
    OverBudgetError: (Event.DEFER, Event.DEFER, Event.DEFER),
    UnauthorizedError: (Event.STOP, Event.STOP, Event.STOP),
    # A refusal of a repeated call may only mean that the first one went through.
    RejectedError: (Event.REFUSE, Event.REFUSE, Event.OUTCOME_UNKNOWN),
    **dict.fromkeys((UnconfirmedError, DuplicateError, PlatformError), IN_DOUBT),
    # Of our own: the lease is another's, sending was paused, a secret is gone, the disk is full.
    **dict.fromkeys((LeaseLostError, PausedError, SettingsError, StoreError), IN_DOUBT),
    # A bug, or whatever else a library raises.
    **dict.fromkeys((KeyError, TimeoutError), IN_DOUBT),
}
#: What may be raised when it is read back: None is "read again later".
READS: dict[type[Exception], Event | None] = {
    error: Event.GIVE_UP if issubclass(error, UnconfirmedError) else None for error in ERRORS
}


def made(kind: type[Exception]) -> Exception:
    return kind("x", "said so") if issubclass(kind, PlatformError) else kind("said so")


def all_kinds(kind: type[Exception]) -> set[type[Exception]]:
    return {kind}.union(*(all_kinds(one) for one in kind.__subclasses__()))


def test_every_error_of_a_platform_has_its_row() -> None:
    ours = {one for one in all_kinds(PlatformError) if one.__module__ == BotError.__module__}

    assert ours <= ERRORS.keys()


@pytest.mark.parametrize("kind", ERRORS)
def test_what_is_raised_before_and_in_a_call(kind: type[Exception]) -> None:
    error = made(kind)

    events = tuple(
        decide(error, delivery, POLICY, NOW, has_begun=has_begun).event
        for delivery, has_begun in ((SENDING, False), (SENDING, True), (RETRIED, True))
    )

    assert events == ERRORS[kind]
    assert decide(error, RETRIED, POLICY, NOW, has_begun=False).event is ERRORS[kind][0]
    assert all((State.SENDING, event) in MOVES for event in events)


@pytest.mark.parametrize("kind", READS)
def test_what_is_raised_when_it_is_read_back(kind: type[Exception]) -> None:
    outcome = read(made(kind))

    assert outcome.event is READS[kind]
    assert (outcome.is_absent, outcome.ref) == (False, None)
    assert outcome.stops_account is (kind is UnauthorizedError)
    assert outcome.event is None or outcome.hold == Hold(HoldReason.UNSETTLED)
    assert outcome.event is not None or (outcome.at is not None and outcome.at > NOW)


@pytest.mark.parametrize("kind", [one for one, event in READS.items() if event is None])
def test_what_cannot_be_read_for_long_is_a_persons(kind: type[Exception]) -> None:
    failed = FailedReads(NOW - POLICY.patience - timedelta(seconds=1), 40)
    error = made(kind)

    outcome = decide_read(error, UNKNOWN, POLICY, NOW, called_at=NOW, failed=failed)

    assert (outcome.event, outcome.hold) == (Event.GIVE_UP, Hold(HoldReason.UNSETTLED))
    assert outcome.evidence == f"could not be read back: {error}"
    assert outcome.stops_account is (kind is UnauthorizedError)


def calling(error: Exception, delivery: Delivery = SENDING) -> Outcome:
    return decide(error, delivery, POLICY, NOW, has_begun=True)


def test_an_id_is_sent() -> None:
    assert decide(REF, SENDING, POLICY, NOW, has_begun=True) == Outcome(Event.ACCEPT, ref=REF)


def test_what_surely_was_not_accepted_waits_as_the_server_says() -> None:
    told = timedelta(minutes=7)

    outcome = calling(UnavailableError("x", "429", retry_after=told))

    assert outcome == Outcome(Event.DEFER, "x: 429", NOW + told)


def test_what_the_server_gives_no_time_for_waits_longer_each_time() -> None:
    later = replace(SENDING, fence=6)
    waits = [calling(UnavailableError("x", "down"), row).at for row in (SENDING, later)]

    first, sixth = (at - NOW for at in waits if at is not None)
    assert FIRST_WAIT / 2 <= first <= FIRST_WAIT
    assert first * 8 < sixth <= LONGEST_WAIT


@pytest.mark.parametrize(
    ("error", "reason", "is_stopped"),
    [
        (UnauthorizedError("x", "so"), HoldReason.ACCOUNT_STOPPED, True),
        (OverBudgetError("x", "so"), HoldReason.OVER_BUDGET, False),
        (DuplicateError("x", "so"), HoldReason.DUPLICATE, False),
    ],
)
def test_what_is_held_or_in_doubt_keeps_its_reason_in_the_same_step(
    error: PlatformError, reason: HoldReason, is_stopped: bool
) -> None:
    outcome = calling(error)

    assert outcome.hold == Hold(reason, "x: so")
    assert outcome.stops_account is is_stopped


def test_refused_content_keeps_the_platforms_words() -> None:
    assert calling(RejectedError("x", "too long")) == Outcome(Event.REFUSE, "x: too long")


@pytest.mark.parametrize(
    ("error", "detail"),
    [(UnconfirmedError("x", "504"), "x: 504"), (KeyError("id"), "unexpected KeyError")],
)
def test_what_is_in_doubt_is_read_back_when_the_platform_may_show_it(
    error: Exception, detail: str
) -> None:
    at = NOW + READ_BACK.first_after

    assert calling(error) == Outcome(Event.OUTCOME_UNKNOWN, detail, at)


def test_what_ends_before_the_call_because_of_others_is_free_at_once() -> None:
    for error in (LeaseLostError("another's"), PausedError("paused")):
        outcome = decide(error, SENDING, POLICY, NOW, has_begun=False)

        assert outcome == Outcome(Event.DEFER, "stopped before the call", NOW)


def read(
    answer: PostRef | Exception | None, delivery: Delivery = UNKNOWN, policy: Policy = POLICY
) -> Outcome:
    return decide_read(answer, delivery, policy, NOW, called_at=NOW, failed=FailedReads(NOW))


def reading(delivery: Delivery, policy: Policy = POLICY) -> Outcome:
    return read(None, delivery, policy)


def test_what_is_found_is_sent() -> None:
    outcome = read(REF)

    assert outcome == Outcome(Event.CONFIRMED_SENT, ref=REF)


def test_one_complete_read_that_finds_nothing_is_not_enough() -> None:
    outcome = reading(replace(UNKNOWN, absent_reads=0))

    assert outcome == Outcome(None, at=NOW + READ_BACK.apart, is_absent=True)


def test_what_is_surely_absent_is_free_to_be_sent_again() -> None:
    assert reading(UNKNOWN) == Outcome(Event.CONFIRMED_ABSENT, at=NOW, is_absent=True)


@pytest.mark.parametrize(
    ("delivery", "policy", "hold", "evidence"),
    [
        (
            replace(UNKNOWN, reason=HoldReason.DUPLICATE, detail="x: 403"),
            POLICY,
            Hold(HoldReason.UNSETTLED),
            "said before, perhaps by us: x: 403; not seen in 2 complete reads",
        ),
        (
            UNKNOWN,
            replace(POLICY, holds_unknown=True),
            Hold(HoldReason.UNSETTLED),
            "not seen in 2 complete reads; account holds",
        ),
        (
            replace(UNKNOWN, attempts=MOST_ATTEMPTS),
            POLICY,
            Hold(HoldReason.ATTEMPTS),
            "not seen after 4 attempts",
        ),
    ],
    ids=["duplicate", "the account holds", "attempts used up"],
)
def test_what_is_absent_but_must_not_be_sent_again_is_a_persons(
    delivery: Delivery, policy: Policy, hold: Hold, evidence: str
) -> None:
    outcome = reading(delivery, policy)

    assert outcome == Outcome(Event.GIVE_UP, hold=hold, evidence=evidence)
    assert (State.UNKNOWN, Event.GIVE_UP) in MOVES
