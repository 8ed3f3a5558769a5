"""AccountWorkers start when something is due, jobs come back, and a stop is orderly and soon."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Event, Lock, Thread

import pytest
import time_machine

from bot.clock import SystemClock
from bot.delivery.model import State
from bot.engine.scheduler import (
    MOST_AT_WORK,
    AccountWorkers,
    Activity,
    PeriodicJob,
    Service,
    stopped_by_signals,
)
from bot.engine.turns import AccountTurns
from tests.fakes.running_bot import MINUTE, NINE, RunningBot, post
from tests.fakes.scripted import PublishCall
from tests.waiting import wait_until

#: Seconds after which nothing will happen any more; the machine may be busy with other things.
LONG = 300.0
SECOND = timedelta(seconds=1)


def nothing(_now: datetime) -> tuple[str, ...]:
    return ()


def never(_now: datetime) -> None:
    return None


def service(
    *jobs: PeriodicJob,
    busy: Callable[[datetime], tuple[str, ...]] = nothing,
    run: Callable[[str], None] = lambda _account: None,
    next_wake: Callable[[datetime], datetime | None] = never,
    abandon: Callable[[], None] = lambda: None,
    grace: timedelta = timedelta(seconds=LONG),
) -> Service:
    return Service(SystemClock(), AccountWorkers(busy, run, next_wake, abandon), jobs, grace=grace)


@contextmanager
def running(one: Service) -> Iterator[Thread]:
    thread = Thread(target=one.run)
    thread.start()
    try:
        yield thread
    finally:
        one.stop.set()
        thread.join(LONG)
        assert not thread.is_alive()


class DueOnce:
    """Something that is due at one moment, until it is taken."""

    def __init__(self, wait: timedelta) -> None:
        self.at = datetime.now(UTC) + wait
        self.taken: datetime | None = None
        self.is_taken = Event()

    def busy(self, now: datetime) -> tuple[str, ...]:
        return ("m",) if now >= self.at and self.taken is None else ()

    def run(self, _account: str) -> None:
        self.taken = datetime.now(UTC)
        self.is_taken.set()

    def next_wake(self, now: datetime) -> datetime | None:
        return self.at if self.at > now else None


@pytest.mark.parametrize("is_told", [True, False], ids=["told when", "decided elsewhere"])
def test_a_lane_starts_when_something_is_due_and_not_before(is_told: bool) -> None:
    due = DueOnce(timedelta(seconds=0.2))

    with running(
        service(busy=due.busy, run=due.run, next_wake=due.next_wake if is_told else never)
    ):
        assert due.is_taken.wait(LONG)

    assert due.taken is not None
    assert due.taken >= due.at


def test_more_accounts_than_the_database_has_connections_for_wait_for_their_turn() -> None:
    due = {f"a{number}" for number in range(3 * MOST_AT_WORK)}
    at_work, most, worked = set[str](), 0, set[str]()
    lock, is_full, may_end, is_over = Lock(), Event(), Event(), Event()

    def run(account: str) -> None:
        nonlocal most
        with lock:
            at_work.add(account)
            most = max(most, len(at_work))
            if len(at_work) == MOST_AT_WORK:
                is_full.set()
        assert may_end.wait(LONG)
        with lock:
            at_work.discard(account)
            worked.add(account)
            if worked == due:
                is_over.set()

    with running(service(busy=lambda _now: tuple(sorted(due - worked)), run=run)):
        assert is_full.wait(LONG)
        may_end.set()
        assert is_over.wait(LONG)

    assert most == MOST_AT_WORK


def test_an_account_with_much_to_send_lets_others_go_first_after_each_post() -> None:
    names = [f"a{number}" for number in range(5)]
    activity, sent, all_wait = Activity(SystemClock(), turns=AccountTurns(1)), list[str](), Event()

    def run(account: str) -> None:
        assert all_wait.wait(LONG)
        for _ in range(3):
            sent.append(account)
            activity.step(account)

    one = service(busy=lambda _now: tuple(names) if not sent else (), run=run)
    one.activity = activity
    with running(one):
        wait_until(lambda: len(activity.turns._waiting) == len(names) - 1, "the others wait")
        all_wait.set()
        wait_until(lambda: len(sent) == 3 * len(names), "all is sent")

    rounds = [sorted(sent[start : start + len(names)]) for start in range(0, len(sent), len(names))]
    assert rounds == [names] * 3


def test_an_account_has_one_lane_at_a_time_and_others_do_not_wait_for_it() -> None:
    slow, fast, go_on = [], Event(), Event()

    def run(account: str) -> None:
        if account == "slow":
            slow.append(account)
            go_on.wait(LONG)
        else:
            fast.set()

    times: list[datetime] = []
    again = Event()

    def busy(now: datetime) -> tuple[str, ...]:
        times.append(now)
        if len(times) > 3:
            again.set()
        return ("slow", "fast")

    with running(service(busy=busy, run=run)):
        assert fast.wait(LONG)
        assert again.wait(LONG)
        assert slow == ["slow"]
        go_on.set()


def test_a_lane_and_a_chore_and_a_tick_that_fail_come_back() -> None:
    counts = {"lane": 0, "job": 0, "tick": 0}
    enough = Event()

    def fail(what: str) -> None:
        counts[what] += 1
        if min(counts.values()) >= 2:
            enough.set()
        raise RuntimeError(what)

    def busy(_now: datetime) -> tuple[str, ...]:
        if counts["tick"] < counts["lane"]:
            fail("tick")
        return ("m",)

    job = PeriodicJob("c", timedelta(seconds=0.05), lambda: fail("job"))

    with running(service(job, busy=busy, run=lambda _account: fail("lane"))):
        assert enough.wait(LONG)


def test_a_clock_that_is_set_back_stops_neither_lanes_nor_chores() -> None:
    beats, ticks = Event(), Event()

    def busy(_now: datetime) -> tuple[str, ...]:
        ticks.set()
        return ()

    with running(service(PeriodicJob("beat", SECOND, beats.set), busy=busy)):
        assert beats.wait(LONG)
        assert ticks.wait(LONG)
        with time_machine.travel(datetime.now(UTC) - timedelta(hours=2), tick=True):
            for event in (beats, ticks):
                event.clear()
            assert beats.wait(LONG)
            assert ticks.wait(LONG)


def test_a_stop_lets_the_call_in_the_air_end() -> None:
    begun, go_on, ended = Event(), Event(), Event()

    def run(_account: str) -> None:
        begun.set()
        go_on.wait(LONG)
        ended.set()

    one = service(busy=lambda _now: ("m",), run=run)
    with running(one) as thread:
        assert begun.wait(LONG)
        one.stop.set()
        go_on.set()
        thread.join(LONG)

        assert ended.is_set()


def test_a_stop_waits_for_no_longer_than_the_grace() -> None:
    begun, go_on, abandoned = Event(), Event(), Event()

    def run(_account: str) -> None:
        begun.set()
        go_on.wait(2 * LONG)

    one = service(
        busy=lambda _now: ("m",), run=run, abandon=abandoned.set, grace=timedelta(seconds=0.2)
    )
    with running(one) as thread:
        assert begun.wait(LONG)
        one.stop.set()
        thread.join(LONG)
        ended = not thread.is_alive()
        go_on.set()

    assert ended, "while the call was still in the air"
    assert abandoned.is_set()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops(number: signal.Signals) -> None:
    before, stop = signal.getsignal(number), Event()
    with stopped_by_signals(stop):
        os.kill(os.getpid(), number)

        assert stop.wait(LONG)
    assert signal.getsignal(number) is before


def test_a_signal_stops_what_holds_a_lock_when_it_comes() -> None:
    stop = Event()
    with stopped_by_signals(stop):
        with stop._cond:  # type: ignore[attr-defined]  # what `stop.set` takes; the log has such a lock too
            os.kill(os.getpid(), signal.SIGTERM)

        assert stop.wait(LONG)


# With the bot


def test_a_stopped_bot_begins_nothing_more(new_bot: RunningBot) -> None:
    new_bot.start_approved(post("one", at=NINE), post("two", at=NINE))
    new_bot.servers["m"].steps.append(PublishCall(meanwhile=new_bot.stopping.set))

    new_bot.wait(NINE)

    assert len(new_bot.servers["m"].live) == 1


def test_a_call_that_outlasts_the_stop_is_read_back_at_the_next_start(
    new_bot: RunningBot,
) -> None:
    new_bot.start_approved(post("one", at=NINE))

    def end() -> None:
        new_bot.services.account_workers().abandon()
        raise SystemExit

    new_bot.servers["m"].steps.extend([PublishCall(meanwhile=end)])
    with pytest.raises(SystemExit):
        new_bot.wait(NINE)
    assert new_bot.row().state is State.UNKNOWN
    new_bot.restart()
    new_bot.wait(NINE + 5 * MINUTE)

    assert new_bot.row().state is State.SENT
    assert len(new_bot.servers["m"].live) == 1


def test_a_process_whose_loop_stands_still_ends_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.engine.scheduler.ENDS_AFTER", -1.0)
    monkeypatch.setattr("bot.engine.scheduler.STALLED_LOOKS", 0)
    one, ended = service(), Event()
    codes: list[int] = []

    def end(code: int) -> None:
        codes.append(code)
        ended.set()

    one.end = end
    with running(one):
        assert ended.wait(LONG)

    assert codes[0] == 3


def test_a_worker_that_stays_at_one_step_is_told_with_its_hour(new_bot: RunningBot) -> None:
    new_bot.start_approved(post("one", at=NINE))
    activity = new_bot.services.activity
    activity.begin("m")
    new_bot.clock.advance(11 * MINUTE)
    activity.tick()

    (matter,) = new_bot.services.status().errors
    assert matter.text == "m on " + new_bot.services.machine + (
        " is at one step since 08:00 UTC; restart the service"
    )

    activity.step("m")
    assert new_bot.services.status().is_ready
    activity.end("m")
