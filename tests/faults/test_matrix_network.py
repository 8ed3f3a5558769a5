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
from tests.fakes.x_modes import as_answer
from tests.faults.life import CALL
from tests.faults.reporting import Tally
from tests.faults.theatre import Theatre, total

Make = Callable[..., Theatre]
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
    "m": Answer(200, b"[]"),
    "b": Answer(400, b'{"error":"RecordNotFound","message":"Could not locate record"}'),
}


def assert_clean(counted: dict[str, Any]) -> None:
    assert (counted["duplicate"], counted["lost"]) == (0, 0)


# Row 10


@pytest.mark.parametrize("minutes", [5, 30])
def test_row_10_refused_connections(theatre: Make, tally: Tally, minutes: int) -> None:
    stage = theatre()
    stage.start()
    stage.until(stage.due - timedelta(seconds=5))
    for proxy in stage.proxies.values():
        proxy.refuse()
    stage.until(stage.due + minutes * MINUTE)
    assert stage.world.taken() == []
    for proxy in stage.proxies.values():
        proxy.accept()

    counted = stage.go_on()

    tally(10, f"connection refused for {minutes} min", counted, injected=3)
    assert_clean(counted)
    if minutes < 15:
        assert counted["once"] == 3
    else:
        assert counted["held"] == {"late": 3}


@pytest.mark.parametrize("server", ["https://nowhere.invalid", "https://127.0.0.1:{port}"])
def test_row_10_no_name_and_no_tls(theatre: Make, tally: Tally, server: str) -> None:
    stage = theatre("m")
    stage.start()
    stage.until(stage.due - timedelta(seconds=5))
    port = stage.proxies["m"].origin.rpartition(":")[2]
    campaign = stage.stage.loaded.campaign
    assert campaign is not None
    platform: Any = stage.bot.publisher.platform("m")
    session = platform._api.session
    good, session.origin = session.origin, urlsplit(server.format(port=port))
    stage.until(stage.due + 5 * MINUTE)
    assert stage.world.taken() == []
    assert stage.rows[0].state is State.READY, "surely nothing was published"
    session.origin = good

    counted = stage.go_on()

    tally(10, f"{'DNS' if 'invalid' in server else 'TLS'} fails for 5 min", counted, injected=1)
    assert_clean(counted)
    assert counted["once"] == 1


# Rows 11 and 12


@pytest.mark.parametrize("account", ACCOUNTS)
def test_row_11_a_request_cut_on_its_way(theatre: Make, tally: Tally, account: str) -> None:
    plays = []
    for cut in (0, 1, 50, 200, 400):
        stage = theatre(account)
        stage.spoil(account, Fault(up=cut, down=0))
        plays.append(stage.play())

    counted = total(*plays)
    tally(11, f"request cut on its way ({account})", counted, injected=len(plays))
    assert_clean(counted)
    assert counted["once"] == len(plays)


@pytest.mark.parametrize("account", ACCOUNTS)
@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_row_12_an_answer_cut_on_its_way(
    theatre: Make, tally: Tally, account: str, reset: bool
) -> None:
    plays = []
    for cut in (0, 1, 17, 60, 150, 250):
        stage = theatre(account)
        stage.spoil(account, Fault(down=cut, reset=reset))
        plays.append(stage.play())

    counted = total(*plays)
    how = "reset" if reset else "closed"
    tally(12, f"answer cut on its way, {how} ({account})", counted, injected=len(plays))
    assert_clean(counted)
    assert counted["once"] == len(plays)


# Row 13


