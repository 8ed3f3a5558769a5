"""Rows 14 to 16 and 20: answers that tell to wait, that nobody can read, that refuse us."""

from __future__ import annotations

import gzip
import itertools
import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from bot.delivery.model import Delivery, State
from tests.fakes.faultproxy import Answer, answered
from tests.faults.judged_bot import JudgedBot
from tests.faults.reporting import Counts, total
from tests.faults.test_matrix_network import ACCOUNTS, ALWAYS, JSON, MINUTE, Make, assert_clean

# Row 14


@pytest.mark.parametrize("account", ACCOUNTS)
def test_row_14_a_storm_of_5xx_before_and_after_the_effect(
    make_bot: Make, tally: Counts, account: str
) -> None:
    plays, injected = [], 0
    for seed in range(4):
        dice = random.Random(seed)  # noqa: S311 - a storm that can be repeated
        bot = make_bot(account)
        for _ in range(dice.randint(1, 6)):
            status = dice.choice((500, 502, 503, 504))
            fault = answered(Answer(status, b"{}"), stored=dice.random() < 0.5)
            bot.spoil(account, fault)
            injected += 1
        plays.append(bot.run())
        assert bot.calls(account) <= 4
        assert max(row.attempts for row in bot.rows()) <= 4

    counted = total(*plays)
    tally(14, f"5xx storm, before and after the effect ({account})", counted, injected=injected)
    assert_clean(counted)
    assert set(counted["held"]) <= {"attempts used up", "cannot tell whether it is out"}


def test_row_14_waits_double_and_are_spread(make_bot: Make, tally: Counts) -> None:
    bot = make_bot("mb")
    bot.start()
    for account in "mb":
        bot.spoil(account, answered(Answer(429, b"{}"), stored=False), times=6)

    counted = bot.result()

    shares = {row.account: list(_shares(bot, row)) for row in bot.rows()}
    told = [share for account in shares.values() for share in account]
    tally(14, "429 six times without a word: the waits", counted, injected=12,
          also={"least share of the wait": min(told), "greatest": max(told)})  # fmt: skip
    assert counted["once"] == 2
    assert len(told) == 12
    assert 0.5 <= min(told) < 0.7 < 0.8 < max(told) <= 1.1, "half to the whole of what doubles"
    assert len(set(told)) > 8, "no two wait alike"


def _shares(bot: JudgedBot, row: Delivery) -> Iterator[float]:
    """Return the waits between attempts, as shares of two seconds that double each time."""
    calls = [
        attempt.called_at for attempt in bot.store.outbox.attempts_of(row.id) if attempt.called_at
    ]
    for number, (one, after) in enumerate(itertools.pairwise(calls)):
        yield round((after - one).total_seconds() / (2 << number), 2)


# Row 15

_LIMITED = {
    "seconds": ({"Retry-After": "90"}, 90),
    "absurd": ({"Retry-After": "999999999"}, 3600),
    "reset in the past": ({"x-rate-limit-reset": "1000"}, 0),
    "missing": ({}, 0),
}
#: As each platform tells when its limit starts anew.
_RESET: dict[str, Callable[[datetime], dict[str, str]]] = {
    "x": lambda at: {"x-rate-limit-reset": str(round(at.timestamp()))},
    "m": lambda at: {"X-RateLimit-Reset": at.isoformat().replace("+00:00", "Z")},
    "b": lambda at: {"ratelimit-reset": str(round(at.timestamp()))},
}
#: Seconds from the server's own date until then, and how many of them must be waited.
_MOMENTS = {
    "date": (90, 90), "date far ahead": (3 * 86_400, 3600), "reset to come": (120, 120),
    "reset far ahead": (3 * 86_400, 3600),
}  # fmt: skip


def _wait_headers(name: str, account: str, now: datetime) -> tuple[dict[str, str], int]:
    """Return the headers that tell to wait, and for how long that is at least."""
    if name in _LIMITED:
        return _LIMITED[name]
    seconds, least = _MOMENTS[name]
    at = now + timedelta(seconds=seconds)
    told = _RESET[account](at) if "reset" in name else {"Retry-After": format_datetime(at, True)}
    return {"Date": format_datetime(now, True), **told}, least


