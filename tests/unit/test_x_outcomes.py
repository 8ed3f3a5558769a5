"""What each answer of X proves; the table of docs/platforms/x.md."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.model import Charge
from bot.errors import (
    DuplicateError,
    OverBudgetError,
    PlatformError,
    RejectedError,
    UnauthorizedError,
    UnavailableError,
    UnconfirmedError,
)
from bot.platforms.x.outcomes import Reply, Task, accepted, billed

HOUR = timedelta(hours=1)


def judged(reply: Reply, task: Task) -> PlatformError:
    with pytest.raises(PlatformError) as caught:
        accepted(reply, task)
    return caught.value


@pytest.mark.parametrize(
    ("status", "said", "publishing", "reading"),
    [
        (None, "", UnconfirmedError, UnavailableError),
        (200, "", UnconfirmedError, UnavailableError),
        (204, "", UnconfirmedError, UnavailableError),
        (301, "", UnconfirmedError, UnavailableError),
        (400, "Invalid Request", RejectedError, UnavailableError),
        (401, "Unauthorized", UnauthorizedError, UnauthorizedError),
        (402, "CreditsDepleted", OverBudgetError, OverBudgetError),
        (403, "create a Tweet with duplicate content.", DuplicateError, UnauthorizedError),
        (403, "Your account is suspended", UnauthorizedError, UnauthorizedError),
        (403, "this account is temporarily locked", UnauthorizedError, UnauthorizedError),
        (403, "oauth1 app permissions", UnauthorizedError, UnauthorizedError),
        (403, "client-not-enrolled", UnauthorizedError, UnauthorizedError),
        (403, "looks like it might be automated", UnauthorizedError, UnauthorizedError),
        (403, "User is over daily status update limit.", UnavailableError, UnavailableError),
        (403, "Reply to this conversation is not allowed", RejectedError, UnauthorizedError),
        (403, "", UnconfirmedError, UnavailableError),
        (404, "Not Found", UnavailableError, UnavailableError),
        (405, "", UnconfirmedError, UnavailableError),
        (409, "", UnconfirmedError, UnavailableError),
        (413, "", RejectedError, UnavailableError),
        (418, "", UnconfirmedError, UnavailableError),
        (422, "", RejectedError, UnavailableError),
        (429, "", UnavailableError, UnavailableError),
        (500, "", UnconfirmedError, UnavailableError),
        (503, "", UnconfirmedError, UnavailableError),
        (599, "", UnconfirmedError, UnavailableError),
    ],
)
def test_an_answer_proves_what_the_table_says(
    status: int | None, said: str, publishing: type[Exception], reading: type[Exception]
) -> None:
    reply = Reply(status, is_sent=True, value=None, said=said)

    assert type(judged(reply, Task.PUBLISH)) is publishing
    assert type(judged(reply, Task.READ)) is reading


def test_what_never_left_the_machine_was_surely_not_published() -> None:
    reply = Reply(None, is_sent=False, value=None, cause=OSError("refused"))

    assert type(judged(reply, Task.PUBLISH)) is UnavailableError


@pytest.mark.parametrize("value", [None, [], 7, "yes", True])
def test_a_good_status_without_an_object_is_unconfirmed(value: object) -> None:
    assert type(judged(Reply(201, is_sent=True, value=value), Task.PUBLISH)) is UnconfirmedError


@pytest.mark.parametrize(
    ("wait", "told"),
    [
        (timedelta(seconds=120), timedelta(seconds=120)),
        (timedelta(days=3000), HOUR),
        (None, timedelta(minutes=15)),
    ],
)
def test_a_rate_limit_tells_a_wait_of_an_hour_at_most(
    wait: timedelta | None, told: timedelta
) -> None:
    error = judged(Reply(429, is_sent=True, value={}, wait=wait), Task.PUBLISH)

    assert isinstance(error, UnavailableError)
    assert error.retry_after == told


@pytest.mark.parametrize(
    ("reply", "task", "units"),
    [
        (Reply(None, is_sent=False, value=None), Task.PUBLISH, 0),
        (Reply(None, is_sent=True, value=None), Task.PUBLISH, 10),
        (Reply(None, is_sent=True, value=None), Task.READ, 10),
        (Reply(429, is_sent=True, value=None), Task.PUBLISH, 0),
        (Reply(403, is_sent=True, value=None), Task.PUBLISH, 0),
        (Reply(500, is_sent=True, value=None), Task.PUBLISH, 10),
        (Reply(500, is_sent=True, value=None), Task.READ, 0),
        (Reply(201, is_sent=True, value={"data": {"id": "1"}}), Task.PUBLISH, 10),
        (Reply(200, is_sent=True, value={"data": [1, 2]}), Task.READ, 2),
        (Reply(200, is_sent=True, value={"meta": {}}), Task.READ, 0),
        (Reply(200, is_sent=True, value=None), Task.READ, 10),
    ],
)
def test_only_what_x_may_bill_stays_booked(reply: Reply, task: Task, units: int) -> None:
    assert billed(reply, task, Charge("any", 10)) == units
