"""Attacks that silence a campaign: deleting what is out, alone, while paused, or of others."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from bot.authority.access import Access, Passwords
from bot.authority.users import Role
from bot.delivery.lifecycle import Event
from bot.delivery.model import HoldReason, State
from bot.errors import DecisionError, UnavailableError, UnconfirmedError
from bot.operations.channels import channels_of
from bot.planning.corrections import Corrections
from bot.platforms.base import Platform
from tests.attacks.attack import Attacker, attack
from tests.fakes.loopback import Inbox
from tests.fakes.running_bot import DAY, MINUTE, NINE, OWNED, RunningBot, enlist, post
from tests.fakes.scripted import Published
from tests.fakes.shipped import WEAK, serving

PASSWORD = "four words are quite enough"


@pytest.fixture
def bot(new_bot: RunningBot) -> RunningBot:
    """Return a bot with two posts out on two networks."""
    new_bot.use("m", "b")
    where = "accounts: [m, b]"
    new_bot.start_approved(post("one", where, at=NINE), post("two", where, at=NINE + 5 * MINUTE))
    new_bot.wait(NINE + 10 * MINUTE)
    assert {row.state for row in new_bot.rows()} == {State.SENT}
    enlist(new_bot.store, "ann", "ben", "eve")
    return new_bot


@pytest.fixture
def desk(bot: RunningBot) -> Corrections:
    return bot.dashboard.corrections


def live(bot: RunningBot) -> int:
    return sum(len(server.live) for server in bot.servers.values())


def verbs(bot: RunningBot) -> list[str]:
    return [row.verb for row in bot.store.audit.rows() if row.verb.startswith("retract")]


@attack(
    Attacker.APPROVER,
    tried="one person takes down a post before anybody can object",
    comes_of_it="people are told before the first deletion, by whom and why, and again after it",
    remains="one post a day, told as it happens",
)
def test_people_hear_of_a_deletion_before_it_and_after_it(
    bot: RunningBot, desk: Corrections
) -> None:
    heard: list[list[str]] = []
    with Inbox() as inbox:

        def platform(name: str) -> Platform:
            heard.append(list(inbox.texts))
            return desk.platform(name)

        announce = channels_of((inbox.address,)).announce
        telling = replace(desk, platform=platform, announce=announce)
        assert len(telling.retract("one", by="eve", why="it names a person")) == 2

    assert heard[0] == ["one: eve takes it down now: it names a person"]
    assert len(bot.store.audit.about("one", "retract")) == 1


@attack(
    Attacker.APPROVER,
    tried="one person takes down one post after the other",
    comes_of_it="one a day, for the whole campaign; a second one waits for somebody else's yes, and"
    " people are told",
    remains="one post a day",
)
def test_a_second_deletion_within_a_day_waits(bot: RunningBot, desk: Corrections) -> None:
    assert desk.retract("one", by="eve", why="x")
    assert not desk.retract("two", by="eve", why="x")
    assert not desk.retract("two", by="eve", why="once more")
    assert live(bot) == 2

    assert len(desk.retract("two", by="ben", why="it names a person")) == 2

    assert live(bot) == 0
    assert verbs(bot)[::-1] == [
        "retract begun", "retract", "retract asked", "retract asked", "retract begun", "retract"
    ]  # fmt: skip


@attack(
    Attacker.APPROVER,
    tried="somebody waits a day between two deletions, or asks for many at once",
    comes_of_it="the day is a rolling one, and each wish counts for its own post only",
    remains="one post a day",
)
def test_the_day_is_a_rolling_one(bot: RunningBot, desk: Corrections) -> None:
    assert desk.retract("one", by="eve", why="x")
    bot.clock.wait(bot.stopping, bot.clock.now() + DAY - MINUTE)
    assert not desk.retract("two", by="eve", why="x")

    bot.clock.wait(bot.stopping, bot.clock.now() + 2 * MINUTE)

    assert desk.retract("two", by="eve", why="x")


@attack(
    Attacker.APPROVER,
    tried="an old wish of somebody else is answered weeks later, or a wish that was done is used"
    " again",
    comes_of_it="a wish lasts three days and is good for one deletion",
)
def test_an_old_wish_counts_no_more(bot: RunningBot, desk: Corrections) -> None:
    desk.retract("one", by="ann", why="x")
    desk.retract("two", by="ann", why="x")
    bot.clock.wait(bot.stopping, bot.clock.now() + 4 * DAY)
    bot.store.audit.write("ann", "retract begun", "other", now=bot.clock.now())

    assert not desk.retract("two", by="eve", why="x")


@attack(
    Attacker.APPROVER,
    tried="the second yes comes from the same person under another spelling, from somebody who was"
    " removed, or who may not take posts down",
    comes_of_it="it does not count",
)
def test_the_second_person_is_another_and_still_one(bot: RunningBot, desk: Corrections) -> None:
    users = Access(bot.store, bot.clock, Passwords(WEAK))
    users.add("olga", frozenset({Role.OPERATOR}), PASSWORD, by="op")
    users.add("mona", frozenset({Role.EDITOR}), PASSWORD, by="op")
    desk.retract("one", by="ben", why="x")
    desk.retract("two", by="mona", why="x")
    desk.retract("two", by="ann", why="x")
    users.remove("ann", by="ben")

    assert not desk.retract("two", by="Eve", why="x")
    assert not desk.retract("two", by=" eve", why="x")


@attack(
    Attacker.APPROVER,
    tried="a correction that deletes the original takes the place of a retraction",
    comes_of_it="it counts as one; where that must wait, nothing is deleted",
)
def test_a_correction_that_deletes_counts(bot: RunningBot, desk: Corrections) -> None:
    desk.correct("one", "It was four.", by="eve", why="x", delete_original=True)
    assert live(bot) == 2

    with pytest.raises(DecisionError, match="somebody else must retract"):
        desk.correct("two", "It was four.", by="eve", why="x", delete_original=True)

    assert live(bot) == 2


def new_alerts(bot: RunningBot) -> list[str]:
    """Return what people are told now that they were not told before."""
    with Inbox() as inbox:
        bot.services.channels = channels_of((inbox.address,))
        vars(bot.services).pop("notifier", None)
        bot.services.notifier.run()
        return [text.partition("\n")[0] for text in inbox.texts]


@attack(
    Attacker.APPROVER,
    tried="a deletion goes unseen",
    comes_of_it="people are told when it is asked for, when it begins, and what came of it",
)
def test_people_are_told_before_and_after(bot: RunningBot, desk: Corrections) -> None:
    bot.store.audit.write("eve", "retract begun", "one", why="before", now=bot.clock.now())
    assert "retract begun: one (eve): before" in new_alerts(bot)

    desk.retract("two", by="eve", why="x")
    assert "retract asked: two (eve): x" in new_alerts(bot)

    desk.retract("two", by="ben", why="x")
    after = new_alerts(bot)
    assert "retract begun: two (ben): x" in after
    assert "retract: two (ben): x; deleted; deleted" in after


def marked_sent(bot: RunningBot, address: str) -> None:
    """Let one post be held, and a person give an address where it is said to be out."""
    bot.servers["m"].fails(UnconfirmedError("mastodon", "504"))
    bot.start_approved(
        post("one", at=NINE + 10 * MINUTE, words="a word of its own as never before")
    )
    bot.servers["m"].unread.extend([UnconfirmedError("mastodon", "cannot tell")] * 3)
    bot.wait(NINE + 20 * MINUTE)
    [held] = bot.rows("one", State.HELD)
    bot.servers["m"].unread.clear()
    bot.desk.resolve(held.id, address, by="eve")


@attack(
    Attacker.APPROVER,
    tried="a held post is said to be out at the address of another status, which is then retracted",
    comes_of_it="an address that a person gave is deleted only where reading finds the bot's own"
    " words there, on its own account",
)
def test_a_status_of_somebody_else_is_not_deleted(new_bot: RunningBot) -> None:
    new_bot.servers["m"].live.append(Published("77", "their own", "a pinned word", None, "2026"))
    marked_sent(new_bot, "https://m.example/@us/77")

    [outcome] = new_bot.dashboard.corrections.retract("one", by="eve", why="x")

    assert not outcome.deleted
    assert "not proved to be the bot's own" in outcome.told
    assert [status.id for status in new_bot.servers["m"].live] == ["77"]


@attack(
    Attacker.APPROVER,
    tried="an address that a person gave is retracted, and is the bot's own",
    comes_of_it="it is deleted, once reading has found its words there",
)
def test_what_reading_proves_to_be_ours_is_deleted(new_bot: RunningBot) -> None:
    new_bot.servers["m"].live.append(Published("77", "", "", None, "2026"))
    marked_sent(new_bot, "https://m.example/@us/77")
    [row] = new_bot.rows("one")
    new_bot.servers["m"].live = [Published("77", row.id, row.status.text, None, "2026")]

    [outcome] = new_bot.dashboard.corrections.retract("one", by="eve", why="x")

    assert outcome.deleted


@attack(
    Attacker.DATABASE,
    tried="ids of other statuses are written into the database, so that a retraction deletes them",
    comes_of_it="only what the sent log, outside the database, has from the server's own answer is"
    " deleted",
)
def test_an_id_that_was_changed_in_the_database_is_not_deleted(
    bot: RunningBot, desk: Corrections
) -> None:
    bot.servers["m"].live.append(Published("77", "their own", "a pinned word", None, "2026"))
    with closing(sqlite3.connect(bot.data / "live.db")) as connection:
        connection.execute("UPDATE delivery SET remote_id = '77' WHERE account = 'm'")
        connection.commit()

    outcomes = desk.retract("one", by="eve", why="x")

    assert {each.account: each.deleted for each in outcomes} == {"b": True, "m": False}
    assert "77" in {status.id for status in bot.servers["m"].live}


@attack(
    Attacker.SERVER,
    tried="the sent log is lost, and the server does not answer when it is asked",
    comes_of_it="nothing is deleted, and the answer says so",
)
def test_without_proof_nothing_is_deleted(bot: RunningBot, desk: Corrections) -> None:
    bot.services.store.outbox._log.path.write_text("")
    for server in bot.servers.values():
        server.unread.append(UnavailableError("any", "no answer"))

    outcomes = desk.retract("one", by="eve", why="x")

    assert {(each.deleted, "no answer" in each.told) for each in outcomes} == {(False, True)}


@attack(
    Attacker.SERVER,
    tried="one network takes a post down, so that its readers lose it",
    comes_of_it="`republish` puts it before the approvers for other accounts, in one decision;"
    " never where it was, nor on a network that still has it",
)
def test_what_was_taken_down_goes_out_elsewhere(bot: RunningBot, desk: Corrections) -> None:
    [row] = [row for row in bot.rows("one") if row.account == "m"]
    with pytest.raises(DecisionError, match="others took down"):
        desk.republish("one", ["x"], by="ann", why="x")
    now = bot.clock.now()
    bot.store.outbox.move(row.id, Event.REMOTE_DELETED, now=now, actor="collector")
    bot.use("m", "b", "x", m2="{platform: mastodon, server: 'https://m2.example', owner: Us,"
            " consent: {by: Us, on: 2026-01-01}}")  # fmt: skip
    bot.watch()
    for name in ("m", "b", "nowhere"):
        with pytest.raises(DecisionError):
            desk.republish("one", [name], by="ann", why="x")

    rows = desk.republish("one", ["x", "m2"], by="ann", why="taken down")

    assert {(row.account, row.state) for row in rows} == {
        ("x", State.PLANNED), ("m2", State.PLANNED)
    }  # fmt: skip
    assert {row.status.text for row in rows} == {row.status.text}
    bot.work()
    assert State.SENT not in {each.state for each in bot.rows(rows[0].post_id)}
    assert bot.store.audit.rows(limit=1)[0].verb == "republish"


@attack(
    Attacker.APPROVER,
    tried="what was taken down is republished twice for one account, or where a copy of it is"
    " planned, held or comes with its queue, or without a reason",
    comes_of_it="none of it: no account, and no network, gets a second copy",
)
def test_no_account_gets_a_second_copy(bot: RunningBot, desk: Corrections) -> None:
    ours = {name: f"{{platform: mastodon, server: 'https://{name}.example', {OWNED}}}"
            for name in ("m2", "m3")}  # fmt: skip
    bot.use("m", "b", "x", **ours)
    before = [post(f"before{number}", "accounts: [x]") for number in range(40)]
    bot.write(post("one", "accounts: [m, b]", at=NINE), *before, post("queued", "accounts: [m, x]"))
    bot.watch()
    bot.work()
    bot.approve_all()
    bot.wait(NINE + DAY)
    for row in bot.rows("one", State.SENT) + bot.rows("queued", State.SENT):
        if row.account == "m":
            now = bot.clock.now()
            bot.store.outbox.move(row.id, Event.REMOTE_DELETED, now=now, actor="collector")
    assert [row.state for row in bot.rows("queued")] == [State.GONE]
    desk.republish("one", ["x", "m2"], by="ann", why="taken down")

    for name, account in (("one", "x"), ("one", "m2"), ("one", "m3"), ("queued", "x")):
        with pytest.raises(DecisionError, match="its readers"):
            desk.republish(name, [account], by="ann", why="once more")
    with pytest.raises(DecisionError, match="say why"):
        desk.republish("queued", ["m3"], by="ann", why=" ")


@attack(
    Attacker.APPROVER,
    tried="the same on the desk, by somebody who is signed in",
    comes_of_it="the page says who asked and that somebody else must agree",
)
def test_the_desk_shows_who_asked(bot: RunningBot, may_sleep: None) -> None:
    bot.dashboard.access.passwords.hasher = WEAK
    for name in ("ada", "eda"):
        bot.dashboard.access.add(name, frozenset({Role.APPROVER}), PASSWORD, by="op")
    form = {"why": "it names her mother", "sure": "yes"}
    with serving(bot):
        eda, ada = bot.browser(), bot.browser()
        eda.sign_in("eda", PASSWORD)
        assert eda.post("/posts/one/retract", form).headers["location"].startswith("/corrections")
        assert eda.post("/posts/two/retract", form).headers["location"].endswith("done=asked")
        assert live(bot) == 2
        ada.sign_in("ada", PASSWORD)
        page = ada.get("/posts/two")
        assert "<strong>eda</strong> asked for this" in page.text

        ada.post("/posts/two/retract", form)

    assert live(bot) == 0


@attack(
    Attacker.APPROVER,
    tried="`republish` on the desk: without a proof, by an editor, for no account, for one that has"
    " it, or of what nobody took down",
    comes_of_it="refused as on the command line; the page offers only accounts that lack it",
)
def test_the_desk_republishes_by_the_same_rules(bot: RunningBot, may_sleep: None) -> None:
    bot.use("m", "b", "x")
    bot.watch()
    bot.dashboard.access.passwords.hasher = WEAK
    for name, role in (("ada", Role.APPROVER), ("edith", Role.EDITOR)):
        bot.dashboard.access.add(name, frozenset({role}), PASSWORD, by="op")
    form = {"why": "taken down", "account": "x"}
    with serving(bot):
        ada, edith = bot.browser(), bot.browser()
        for browser, name in ((ada, "ada"), (edith, "edith")):
            browser.sign_in(name, PASSWORD)
        assert "Send it from other accounts" not in ada.get("/posts/one").text
        assert ada.post("/posts/one/republish", form).status == 409
        [row] = [row for row in bot.rows("one") if row.account == "m"]
        now = bot.clock.now()
        bot.store.outbox.move(row.id, Event.REMOTE_DELETED, now=now, actor="collector")
        page = ada.get("/posts/one").text
        assert re.findall(r'name="account" value="(\w+)"', page) == ["x"]
        assert "Send it from other accounts" not in edith.get("/posts/one").text

        assert edith.post("/posts/one/republish", form).status == 403
        for wrong in ({"account": "b"}, {"account": ""}, {"why": ""}):
            assert ada.post("/posts/one/republish", form | wrong).status in {400, 409}
        bot.clock.advance(11 * MINUTE)
        assert ada.post("/posts/one/republish", form).status == 403
        assert not bot.rows("republication-1-of-one")
        done = ada.post("/posts/one/republish", form | {"password": PASSWORD})

    assert done.headers["location"] == "/posts/republication-1-of-one?done=republished"
    assert [row.account for row in bot.rows("republication-1-of-one")] == ["x"]


def alerts(bot: RunningBot) -> list[str]:
    """Return what people are told after the bot has compared its accounts."""
    bot.services.watcher._next.clear()
    bot.services.watcher.run()
    return [text for text in new_alerts(bot) if text.startswith("foreign")]


@attack(
    Attacker.SERVER,
    tried="somebody with the account's token, or its server, posts in the coalition's name",
    comes_of_it="within an hour people are told of each status that the bot did not make, once",
    remains="the hour; on X, what no read of the bot's own numbers shows",
)
def test_a_status_that_the_bot_did_not_make_is_told(bot: RunningBot) -> None:
    server = bot.servers["m"]
    server.live.insert(0, Published("0", "", "from before the bot", None, ""))
    assert alerts(bot) == []

    server.live.append(Published("77", "", "give money here", None, ""))

    assert alerts(bot) == ["foreign: m (watch): not the bot's own, and new: https://m.example/77"]
    assert alerts(bot) == []


@attack(
    Attacker.SERVER,
    tried="a foreign status hides while a status of ours is in doubt, or behind one from before",
    comes_of_it="the account is looked at again once nothing is in doubt; what was there before the"
    " bot is no news",
)
def test_what_is_in_doubt_is_not_foreign(bot: RunningBot) -> None:
    assert alerts(bot) == []
    bot.write(post("three", "accounts: [m]", at=NINE + 20 * MINUTE))
    bot.watch()
    bot.approve_all()
    bot.servers["m"].fails(UnconfirmedError("mastodon", "504"), keeps=True)
    bot.clock.wait(bot.stopping, NINE + 20 * MINUTE)
    bot.work()
    assert bot.rows("three", State.UNKNOWN)
    assert alerts(bot) == []

    bot.servers["m"].live.append(Published("77", "", "give money here", None, ""))
    assert alerts(bot) == []
    bot.finish()

    assert len(alerts(bot)) == 1


@attack(
    Attacker.SERVER,
    tried="a foreign status comes while a person must say whether one of ours is out",
    comes_of_it="ours is not called foreign; the other one is told once the person has said so",
    remains="the time that the person takes",
)
def test_what_a_person_must_settle_is_not_foreign(bot: RunningBot) -> None:
    assert alerts(bot) == []
    server = bot.servers["m"]
    bot.write(post("three", "accounts: [m]", at=NINE + 20 * MINUTE))
    bot.watch()
    bot.approve_all()
    bot.clock.wait(bot.stopping, NINE + 20 * MINUTE)
    server.fails(UnconfirmedError("mastodon", "504"), keeps=True)
    server.unread.append(UnconfirmedError("mastodon", "too many to look through"))
    bot.finish()
    [held] = bot.rows("three", State.HELD)
    assert held.reason is HoldReason.UNSETTLED
    address = f"https://m.example/{server.live[-1].id}"
    server.live.append(Published("77", "", "give money here", None, ""))
    assert alerts(bot) == []

    bot.desk.resolve(held.id, address, by="Op")

    assert alerts(bot) == ["foreign: m (watch): not the bot's own, and new: https://m.example/77"]


@attack(
    Attacker.SERVER,
    tried="the account's name, description, picture or handle is changed",
    comes_of_it="people are told what it was and what it is",
)
def test_another_profile_is_told(bot: RunningBot) -> None:
    server = bot.servers["m"]
    server.profile = replace(server.profile, about="Us / Families / a.png", handle="us")
    bot.services.verifier.look("m")
    server.profile = replace(server.profile, about="Us / Ask Mallory / b.png", handle="us2")

    bot.services.verifier.look("m")

    [text] = [text for text in new_alerts(bot) if text.startswith("account changed")]
    assert "about was 'Us / Families / a.png' and is 'Us / Ask Mallory / b.png'" in text
    assert "handle was 'us' and is 'us2'" in text