@pytest.mark.parametrize("account", ACCOUNTS)
@pytest.mark.parametrize("name", [*_LIMITED, *_MOMENTS])
def test_row_15_told_to_wait(make_bot: Make, tally: Counts, account: str, name: str) -> None:
    bot = make_bot(account)
    headers, least = _wait_headers(name, account, bot.due)
    fault = answered(Answer(429, b"{}", {**JSON, **headers}), stored=False)
    bot.spoil(account, fault)

    counted = bot.run()

    (row,) = bot.rows()
    attempts = bot.store.outbox.attempts_of(row.id)
    first = attempts[0].called_at
    assert first is not None
    early = [
        attempt for attempt in attempts[1:]
        if attempt.called_at and (attempt.called_at - first).total_seconds() < least
    ]  # fmt: skip
    tally(15, f"429, {name} ({account})", counted, injected=1, also={"early": len(early)})
    assert early == []
    assert_clean(counted)
    # Who must wait for longer than `not_after` is held; X, where it names no time, for as long.
    assert counted["once"] == (least <= 900) or (account == "x" and not least)
    assert counted["once"] == 1 or counted["held"] == {"late": 1}


# Row 16

_BODIES = {
    "html": (b"<html>Something went wrong</html>", {"Content-Type": "text/html"}),
    "truncated": (b'{"data":{"id":"19', JSON),
    "wrong type": (b'["id", 7, null]', JSON),
    "missing id": (b'{"data":{"text":"x"},"content":"x"}', JSON),
    "100 MB": (b'{"data":"', JSON),
    "gzip bomb": (gzip.compress(b" " * 50_000_000), {**JSON, "Content-Encoding": "gzip"}),
}


def _peak(*, is_new: bool = True) -> int:
    """Return the most memory (kB) that this process ever had at once, from now on where asked."""
    if is_new:
        Path("/proc/self/clear_refs").write_text("5")
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


@pytest.mark.parametrize("account", ACCOUNTS)
def test_row_16_answers_that_nobody_can_read(make_bot: Make, tally: Counts, account: str) -> None:
    plays, grown = [], [0]
    for name, (body, headers) in _BODIES.items():
        bot = make_bot(account)
        filler = 100_000_000 if name == "100 MB" else 0
        bot.spoil(account, answered(Answer(200, body, headers, filler), stored=True))
        before = _peak()
        plays.append(bot.run())
        grown.append(_peak(is_new=False) - before)
        assert grown[-1] < 50_000, name  # kB
        assert bot.calls(account) == 1, name

    counted = total(*plays)
    tally(16, f"unreadable answers to what was taken ({account})", counted, injected=len(plays),
          also={"MB more at most": round(max(grown) / 1000, 1)})  # fmt: skip
    assert_clean(counted)
    assert counted["once"] == len(plays)


# Row 20


def test_row_20_a_stop_delays_no_other_account_and_ends_in_time(
    make_bot: Make, tally: Counts
) -> None:
    bot = make_bot()
    body = b'{"title":"Unauthorized","error":"AuthenticationRequired"}'
    bot.start()
    bot.wait(bot.due - timedelta(seconds=5))
    bot.spoil("x", answered(Answer(401, body), stored=False), times=ALWAYS, match=".")
    bot.wait(bot.due + 5 * MINUTE)
    outbox = bot.store.outbox
    calls = [
        attempt.called_at - bot.due
        for row in bot.rows() if row.account != "x"
        for attempt in outbox.attempts_of(row.id) if attempt.called_at
    ]  # fmt: skip
    bot.proxies["x"].heal()
    (held,) = outbox.find(account="x")
    bot.desk.restart("x", by="Ann")
    bot.desk.resolve(held.id, "send", by="Ann")

    counted = bot.result()

    tally(20, "401 on x, resumed after 5 min", counted, injected=1,
          also={"delay of the others": max(calls).total_seconds()})  # fmt: skip
    assert len(calls) == 2
    assert max(calls) < timedelta(seconds=5)
    assert counted["once"] == 3
    assert counted["lateness"] < 900


@pytest.mark.parametrize("account", ACCOUNTS)
def test_row_20_a_revoked_token_stops_one_account(
    make_bot: Make, tally: Counts, account: str
) -> None:
    bot = make_bot()
    body = b'{"title":"Unauthorized","error":"AuthenticationRequired"}'
    bot.spoil(account, answered(Answer(401, body), stored=False), times=ALWAYS, match=".")
    counted = bot.run()
    others = [row.state for row in bot.rows() if row.account != account]

    tally(20, f"401 on one account ({account})", counted, injected=1)
    assert_clean(counted)
    assert others == [State.SENT, State.SENT]
    assert set(counted["held"]) == {"account stopped"}
