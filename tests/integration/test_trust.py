"""What a stolen git account could change stops sending until somebody on the machine agrees."""

from __future__ import annotations

import pytest

from bot.content.model import Mode
from bot.delivery.model import State
from bot.errors import ContentError, DecisionError
from tests.fakes.campaign_tree import LETTER, sha256_of
from tests.fakes.running_bot import MINUTE, NINE, RunningBot, post


@pytest.fixture
def bot(new_bot: RunningBot) -> RunningBot:
    """Have two live accounts and an approved post for both."""
    new_bot.use("m", "b")
    new_bot.start_approved(post("one", at=NINE))
    return new_bot


def stopped(bot: RunningBot) -> dict[str, str]:
    return {account.name: account.stopped_detail for account in bot.store.accounts.all()}


def less_approval(bot: RunningBot) -> None:
    bot.set("approvals_required: 2", "approvals_required: 1")


def rehearsed(bot: RunningBot) -> None:
    bot.set("mode: live", "mode: rehearsal")


def test_a_changed_source_stops_every_account(bot: RunningBot) -> None:
    changed = LETTER.replace("mothers", "others")
    bot.tree.put("posts/sources/letter.txt", changed)
    bot.tree.change("posts/sources/letter.yaml", sha256_of(LETTER), sha256_of(changed))

    bot.watch()
    bot.wait(NINE)

    assert all(why.startswith("configuration changed") for why in stopped(bot).values())
    assert bot.servers["m"].live == bot.servers["b"].live == []


def test_an_account_that_is_taken_away_stops_nothing(bot: RunningBot) -> None:
    bot.use("m")

    bot.watch()

    assert stopped(bot) == {"m": ""}


def test_a_change_while_the_bot_was_away_is_noticed(bot: RunningBot) -> None:
    less_approval(bot)

    bot.restart()

    assert all(stopped(bot).values())


def test_a_person_on_the_machine_confirms_a_change(bot: RunningBot) -> None:
    bot.set("https://m.example", "https://new.example")
    bot.watch()

    changes = bot.confirm()
    bot.wait(NINE)

    assert len(changes) == 1
    assert bot.states() == {"one/b/0": "SENT", "one/m/0": "SENT"}
    (row, *_) = bot.store.audit.rows()
    assert (row.who, row.verb, row.why) == ("Op", "accept-config", "known")
    assert row.detail == {"changes": changes, "accounts": ["m"]}


def test_a_change_that_was_taken_back_is_confirmed_too(bot: RunningBot) -> None:
    less_approval(bot)
    bot.watch()
    bot.set("approvals_required: 1", "approvals_required: 2")
    bot.watch()
    assert all(stopped(bot).values())

    assert bot.confirm() == []

    assert not any(stopped(bot).values())


def test_there_must_be_something_to_confirm(bot: RunningBot) -> None:
    with pytest.raises(DecisionError, match="nothing has changed"):
        bot.confirm()


def test_a_first_confirmation_records(new_bot: RunningBot) -> None:
    new_bot.services.contents.start()

    assert new_bot.confirm() == []

    assert new_bot.store.trust.recorded() is not None


# One process, one mode


def test_nothing_is_approved_by_itself_because_the_files_now_say_rehearsal(
    new_bot: RunningBot,
) -> None:
    new_bot.start_with(post("one", at=NINE))
    rehearsed(new_bot)

    new_bot.watch(broken=True)
    new_bot.wait(NINE)

    assert new_bot.servers["m"].live == []
    assert new_bot.store.approvals.standing(fingerprint=new_bot.row().fingerprint) == ()


def test_a_rehearsal_does_not_go_live_by_an_edit(new_bot: RunningBot) -> None:
    rehearsed(new_bot)
    new_bot.start_with(post("one", at=NINE))
    new_bot.set("mode: rehearsal", "mode: live")
    new_bot.use("m", "b")

    new_bot.watch(broken=True)
    new_bot.wait(NINE)

    assert new_bot.servers["m"].live == new_bot.servers["b"].live == []
    assert new_bot.row().state is State.SENT
    assert "stop it and start it again" in new_bot.services.contents.broken()


def test_files_of_another_campaign_change_nothing(new_bot: RunningBot) -> None:
    new_bot.start_with(post("one", at=NINE))
    new_bot.set("campaign: test", "campaign: other")

    new_bot.watch(broken=True)

    told = (
        "campaign: these are files of other, the bot runs test; put its own back [other-campaign]"
    )
    assert new_bot.services.contents.broken().endswith(told)
    assert new_bot.services.contents.campaign().schedule.campaign == "test"
    assert set(new_bot.states().values()) == {"PLANNED"}


def test_a_process_for_one_mode_does_not_take_up_files_of_the_other(new_bot: RunningBot) -> None:
    new_bot.mode = Mode.LIVE
    rehearsed(new_bot)

    with pytest.raises(ContentError, match="the bot runs in mode live"):
        new_bot.start()


def test_confirming_after_the_mode_went_back_lets_everything_go_on(bot: RunningBot) -> None:
    rehearsed(bot)
    bot.watch(broken=True)
    bot.set("mode: rehearsal", "mode: live")
    bot.watch()
    assert all(stopped(bot).values())

    bot.confirm()
    bot.wait(NINE + MINUTE)

    assert set(bot.states().values()) == {"SENT"}
