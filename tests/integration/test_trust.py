"""What a stolen git account could change stops sending until somebody on the machine agrees."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.authority.tables import StopReason
from bot.authority.trust import ConfigurationGuard
from bot.content.model import Mode
from bot.delivery.model import State
from bot.errors import ContentError, DecisionError
from tests.fakes.campaign_tree import LETTER, sha256_of
from tests.fakes.newsroom import MINUTE, NINE, Newsroom, post


@pytest.fixture
def room(newsroom: Newsroom) -> Newsroom:
    """Have two live accounts and an approved post for both."""
    newsroom.use("m", "b")
    newsroom.write(post("one", at=NINE))
    newsroom.start()
    newsroom.approve("one")
    return newsroom


def stopped(room: Newsroom) -> dict[str, str]:
    return {one.name: one.stopped_detail for one in room.store.accounts.all()}


def less_approval(room: Newsroom) -> None:
    room.set("approvals_required: 2", "approvals_required: 1")


def a_friend(room: Newsroom) -> None:
    room.set("coalition: []", "coalition: [evil.example]")


def other_words(room: Newsroom) -> None:
    changed = LETTER.replace("mothers", "others")
    room.tree.put("posts/sources/letter.txt", changed)
    room.tree.change("posts/sources/letter.yaml", sha256_of(LETTER), sha256_of(changed))


def rehearsed(room: Newsroom) -> None:
    room.set("mode: live", "mode: rehearsal")


@pytest.mark.parametrize("change", [less_approval, a_friend, other_words, rehearsed])
def test_a_changed_rule_stops_every_account(
    room: Newsroom, change: Callable[[Newsroom], None]
) -> None:
    change(room)

    room.watch(broken=change is rehearsed)
    room.wait(NINE)

    assert all(why.startswith("configuration changed") for why in stopped(room).values())
    assert room.servers["m"].live == room.servers["b"].live == []


def test_a_changed_server_stops_its_account_only(room: Newsroom) -> None:
    room.set("https://m.example", "https://evil.example")

    room.watch()

    assert stopped(room)["b"] == ""
    assert "evil.example" in stopped(room)["m"]


def test_a_changed_handle_stops_its_account_only(room: Newsroom) -> None:
    room.set("handle: b.example", "handle: evil.example")

    room.watch()

    assert [bool(why) for why in stopped(room).values()] == [True, False]


def test_a_new_account_waits_for_a_person(room: Newsroom) -> None:
    room.use("m", "b", "x")

    room.watch()

    assert stopped(room)["x"].startswith("configuration changed: account x: None became")
    assert stopped(room)["m"] == stopped(room)["b"] == ""


def test_an_account_that_is_taken_away_stops_nothing(room: Newsroom) -> None:
    room.use("m")

    room.watch()

    assert stopped(room) == {"m": ""}


@pytest.mark.parametrize("harmless", ["not_after: 20m", "graphic_per_day: 2"])
def test_other_changes_stop_nothing(room: Newsroom, harmless: str) -> None:
    key = harmless.partition(":")[0]
    line = next(line for line in room.schedule.splitlines() if line.startswith(key))
    room.set(line, harmless)

    room.watch()

    assert set(stopped(room).values()) == {""}


def test_a_change_while_the_bot_was_away_is_noticed(room: Newsroom) -> None:
    less_approval(room)

    room.restart()

    assert all(stopped(room).values())


def accept(room: Newsroom) -> list[str]:
    guard = ConfigurationGuard(room.store, room.clock)
    return [str(one) for one in guard.accept(room.bot.contents.campaign(), by="Op", why="known")]


def test_a_person_on_the_machine_confirms_a_change(room: Newsroom) -> None:
    room.set("https://m.example", "https://new.example")
    room.watch()

    changes = accept(room)
    room.wait(NINE)

    assert len(changes) == 1
    assert room.states() == {"one/b/0": "SENT", "one/m/0": "SENT"}
    (row, *_) = room.store.audit.rows()
    assert (row.who, row.verb, row.why) == ("Op", "accept-config", "known")
    assert row.detail == {"changes": changes, "accounts": ["m"]}


def test_a_change_that_was_taken_back_is_confirmed_too(room: Newsroom) -> None:
    less_approval(room)
    room.watch()
    room.set("approvals_required: 1", "approvals_required: 2")
    room.watch()
    assert all(stopped(room).values())

    assert accept(room) == []

    assert not any(stopped(room).values())


def test_confirming_starts_no_account_that_was_stopped_for_something_else(room: Newsroom) -> None:
    room.store.accounts.stop(
        "b", StopReason.UNAUTHORIZED, "its password was leaked", room.clock.now()
    )
    less_approval(room)
    room.watch()

    accept(room)

    assert stopped(room) == {"m": "", "b": "its password was leaked"}


def test_there_must_be_something_to_confirm(room: Newsroom) -> None:
    with pytest.raises(DecisionError, match="nothing has changed"):
        accept(room)


def test_a_first_confirmation_records(newsroom: Newsroom) -> None:
    newsroom.bot.contents.start()

    assert accept(newsroom) == []

    assert newsroom.store.trust.recorded() is not None


# One process, one mode


def test_nothing_is_approved_by_itself_because_the_files_now_say_rehearsal(
    newsroom: Newsroom,
) -> None:
    newsroom.write(post("one", at=NINE))
    newsroom.start()
    rehearsed(newsroom)

    newsroom.watch(broken=True)
    newsroom.wait(NINE)

    assert newsroom.servers["m"].live == []
    assert newsroom.store.approvals.of(newsroom.row().fingerprint) == ()


def test_a_rehearsal_does_not_go_live_by_an_edit(newsroom: Newsroom) -> None:
    rehearsed(newsroom)
    newsroom.write(post("one", at=NINE))
    newsroom.start()
    newsroom.set("mode: rehearsal", "mode: live")
    newsroom.use("m", "b")

    newsroom.watch(broken=True)
    newsroom.wait(NINE)

    assert newsroom.servers["m"].live == newsroom.servers["b"].live == []
    assert newsroom.row().state is State.SENT
    assert "stop it and start it again" in newsroom.bot.contents.broken()


def test_a_process_for_one_mode_does_not_take_up_files_of_the_other(newsroom: Newsroom) -> None:
    newsroom.mode = Mode.LIVE
    rehearsed(newsroom)

    with pytest.raises(ContentError, match="the bot runs in mode live"):
        newsroom.start()


def test_confirming_after_the_mode_went_back_lets_everything_go_on(room: Newsroom) -> None:
    rehearsed(room)
    room.watch(broken=True)
    room.set("mode: rehearsal", "mode: live")
    room.watch()
    assert all(stopped(room).values())

    accept(room)
    room.wait(NINE + MINUTE)

    assert set(room.states().values()) == {"SENT"}
