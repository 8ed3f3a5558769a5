"""What each answer of X proves; the table of docs/platforms/x.md."""

from __future__ import annotations

import pytest

from bot.errors import (
    DuplicateError,
    OverBudgetError,
    PlatformError,
    RejectedError,
    UnauthorizedError,
    UnavailableError,
    UnconfirmedError,
)
from bot.platforms.http.exchange import Exchange
from bot.platforms.spec import Charge
from bot.platforms.x.client import Task, accepted, billed


def exchange(status: int | None, body: bytes = b"", *, is_sent: bool = True) -> Exchange:
    return Exchange(is_started=True, is_sent=is_sent, status=status, body=body)


def judged(facts: Exchange, task: Task) -> PlatformError:
    with pytest.raises(PlatformError) as caught:
        accepted(facts, task)
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
        (413, "", UnconfirmedError, UnavailableError),
        (418, "", UnconfirmedError, UnavailableError),
        (422, "", UnconfirmedError, UnavailableError),
        (422, "Unprocessable", RejectedError, UnavailableError),
        (401, "", UnconfirmedError, UnavailableError),
        (429, "", UnavailableError, UnavailableError),
        (500, "", UnconfirmedError, UnavailableError),
        (503, "", UnconfirmedError, UnavailableError),
        (599, "", UnconfirmedError, UnavailableError),
    ],
)
def test_an_answer_proves_what_the_table_says(
    status: int | None, said: str, publishing: type[Exception], reading: type[Exception]
) -> None:
    facts = exchange(status)
    facts.message = said

    assert type(judged(facts, Task.PUBLISH)) is publishing
    assert type(judged(facts, Task.READ)) is reading


def test_what_never_left_the_machine_was_surely_not_published() -> None:
    assert type(judged(exchange(None, is_sent=False), Task.PUBLISH)) is UnavailableError


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b'"yes"', b"true"])
def test_a_good_status_without_an_object_is_unconfirmed(body: bytes) -> None:
    assert type(judged(exchange(201, body), Task.PUBLISH)) is UnconfirmedError


@pytest.mark.parametrize(
    ("facts", "task", "units"),
    [
        (exchange(None, is_sent=False), Task.PUBLISH, 0),
        (exchange(None), Task.PUBLISH, 10),
        (exchange(None), Task.READ, 10),
        (exchange(429), Task.PUBLISH, 0),
        (exchange(403), Task.PUBLISH, 0),
        (exchange(500), Task.PUBLISH, 10),
        (exchange(500), Task.READ, 0),
        (exchange(201, b'{"data": {"id": "1"}}'), Task.PUBLISH, 10),
        (exchange(200, b'{"data": [1, 2]}'), Task.READ, 2),
        (exchange(200, b'{"meta": {}}'), Task.READ, 0),
        (exchange(200), Task.READ, 10),
    ],
)
def test_only_what_x_may_bill_stays_booked(facts: Exchange, task: Task, units: int) -> None:
    assert billed(facts, task, Charge("any", 10)) == units
