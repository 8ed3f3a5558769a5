"""People are told once of each thing that needs them, until it is over and comes again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.authority.tables import StopReason
from bot.delivery.restore_guard import mark_restored
from bot.errors import RejectedError, SettingsError, UnconfirmedError
from bot.operations.notifier import Notifier, sender
from bot.platforms.spec import Charge
from tests.fakes.loopback import Inbox
from tests.fakes.running_bot import ACCOUNTS, DAY, MINUTE, NINE, START, RunningBot, post

#: Apprise 1 loads all its plugins, one of which imports it.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


class Mailbox:
    """Takes what people are told, unless it is away."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.titles: list[str] = []
        self.tries = 0
        self.is_away = False

    def __call__(self, title: str, text: str) -> bool:
        self.tries += 1
        if not self.is_away:
            self.titles.append(title)
            self.texts.append(text)
        return not self.is_away


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def bot(new_bot: RunningBot) -> RunningBot:
    new_bot.start_with(post("one", at=NINE))
    return new_bot


@pytest.fixture
def notifier(bot: RunningBot, mailbox: Mailbox) -> Notifier:
    contents, why = bot.services.contents, bot.services.clock_guard.why
    return Notifier(bot.store, bot.clock, contents.campaign, mailbox, contents.broken, why)


def test_a_post_without_approvals_is_told_a_day_ahead_and_once(
    bot: RunningBot, notifier: Notifier, mailbox: Mailbox
) -> None:
    for _ in range(3):
        notifier.run()
        bot.clock.advance(MINUTE)

    (text,) = mailbox.texts
    assert text.startswith("one: 2 approval(s) missing; first due")
    assert mailbox.titles == ["test: 1 thing(s) need a person"]


def test_what_is_far_ahead_is_not_told_yet(
    bot: RunningBot, notifier: Notifier, mailbox: Mailbox
) -> None:
    bot.write(post("one", at=NINE + 3 * DAY))
    bot.watch()

    notifier.run()

    assert mailbox.texts == []


def test_the_first_of_several_times_is_told(new_bot: RunningBot, mailbox: Mailbox) -> None:
    new_bot.use("m", "b")
    new_bot.set('times: ["09:00"]', 'times: ["09:00", "20:00"]')
    new_bot.set("slots: [morning]", "slots: [morning], repeat_after: 1h")
    new_bot.start_with(post("one"))

    Notifier(new_bot.store, new_bot.clock, new_bot.services.contents.campaign, mailbox).run()

    assert "first due Mon 07 Dec 2026 09:00 UTC" in mailbox.texts[0]


def test_what_is_over_is_cleared_and_told_again_when_it_comes_back(
    bot: RunningBot, notifier: Notifier, mailbox: Mailbox
) -> None:
    notifier.run()
    bot.approve("one")
    notifier.run()
    assert bot.store.notices.open() == ()

    bot.void("one")
    notifier.run()

    assert len(mailbox.texts) == 2


def test_a_held_delivery_is_told_with_its_evidence_and_what_to_do(
    bot: RunningBot, notifier: Notifier, mailbox: Mailbox
) -> None:
    bot.approve("one")
    bot.servers["m"].fails(UnconfirmedError("mastodon", "504"))
    bot.servers["m"].unread.append(UnconfirmedError("mastodon", "not ours"))
    bot.wait(NINE + MINUTE)

    notifier.run()

    (text,) = mailbox.texts
    assert "cannot tell whether it is out" in text
    assert "not ours" in text
    assert f"resolve {bot.row().id[:8]}" in text


def test_a_failed_delivery_is_told(bot: RunningBot, notifier: Notifier, mailbox: Mailbox) -> None:
    bot.approve("one")
    bot.servers["m"].fails(RejectedError("mastodon", "too long"))
    bot.wait(NINE)

    notifier.run()

    assert "FAILED: one for m" in mailbox.texts[0]


def break_files(bot: RunningBot) -> None:
    bot.tree.put("posts/main.yaml", "posts: [")
    bot.watch(broken=True)


TROUBLES: dict[str, Callable[[RunningBot], object]] = {
    "m is stopped: revoked": lambda bot: bot.store.accounts.stop(
        "m", StopReason.UNAUTHORIZED, "revoked", bot.clock.now()
    ),
    "last good ones stay in force": break_files,
    "main.yaml:": break_files,
    "a backup was brought back": lambda bot: mark_restored(
        bot.store._db, "a backup was brought back"
    ),
    "clock": lambda bot: bot.services.clock_guard.note_server_time("m", START + 2 * DAY),
}


