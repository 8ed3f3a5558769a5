"""Rows 1 to 3: a delivery's life, killed at every boundary there is; the ledger judges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.fakes.faultproxy import HANG_UP_AFTER
from tests.faults.broken import RetryOnTimeout, remade
from tests.faults.judged_bot import JudgedBot
from tests.faults.ledgers import PLATFORMS
from tests.faults.running import run_program

#: What a life must be seen to cross, or something is no longer counted.
KINDS = {
    "sql: a statement", "sql: before the commit", "file: in the middle of a write",
    "file: before an fsync", "file: after an fsync", "socket: before connect",
    "socket: before send", "socket: in the middle of send", "socket: after send",
    "socket: before recv", "socket: after recv",
}  # fmt: skip
PAIRS = 100
#: In a short run a kill at each so-manieth boundary stands for all.
EVERY = 90


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_few_kills_leave_it_posted_once(platform: str, tally: Any) -> None:
    words = ("--every", str(EVERY), "--pairs", "3", "--by-server", "2", "--seed", "3")
    outcome = run_program("crashes", platform, *words)

    tally(1, f"SIGKILL at each {EVERY}th boundary, some twice ({platform})", outcome,
          also=figures(outcome))  # fmt: skip
    assert outcome["bad"] == []
    assert set(outcome["kinds"]) >= KINDS
    # A few boundaries come and go with the pieces in which an answer arrives.
    assert outcome["kills"] > (outcome["points"] // EVERY + 3 + 2) * 0.9
    assert outcome["once"] == outcome["schedules"]


def figures(outcome: dict[str, Any]) -> dict[str, float]:
    """Return what stands beside the counts; points are counted where each of them was killed at."""
    return {
        "schedules": outcome["schedules"], "slowest restart": outcome["slowest"], **outcome["also"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("every", "which"),
    [
        pytest.param(3, "each third", marks=pytest.mark.deep),
        pytest.param(1, "every", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_kill_at_any_boundary_leaves_it_posted_once(
    platform: str, every: int, which: str, tally: Any
) -> None:
    outcome = run_program("crashes", platform, "--every", str(every))

    tally(1, f"SIGKILL at {which} boundary ({platform})", outcome)
    assert outcome["bad"] == []
    assert set(outcome["kinds"]) >= KINDS
    # A few boundaries come and go with the pieces in which an answer arrives.
    assert outcome["kills"] > outcome["points"] // every * 0.9
    assert outcome["once"] == outcome["schedules"]


@pytest.mark.deep
@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_second_kill_within_the_recovery_changes_nothing(platform: str, tally: Any) -> None:
    outcome = run_program("crashes", platform, "--every", "0", "--pairs", str(PAIRS), "--seed", "1")

    tally(2, f"two kills, the second within recovery ({platform})", outcome)
    assert outcome["bad"] == []
    assert outcome["once"] == outcome["schedules"]
    assert outcome["kills"] > PAIRS


@pytest.mark.deep
@pytest.mark.parametrize("platform", PLATFORMS)
def test_row_04_the_platform_kills_its_client(platform: str, tally: Any) -> None:
    outcome = run_program("crashes", platform, "--every", "0", "--by-server", "10")

    tally(4, f"killed by the platform, before and after it took it ({platform})", outcome)
    assert outcome["bad"] == []
    assert outcome["kills"] == 10


@pytest.mark.slow
@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_pair_of_kills_changes_nothing(platform: str, tally: Any) -> None:
    outcome = run_program("crashes", platform, "--all-pairs")

    name = f"all pairs: at every boundary of a recovery, after every kill ({platform})"
    tally(3, name, outcome, also=figures(outcome))
    also = outcome["also"]
    assert outcome["bad"] == []
    assert also["told apart"] == 0
    assert also["pairs"] >= outcome["points"] ** 2 / 2


@pytest.mark.slow
@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_boundary_of_a_thread_and_hundreds_of_pairs(platform: str, tally: Any) -> None:
    thread = run_program("crashes", platform, "--long")
    pairs = run_program(
        "crashes", platform, "--long", "--every", "0", "--pairs", "600", "--seed", "2"
    )

    tally(1, f"SIGKILL at every boundary of a thread ({platform})", thread)
    tally(2, f"two kills in a thread, the second within recovery ({platform})", pairs,
          also=figures(pairs))  # fmt: skip
    assert thread["bad"] + pairs["bad"] == []
    assert thread["once"] >= 2 * thread["schedules"], "a thread has parts"


@pytest.mark.deep
def test_an_intent_that_is_stored_after_the_call_is_caught() -> None:
    outcome = run_program("crashes", "mastodon", "--publisher", "intent-after-send", "--every", "8")

    assert outcome["duplicate"] > 0


@pytest.mark.deep
def test_the_same_is_caught_where_it_takes_a_second_kill() -> None:
    outcome = run_program(
        "crashes", "mastodon", "--publisher", "intent-after-send", "--all-pairs", "--every", "1000"
    )

    assert outcome["duplicate"] > 0
    assert [one for one in outcome["bad"] if not one.endswith("times")] == []
    assert all("--kills 1," in one for one in outcome["bad"])
    assert outcome["also"]["told apart"] == 0


def test_a_plain_retry_after_silence_is_caught(make_bot: Callable[..., JudgedBot]) -> None:
    bot = make_bot("m")
    bot.world.order("quirk", account="m", ignores_key=True)
    bot.spoil("m", HANG_UP_AFTER)
    bot.services.publisher = remade(RetryOnTimeout, bot.services.publisher)

    counted = bot.run()

    bot.world.order("quirk", account="m", ignores_key=False)
    assert counted["duplicate"] == 1
