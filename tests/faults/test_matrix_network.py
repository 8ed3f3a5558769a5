"""Rows 10 to 13 and 17 to 19: what a network and a platform can do to a call."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from bot.delivery.model import State
from tests.fakes.faultproxy import HANG_UP_AFTER, HANG_UP_BEFORE, Answer, Fault, answered
from tests.fakes.hand_timer import HandTimers
from tests.fakes.x_api import DUPLICATE
from tests.fakes.x_setup import as_answer
from tests.faults.judged_bot import JudgedBot
from tests.faults.prepared import CALL
from tests.faults.reporting import Counts, total

Make = Callable[..., JudgedBot]
ACCOUNTS = ("x", "m", "b")
MINUTE = timedelta(minutes=1)
ALWAYS = -1
JSON = {"Content-Type": "application/json"}
TIMELINE = {
    "x": r"^GET /2/users/\d+/tweets",
    "m": r"^GET /api/v1/accounts/7/statuses",
    "b": r"getRecord.*app\.bsky\.feed\.post",
}
EMPTY = {
    "x": Answer(200, b'{"meta":{"result_count":0}}'),
    # With the status by which the server shows that it lists what it takes.
    "m": Answer(
        200,
        b'[{"id":"110000000000000001","visibility":"public","created_at":"2026-01-01T00:00:00Z"}]',
    ),
    "b": Answer(400, b'{"error":"RecordNotFound","message":"Could not locate record"}'),
}


def assert_clean(counted: dict[str, Any]) -> None:
    assert (counted["duplicate"], counted["lost"]) == (0, 0)


# Row 10


@pytest.mark.parametrize("minutes", [5, 30])
def test_row_10_refused_connections(make_bot: Make, tally: Counts, minutes: int) -> None:
    bot = make_bot()
    bot.start()
    bot.wait(bot.due - timedelta(seconds=5))
    for proxy in bot.proxies.values():
        proxy.refuse()
    bot.wait(bot.due + minutes * MINUTE)
    assert bot.world.taken() == []
    for proxy in bot.proxies.values():
        proxy.accept()

    counted = bot.result()

    tally(10, f"connection refused for {minutes} min", counted, injected=3)
    assert_clean(counted)
    if minutes < 15:
        assert counted["once"] == 3
    else:
        assert counted["held"] == {"late": 3}


@pytest.mark.parametrize("server", ["https://nowhere.invalid", "https://127.0.0.1:{port}"])
def test_row_10_no_name_and_no_tls(make_bot: Make, tally: Counts, server: str) -> None:
    bot = make_bot("m")
    bot.start()
    bot.wait(bot.due - timedelta(seconds=5))
    port = bot.proxies["m"].origin.rpartition(":")[2]
    campaign = bot.campaign.loaded.campaign
    assert campaign is not None
    platform: Any = bot.services.publisher.platform("m")
    session = platform._adapter._api.session
    good, session.origin = session.origin, urlsplit(server.format(port=port))
    bot.wait(bot.due + 5 * MINUTE)
    assert bot.world.taken() == []
    assert bot.rows()[0].state is State.READY, "surely nothing was published"
    session.origin = good

    counted = bot.result()

    tally(10, f"{'DNS' if 'invalid' in server else 'TLS'} fails for 5 min", counted, injected=1)
    assert_clean(counted)
    assert counted["once"] == 1


# Rows 11 and 12


CUTS = {
    "request cut on its way": (11, [Fault(up=cut, down=0) for cut in (0, 1, 50, 200, 400)]),
    "answer cut on its way, closed": (12, [Fault(down=cut) for cut in (0, 1, 17, 60, 150, 250)]),
    "answer cut on its way, reset": (
        12, [Fault(down=cut, reset=True) for cut in (0, 1, 17, 60, 150, 250)]),
}  # fmt: skip


@pytest.mark.parametrize(
    "which", ["each third", pytest.param("the others", marks=pytest.mark.deep)]
)
@pytest.mark.parametrize("account", ACCOUNTS)
@pytest.mark.parametrize("name", CUTS)
def test_rows_11_and_12_a_call_cut_on_its_way(
    make_bot: Make, tally: Counts, account: str, name: str, which: str
) -> None:
    row, faults = CUTS[name]
    plays = []
    for number, fault in enumerate(faults):
        if (number % 3 == 0) != (which == "each third"):
            continue
        bot = make_bot(account)
        bot.spoil(account, fault)
        plays.append(bot.run())

    counted = total(*plays)
    tally(row, f"{name}: {which} ({account})", counted, injected=len(plays))
    assert_clean(counted)
    assert counted["once"] == len(plays)


# Row 13


@pytest.mark.parametrize("account", ACCOUNTS)
def test_row_13_an_answer_that_trickles(
    make_bot: Make, tally: Counts, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    timers = HandTimers(monkeypatch)
    bot = make_bot(account)
    bot.spoil(account, Fault(heard=30, meanwhile=timers.go_off))

    counted = bot.run()

    tally(13, f"answer that trickles until the call's time is up ({account})", counted, injected=1)
    assert timers.gone_off == [CALL.total_seconds()]
    assert_clean(counted)
    assert counted["once"] == 1


# Row 17


@pytest.mark.parametrize("status", [500, 409, 404, 422])
def test_row_17_a_repeated_key_that_is_answered_oddly(
    make_bot: Make, tally: Counts, status: int
) -> None:
    bot = make_bot("m")
    bot.world.order("quirk", account="m", repeated_key=status)
    bot.spoil("m", HANG_UP_AFTER)
    bot.spoil("m", answered(EMPTY["m"], stored=False), times=3, match=TIMELINE["m"])

    counted = bot.run()

    bot.world.order("quirk", account="m", repeated_key=None)
    tally(17, f"the same key again: {status}", counted, injected=1)
    assert bot.calls("m") == 2
    assert_clean(counted)
    assert counted["once"] == 1


def test_row_17_a_server_that_forgets_keys(make_bot: Make, tally: Counts) -> None:
    bot = make_bot("m")
    bot.world.order("quirk", account="m", ignores_key=True)
    bot.spoil("m", HANG_UP_AFTER)
    bot.spoil("m", answered(Answer(503), stored=False), times=3, match=TIMELINE["m"])

    counted = bot.run()

    bot.world.order("quirk", account="m", ignores_key=False)
    tally(17, "keys are forgotten, the timeline fails three times", counted, injected=4)
    assert bot.calls("m") == 1
    assert counted["once"] == 1


def test_row_17_an_answer_lost_for_more_than_an_hour(make_bot: Make, tally: Counts) -> None:
    bot = make_bot("m")
    bot.world.order("quirk", account="m", ignores_key=True)
    bot.spoil("m", HANG_UP_AFTER)
    bot.start()
    bot.wait(bot.due)
    bot.proxies["m"].refuse()
    bot.wait(bot.due + 61 * MINUTE)
    bot.proxies["m"].accept()

    counted = bot.result()

    bot.world.order("quirk", account="m", ignores_key=False)
    tally(17, "read back after 61 min, keys forgotten", counted, injected=1)
    assert bot.calls("m") == 1
    assert counted["once"] == 1


# Row 18


@pytest.mark.parametrize("status", [500, 400])
def test_row_18_a_record_key_that_is_there_already(
    make_bot: Make, tally: Counts, status: int
) -> None:
    bot = make_bot("b")
    error = {"error": "InvalidRequest", "message": "There is already a value at key"}
    bot.spoil("b", HANG_UP_AFTER)
    bot.spoil("b", answered(EMPTY["b"], stored=False), match=TIMELINE["b"])
    bot.spoil("b", answered(Answer(status, json.dumps(error).encode()), stored=True))

    counted = bot.run()

    tally(18, f"the record key exists: {status}", counted, injected=1)
    assert_clean(counted)
    assert counted["once"] == 1


def test_row_18_other_content_under_our_key_waits_for_a_person(
    make_bot: Make, tally: Counts
) -> None:
    bot = make_bot("b")
    bot.spoil("b", answered(Answer(400, b'{"error":"InvalidSwap"}'), stored=True))
    other = {"uri": "", "cid": "bafy", "value": {"$type": "app.bsky.feed.post", "text": "other"}}

    bot.start()
    bot.wait(bot.due - timedelta(seconds=1))
    bot.services.work_account("b")
    bot.wait(bot.due)
    draft = bot.rows()[0].draft
    assert draft is not None
    other["uri"] = f"at://{draft.body['repo']}/app.bsky.feed.post/{draft.body['rkey']}"
    if bot.rows()[0].state is State.UNKNOWN:
        body = Answer(200, json.dumps(other).encode())
        bot.spoil("b", answered(body, stored=False), times=ALWAYS, match=TIMELINE["b"])
    counted = bot.result()

    tally(18, "other content under our record key", counted, injected=1)
    assert_clean(counted)
    assert counted["once"] + sum(counted["held"].values()) == 1


# Row 19


def test_row_19_x_calls_ours_a_duplicate(make_bot: Make, tally: Counts) -> None:
    bot = make_bot("x")
    bot.spoil("x", HANG_UP_AFTER)
    bot.spoil(
        "x", answered(EMPTY["x"], stored=False), times=2, match=TIMELINE["x"] + ".*max_results=10"
    )

    counted = bot.run()

    tally(19, "X's timeline lags, then the resend is a duplicate", counted, injected=1)
    assert bot.calls("x") == 2
    assert_clean(counted)
    assert counted["once"] == 1


def test_row_19_a_duplicate_of_somebody_else_is_held(make_bot: Make, tally: Counts) -> None:
    bot = make_bot("x")
    bot.spoil("x", answered(as_answer(DUPLICATE), stored=False), times=ALWAYS)

    counted = bot.run()

    tally(19, "a duplicate that nobody can find", counted, injected=1)
    assert bot.calls("x") == 1
    assert counted["held"] == {"cannot tell whether it is out": 1}


@pytest.mark.parametrize("status", [404, 500, 503])
def test_row_19_the_timeline_is_down(make_bot: Make, tally: Counts, status: int) -> None:
    bot = make_bot("x")
    bot.start()
    bot.wait(bot.due - timedelta(seconds=1))
    bot.spoil("x", HANG_UP_AFTER)
    bot.wait(bot.due)
    bot.spoil("x", answered(Answer(status), stored=False), times=4, match=TIMELINE["x"])

    counted = bot.result()

    tally(19, f"the timeline answers {status} four times", counted, injected=5)
    assert bot.calls("x") == 1
    assert counted["once"] == 1


def test_row_12_a_lost_answer_of_every_part_of_a_thread(make_bot: Make, tally: Counts) -> None:
    bot = make_bot(long=True)
    for account in ACCOUNTS:
        for fault in (HANG_UP_AFTER, HANG_UP_BEFORE, HANG_UP_AFTER):
            bot.spoil(account, fault)

    counted = bot.run()

    tally(12, "answers and requests lost in a thread", counted, injected=9)
    assert_clean(counted)
    assert counted["once"] == counted["deliveries"]