@pytest.mark.parametrize("account", ACCOUNTS)
def test_row_13_an_answer_that_trickles(
    theatre: Make, tally: Tally, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    timers = HandTimers(monkeypatch)
    stage = theatre(account)
    stage.spoil(account, Fault(heard=30, meanwhile=timers.go_off))

    counted = stage.play()

    tally(13, f"answer that trickles until the call's time is up ({account})", counted, injected=1)
    assert timers.gone_off == [CALL.total_seconds()]
    assert_clean(counted)
    assert counted["once"] == 1


# Row 17


@pytest.mark.parametrize("status", [500, 409, 404, 422])
def test_row_17_a_repeated_key_that_is_answered_oddly(
    theatre: Make, tally: Tally, status: int
) -> None:
    stage = theatre("m")
    stage.world.order("quirk", account="m", repeated_key=status)
    stage.spoil("m", HANG_UP_AFTER)
    stage.spoil("m", answered(EMPTY["m"], stored=False), times=2, match=TIMELINE["m"])

    counted = stage.play()

    stage.world.order("quirk", account="m", repeated_key=None)
    tally(17, f"the same key again: {status}", counted, injected=1)
    assert stage.calls("m") == 2
    assert_clean(counted)
    assert counted["once"] == 1


def test_row_17_a_server_that_forgets_keys(theatre: Make, tally: Tally) -> None:
    stage = theatre("m")
    stage.world.order("quirk", account="m", ignores_key=True)
    stage.spoil("m", HANG_UP_AFTER)
    stage.spoil("m", answered(Answer(503), stored=False), times=3, match=TIMELINE["m"])

    counted = stage.play()

    stage.world.order("quirk", account="m", ignores_key=False)
    tally(17, "keys are forgotten, the timeline fails three times", counted, injected=4)
    assert stage.calls("m") == 1
    assert counted["once"] == 1


def test_row_17_an_answer_lost_for_more_than_an_hour(theatre: Make, tally: Tally) -> None:
    stage = theatre("m")
    stage.world.order("quirk", account="m", ignores_key=True)
    stage.spoil("m", HANG_UP_AFTER)
    stage.start()
    stage.until(stage.due)
    stage.proxies["m"].refuse()
    stage.until(stage.due + 61 * MINUTE)
    stage.proxies["m"].accept()

    counted = stage.go_on()

    stage.world.order("quirk", account="m", ignores_key=False)
    tally(17, "read back after 61 min, keys forgotten", counted, injected=1)
    assert stage.calls("m") == 1
    assert counted["once"] == 1


# Row 18


@pytest.mark.parametrize("status", [500, 400])
def test_row_18_a_record_key_that_is_there_already(
    theatre: Make, tally: Tally, status: int
) -> None:
    stage = theatre("b")
    error = {"error": "InvalidRequest", "message": "There is already a value at key"}
    stage.spoil("b", HANG_UP_AFTER)
    stage.spoil("b", answered(EMPTY["b"], stored=False), match=TIMELINE["b"])
    stage.spoil("b", answered(Answer(status, json.dumps(error).encode()), stored=True))

    counted = stage.play()

    tally(18, f"the record key exists: {status}", counted, injected=1)
    assert_clean(counted)
    assert counted["once"] == 1


def test_row_18_other_content_under_our_key_waits_for_a_person(theatre: Make, tally: Tally) -> None:
    stage = theatre("b")
    stage.spoil("b", answered(Answer(400, b'{"error":"InvalidSwap"}'), stored=True))
    other = {"uri": "", "cid": "bafy", "value": {"$type": "app.bsky.feed.post", "text": "other"}}

    stage.start()
    stage.until(stage.due - timedelta(seconds=1))
    stage.bot.work_account("b")
    stage.until(stage.due)
    draft = stage.rows[0].draft
    assert draft is not None
    other["uri"] = f"at://{draft.body['repo']}/app.bsky.feed.post/{draft.body['rkey']}"
    if stage.rows[0].state is State.UNKNOWN:
        body = Answer(200, json.dumps(other).encode())
        stage.spoil("b", answered(body, stored=False), times=ALWAYS, match=TIMELINE["b"])
    counted = stage.go_on()

    tally(18, "other content under our record key", counted, injected=1)
    assert_clean(counted)
    assert counted["once"] + sum(counted["held"].values()) == 1


# Row 19


def test_row_19_x_calls_ours_a_duplicate(theatre: Make, tally: Tally) -> None:
    stage = theatre("x")
    stage.spoil("x", HANG_UP_AFTER)
    stage.spoil(
        "x", answered(EMPTY["x"], stored=False), times=2, match=TIMELINE["x"] + ".*max_results=10"
    )

    counted = stage.play()

    tally(19, "X's timeline lags, then the resend is a duplicate", counted, injected=1)
    assert stage.calls("x") == 2
    assert_clean(counted)
    assert counted["once"] == 1


def test_row_19_a_duplicate_of_somebody_else_is_held(theatre: Make, tally: Tally) -> None:
    stage = theatre("x")
    stage.spoil("x", answered(as_answer(DUPLICATE), stored=False), times=ALWAYS)

    counted = stage.play()

    tally(19, "a duplicate that nobody can find", counted, injected=1)
    assert stage.calls("x") == 1
    assert counted["held"] == {"cannot tell whether it is out": 1}


@pytest.mark.parametrize("status", [404, 500, 503])
def test_row_19_the_timeline_is_down(theatre: Make, tally: Tally, status: int) -> None:
    stage = theatre("x")
    stage.start()
    stage.until(stage.due - timedelta(seconds=1))
    stage.spoil("x", HANG_UP_AFTER)
    stage.until(stage.due)
    stage.spoil("x", answered(Answer(status), stored=False), times=4, match=TIMELINE["x"])

    counted = stage.go_on()

    tally(19, f"the timeline answers {status} four times", counted, injected=5)
    assert stage.calls("x") == 1
    assert counted["once"] == 1


def test_row_12_a_lost_answer_of_every_part_of_a_thread(theatre: Make, tally: Tally) -> None:
    stage = theatre(long=True)
    for account in ACCOUNTS:
        for fault in (HANG_UP_AFTER, HANG_UP_BEFORE, HANG_UP_AFTER):
            stage.spoil(account, fault)

    counted = stage.play()

    tally(12, "answers and requests lost in a thread", counted, injected=9)
    assert_clean(counted)
    assert counted["once"] == counted["deliveries"]
