"""People are told once an hour at most of each cause, until it is over, and then that it is."""

from __future__ import annotations

from datetime import timedelta
from threading import Event

import pytest

from bot.authority.notices import WorkerBeat
from bot.authority.tables import StopReason
from bot.errors import DiskFullError, SettingsError, UnconfirmedError
from bot.operations.channels import Alert, Channel, Channels, Notifier, channels_of, fitted
from bot.operations.model import ServiceStatus
from bot.platforms.spec import Charge
from tests.fakes.loopback import Inbox, Loopback, ReceivedRequest, Told
from tests.fakes.running_bot import ACCOUNTS, DAY, MINUTE, NINE, START, RunningBot, post

HOUR = timedelta(hours=1)
DESK = "https://desk.example"


@pytest.fixture
def bot(new_bot: RunningBot) -> RunningBot:
    new_bot.start_with(post("one", at=NINE))
    return new_bot


def notifier_of(bot: RunningBot, *addresses: str) -> Notifier:
    """Return one whose bot comes round whenever it is looked at."""
    services = bot.services
    services.channels = channels_of(addresses)

    def status() -> ServiceStatus:
        services.activity.tick()
        return services.status()

    return Notifier(bot.store.notices, bot.clock, status, services.channels, DESK)


@pytest.fixture
def notifier(bot: RunningBot, inbox: Inbox) -> Notifier:
    return notifier_of(bot, inbox.address)


def test_posts_without_approvals_are_told_a_day_ahead_and_once(
    bot: RunningBot, notifier: Notifier, inbox: Inbox
) -> None:
    for _ in range(3):
        notifier.run()
        bot.clock.advance(MINUTE)

    (text,) = inbox.texts
    assert text == (
        "one: 2 approval(s) missing; first due Mon 7 Dec 2026 09:00 UTC\n"
        "Do: python3 run_bot.py approve one --as NAME\n"
        "https://desk.example/posts/one"
    )
    assert inbox.titles[0].startswith("test: needs you: one: 2 approval(s) missing")


def test_what_is_far_ahead_is_not_told_yet(
    bot: RunningBot, notifier: Notifier, inbox: Inbox
) -> None:
    bot.write(post("one", at=NINE + 3 * DAY))
    bot.watch()

    notifier.run()

    assert inbox.texts == []


def test_the_first_of_several_times_is_told(new_bot: RunningBot, inbox: Inbox) -> None:
    new_bot.use("m", "b")
    new_bot.set('times: ["09:00"]', 'times: ["09:00", "20:00"]')
    new_bot.set("slots: [morning]", "slots: [morning], repeat_after: 1h")
    new_bot.start_with(post("one"))

    notifier_of(new_bot, inbox.address).run()

    assert "first due Mon 7 Dec 2026 09:00 UTC" in inbox.texts[0]


def test_people_hear_that_it_is_over_and_of_one_cause_at_most_once_an_hour(
    bot: RunningBot, notifier: Notifier, inbox: Inbox
) -> None:
    for _ in range(20):  # it comes and goes
        notifier.run()
        bot.approve("one")
        notifier.run()
        bot.void("one")
        bot.clock.advance(MINUTE)

    assert [title.partition(": ")[2][:9] for title in inbox.titles] == ["needs you", "settled: "]
    assert inbox.texts[1].startswith("one: 2 approval(s) missing")

    bot.clock.advance(HOUR - 20 * MINUTE)
    notifier.run()
    assert len(inbox.texts) == 3


def test_what_is_urgent_is_repeated_each_hour_and_the_rest_each_day(
    bot: RunningBot, notifier: Notifier, inbox: Inbox
) -> None:
    bot.write(post("one", at=NINE + 9 * DAY))
    bot.watch()
    bot.store.accounts.stop("m", StopReason.UNAUTHORIZED, "revoked", bot.clock.now())
    bot.desk.pause("mourning", by="Ann")

    for _ in range(25):
        notifier.run()
        bot.clock.advance(HOUR)

    urgent = [title for title in inbox.titles if title.startswith("test: urgent: m is stopped")]
    paused = [title for title in inbox.titles if title.startswith("test: needs you: Sending is")]
    assert (len(urgent), len(paused), len(inbox.titles)) == (25, 2, 27)
    assert {asked.json["type"] for asked in inbox.asked} == {"failure", "warning"}


def test_a_held_delivery_is_told_with_its_evidence_and_what_to_do(
    bot: RunningBot, notifier: Notifier, inbox: Inbox
) -> None:
    bot.approve("one")
    bot.servers["m"].fails(UnconfirmedError("mastodon", "504"))
    bot.servers["m"].unread.append(UnconfirmedError("mastodon", "not ours"))
    bot.wait(NINE + MINUTE)

    notifier.run()

    (text,) = inbox.texts
    assert "cannot tell whether it is out" in text
    assert "not ours" in text
    assert f"Do: python3 run_bot.py resolve {bot.row().id[:8]} ADDRESS --as NAME" in text