@pytest.mark.parametrize("words", TROUBLES)
def test_what_stands_in_the_way_is_told(
    bot: RunningBot, notifier: Notifier, mailbox: Mailbox, words: str
) -> None:
    bot.approve("one")
    TROUBLES[words](bot)

    notifier.run()

    (text,) = mailbox.texts
    assert words in text


def test_what_is_wrong_with_one_machine_is_not_taken_back_by_another(
    bot: RunningBot, mailbox: Mailbox
) -> None:
    campaign, now = bot.services.contents.campaign, bot.clock.now()
    bot.approve("one")
    wrong = [""]
    one = Notifier(bot.store, bot.clock, campaign, mailbox, clock_is_wrong=lambda: wrong[0],
                   machine="one")  # fmt: skip
    two = Notifier(bot.store, bot.clock, campaign, mailbox, machine="two")
    for name in ("one", "two"):
        bot.store.workers.beat(f"{name}/1", {"machine": name}, now)

    wrong[0] = "its clock is an hour ahead"
    for _ in range(3):
        one.run()
        two.run()
    assert len(mailbox.texts) == 1
    assert mailbox.texts[0].startswith("one sends nothing: its clock is an hour ahead.")
    wrong[0] = ""
    two.run()
    assert len(bot.store.notices.open()) == 1
    one.run()

    assert bot.store.notices.open() == ()


def test_what_was_wrong_with_a_machine_that_is_gone_is_over(
    bot: RunningBot, mailbox: Mailbox
) -> None:
    campaign = bot.services.contents.campaign
    bot.approve("one")
    gone = Notifier(bot.store, bot.clock, campaign, mailbox, clock_is_wrong=lambda: "wrong",
                    machine="gone")  # fmt: skip
    gone.run()

    Notifier(bot.store, bot.clock, campaign, mailbox, machine="here").run()

    assert bot.store.notices.open() == ()


def test_a_budget_that_is_nearly_spent_is_told_once_a_month(
    new_bot: RunningBot, mailbox: Mailbox
) -> None:
    new_bot.use(x=ACCOUNTS["x"].replace("threads: true", "budget_usd_per_month: 1"))
    new_bot.start()
    notifier = Notifier(new_bot.store, new_bot.clock, new_bot.services.contents.campaign, mailbox)
    new_bot.store.ledger.reserve("x", Charge("post"), 0.79, now=START)
    notifier.run()
    assert mailbox.texts == []

    new_bot.store.ledger.reserve("x", Charge("post"), 0.01, now=START)
    notifier.run()
    notifier.run()

    [text] = mailbox.texts
    assert text.startswith("x: $0.20 of $1.00 left for December\n\naudit-head:")


def test_what_could_not_be_told_is_told_later(
    bot: RunningBot, notifier: Notifier, mailbox: Mailbox
) -> None:
    mailbox.is_away = True
    for _ in range(3):
        notifier.run()
    assert mailbox.tries == 1

    mailbox.is_away = False
    bot.clock.advance(MINUTE)
    notifier.run()
    notifier.run()

    assert len(mailbox.texts) == 1


# By apprise


def test_people_are_told_over_apprise(inbox: Inbox) -> None:
    assert sender((inbox.address,))("a title", "a text")

    assert [asked.json["title"] for asked in inbox.asked] == ["a title"]


def test_one_broken_address_does_not_make_the_others_hear_it_again(inbox: Inbox) -> None:
    assert sender(("json://127.0.0.1:9/", inbox.address))("a title", "a text")

    assert [asked.json["title"] for asked in inbox.asked] == ["a title"]


def test_nobody_told_is_told_so() -> None:
    assert not sender(("json://127.0.0.1:9/",))("a title", "a text")


def test_without_addresses_it_is_logged() -> None:
    assert sender(())("a title", "a text")


def test_an_address_that_apprise_does_not_know_is_refused_without_showing_it() -> None:
    with pytest.raises(SettingsError) as error:
        sender(("mailto://a:secret@b.example", "nonsense:secret"))

    assert "address 2" in str(error.value)
    assert "secret" not in str(error.value)


def test_nothing_is_told_of_a_campaign_in_order(
    bot: RunningBot, notifier: Notifier, mailbox: Mailbox
) -> None:
    bot.approve("one")
    bot.wait(NINE)

    notifier.run()

    assert mailbox.texts == []