def test_many_held_posts_are_one_alert(new_bot: RunningBot, inbox: Inbox) -> None:
    new_bot.start_with(*(post(f"p{number}", at=NINE) for number in range(20)))
    new_bot.wait(NINE)

    notifier_of(new_bot, inbox.address).run()

    (text,) = inbox.texts
    assert "\nand 15 more\n" in text


def test_of_several_machines_one_tells(bot: RunningBot, inbox: Inbox) -> None:
    bot.store.accounts.stop("m", StopReason.UNAUTHORIZED, "revoked", bot.clock.now())
    bot.approve("one")
    one, two = notifier_of(bot, inbox.address), notifier_of(bot, inbox.address)

    for _ in range(2):
        one.run()
        two.run()

    assert len(inbox.texts) == 1


def test_what_is_wrong_with_one_machine_lasts_until_that_machine_says_so(
    bot: RunningBot, notifier: Notifier, inbox: Inbox
) -> None:
    bot.approve("one")
    two = {"worker": "two/1", "machine": "two"}
    bot.store.workers.beat("two/1", two | {"clock": "an hour ahead"}, bot.clock.now())
    notifier.run()
    assert inbox.texts[0].startswith("two sends nothing: an hour ahead.")

    bot.store.workers.beat("two/1", two, bot.clock.now())
    notifier.run()

    assert [title.split(": ")[1] for title in inbox.titles] == ["urgent", "settled"]


def test_what_becomes_urgent_is_told_at_once_and_its_warning_is_not_over(
    bot: RunningBot, notifier: Notifier, inbox: Inbox
) -> None:
    bot.approve("one")
    one = {"worker": "one/1", "machine": "one"}
    for facts in ({"disk_soon": "200 MB left"}, {"disk": "3 MB left"}, {}):
        bot.clock.advance(MINUTE)
        bot.store.workers.beat("one/1", one | facts, bot.clock.now())
        notifier.run()

    told = [
        (title.split(": ")[1], text[:16])
        for title, text in zip(inbox.titles, inbox.texts, strict=True)
    ]
    assert told == [
        ("needs you", "one: 200 MB left"),
        ("urgent", "one sends nothin"),
        ("settled", "one sends nothin"),
        ("settled", "one: 200 MB left"),
    ]


def test_a_replica_that_gives_no_sign_is_told_until_it_or_its_successor_does(
    bot: RunningBot, notifier: Notifier, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot.approve("one")
    monkeypatch.setattr(bot.store.workers, "silent", lambda now, after: (
        WorkerBeat("two/1", {"machine": "two"}, now - after),))  # fmt: skip
    notifier.run()
    assert inbox.texts[0].startswith("two gave no sign of life since ")

    bot.store.workers.beat("two/9", {"worker": "two/9", "machine": "two"}, bot.clock.now())
    notifier.run()

    assert [title.split(": ")[1] for title in inbox.titles] == ["needs you", "settled"]


def test_a_database_that_does_not_answer_is_told_too(
    bot: RunningBot, notifier: Notifier, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot.approve("one")
    with monkeypatch.context() as patch:

        def fail(*_arguments: object) -> None:
            raise DiskFullError("the disk is full; make room, nothing was stored")

        patch.setattr(bot.store._db, "read", fail)
        patch.setattr(bot.store._db, "write", fail)
        for _ in range(3):
            notifier.run()
    notifier.run()

    assert inbox.texts[0].startswith("The database does not answer, so nothing is sent: the disk")
    assert [title.split(": ")[1] for title in inbox.titles] == ["urgent", "settled"]


def test_a_budget_that_is_nearly_spent_is_told_once_a_month(
    new_bot: RunningBot, inbox: Inbox
) -> None:
    new_bot.use(x=ACCOUNTS["x"].replace("threads: true", "budget_usd_per_month: 1"))
    new_bot.start()
    notifier = notifier_of(new_bot, inbox.address)
    new_bot.store.ledger.reserve("x", Charge("post"), 0.79, now=START)
    notifier.run()
    assert inbox.texts == []

    new_bot.store.ledger.reserve("x", Charge("post"), 0.01, now=START)
    notifier.run()
    notifier.run()

    (text,) = inbox.texts
    assert text.startswith("x: $0.20 of $1.00 left for December\n")


def test_what_could_not_be_told_is_told_later(
    bot: RunningBot, notifier: Notifier, inbox: Inbox
) -> None:
    inbox.status = 500
    for _ in range(3):
        notifier.run()
    assert len(inbox.asked) == 1

    inbox.status = 200
    bot.clock.advance(MINUTE)
    notifier.run()
    notifier.run()

    assert [title.split(": ")[1] for title in inbox.titles[1:]] == [
        "urgent", "needs you", "settled",
    ]  # fmt: skip
    assert notifier.channels.failing() == {}


def test_a_channel_that_fails_is_an_urgent_matter_and_the_others_hear_of_it(
    bot: RunningBot, inbox: Inbox
) -> None:
    bot.approve("one")
    bot.desk.pause("mourning", by="Ann")
    notifier = notifier_of(bot, "json://127.0.0.1:9/", inbox.address)
    notifier.run()
    assert not bot.services.status().is_ready
    bot.clock.advance(MINUTE)

    notifier.run()

    assert [text.partition("\n")[0] for text in inbox.texts] == [
        "Sending is paused: mourning (Ann)",
        "address 1 (json) of VERBATIM_ALERTS fails, so whom it reaches hears nothing: it does not"
        " take them",
    ]


def test_a_channel_that_never_answers_keeps_nobody_waiting(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_over, notify = Event(), Channel._notify
    (slow,) = channels_of((inbox.address,)).all
    (quick,) = channels_of((inbox.address,)).all
    slow.deadline = 0.0
    monkeypatch.setattr(
        Channel, "_notify",
        lambda channel, alert: is_over.wait(60) if channel is slow else notify(channel, alert),
    )  # fmt: skip

    assert Channels((slow, quick)).send(Alert("a title", "a text"))

    assert slow.failing == "no answer within 0 s"
    assert not slow.send(Alert("another title", "a text"))
    assert slow.failing == "no answer within 0 s", "in other words it would be told once more"
    is_over.set()


# By apprise


def strict(inbox: Inbox, *, body: int, title: int) -> Channel:
    """Return a channel whose service takes no more than so many characters."""
    (channel,) = channels_of((inbox.address,)).all
    channel.notifier[0].body_maxlen, channel.notifier[0].title_maxlen = body, title
    return channel


def test_an_alert_is_cut_to_what_the_service_takes_and_says_what_to_do(inbox: Inbox) -> None:
    alert = Alert("t" * 50, "x" * 5000, "Do: python3 run_bot.py check")

    assert strict(inbox, body=160, title=20).send(alert)

    assert inbox.titles == ["t" * 20]
    assert inbox.texts == ["x" * 130 + "…\nDo: python3 run_bot.py check"]


def test_a_service_without_titles_has_it_in_the_text(inbox: Inbox) -> None:
    assert strict(inbox, body=100, title=0).send(Alert("a title", "x" * 200, "end"))

    (text,) = inbox.texts
    assert len(text) <= 100
    assert text.startswith("a title")
    assert text.endswith("x…\nend")


@pytest.mark.parametrize("most", [1, 5, 20])
def test_whatever_is_cut_fits(most: int) -> None:
    assert len(fitted(Alert("", "x" * 100, "y" * 10), most)) <= most


def test_one_address_that_takes_it_is_enough_and_without_any_it_is_logged(inbox: Inbox) -> None:
    broken, alert = "json://127.0.0.1:9/", Alert("a", "b")

    told = [channels_of(each).send(alert) for each in ((broken, inbox.address), (broken,), ())]

    assert told == [True, False, True]
    assert [asked.json["title"] for asked in inbox.asked] == ["a"]


def test_an_address_that_apprise_does_not_know_is_refused_without_showing_it() -> None:
    with pytest.raises(SettingsError) as error:
        channels_of(("mailto://a:secret@b.example", "nonsense:secret"))

    assert "address 2" in str(error.value)
    assert "secret" not in str(error.value)


def test_a_text_that_is_refused_keeps_back_no_other(new_bot: RunningBot) -> None:
    def answer(asked: ReceivedRequest) -> Told:
        return Told(400 if "mourning" in asked.json["message"] else 200)

    new_bot.start_with(post("one", at=NINE))
    new_bot.desk.pause("mourning", by="Ann")
    with Loopback(answer) as strict:
        notifier_of(new_bot, strict.origin.replace("http://", "json://")).run()

        texts = [asked.json["message"] for asked in strict.asked]

    assert [text.split(":")[0] for text in texts] == ["Sending is paused", "one"]


def test_nothing_is_told_of_a_campaign_in_order(
    bot: RunningBot, notifier: Notifier, inbox: Inbox
) -> None:
    bot.approve("one")
    bot.wait(NINE)

    notifier.run()

    assert inbox.texts == []
