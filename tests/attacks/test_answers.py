"""Attacks on the no of people: who objects, and whether it holds until the moment of sending."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.authority.access import Access, Passwords
from bot.authority.users import Role
from bot.cli.main import run
from bot.delivery.answers import ASK, LONGEST, REFUSE, Answers
from bot.delivery.model import HoldReason, State
from bot.errors import DecisionError
from tests.attacks.attack import Attacker, attack
from tests.fakes.people import token_of
from tests.fakes.running_bot import MINUTE, NINE, RunningBot, enlist, post
from tests.fakes.shipped import WEAK

Objecting = Callable[[Answers], None]


def answers(bot: RunningBot) -> Answers:
    return Answers(bot.store, bot.clock)


def ask(service: Answers) -> None:
    service.object_to(ASK, "one", "Name the year.", by="Ben")


def refuse(service: Answers) -> None:
    service.object_to(REFUSE, "one", "Not on this day.", by="Ben")


def withdraw(service: Answers) -> None:
    service.withdraw("one", by="Ben")


ANSWERS = {"ask": ask, "refuse": refuse, "withdraw": withdraw}


def comes_due(bot: RunningBot) -> list[str]:
    """Let nine o'clock come; return what then is out."""
    bot.wait(NINE + MINUTE)
    return bot.servers["m"].texts


@attack(
    Attacker.APPROVER,
    tried="a post goes out in the moment in which an approver takes the yes back, asks for a change"
    " or refuses it",
    comes_of_it="the answer is stored before the call begins, and then nothing is sent; or the call"
    " has begun, and whoever answers is told that it is too late",
)
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_an_answer_between_the_gate_and_the_call_stops_the_call(
    bot: RunningBot, answer: Objecting
) -> None:
    bot.servers["m"].before_prepare = lambda: answer(answers(bot))

    assert comes_due(bot) == []
    row = next(row for row in bot.store.outbox.find() if row.post_id == "one")
    assert (row.state, row.attempts) == (State.HELD, 0)


@attack(
    Attacker.APPROVER,
    tried="a post that somebody refused is sent by `resolve send`, by another approval, or by an"
    " edit that is undone",
    comes_of_it="each is refused or held: that fingerprint never goes out",
)
def test_no_way_leads_a_refused_text_out(bot: RunningBot) -> None:
    before = bot.tree.posts.joinpath("main.yaml").read_text(encoding="utf-8")
    refuse(answers(bot))
    assert bot.rows() == []

    with pytest.raises(DecisionError, match="nothing of it waits"):
        bot.desk.approve("one", by="Ann")
    bot.write(post("one", at=NINE, words="another text for this one day"))
    bot.watch()
    assert [row.state for row in bot.rows()] == [State.PLANNED]
    bot.tree.put("posts/main.yaml", before)
    bot.watch()

    assert bot.rows() == []
    assert comes_due(bot) == []


@attack(
    Attacker.APPROVER,
    tried="a delivery that waits for a change is sent by a person's word",
    comes_of_it="refused until whoever asked is content or the post is edited",
)
def test_a_persons_word_sends_nothing_that_is_objected_to(bot: RunningBot) -> None:
    ask(answers(bot))
    bot.desk.approve("one", by="Ben")
    bot.desk.pause("a moment", by="Ann")
    bot.wait(NINE + MINUTE)
    bot.desk.resume(by="Ann")
    ask(answers(bot))

    with pytest.raises(DecisionError, match="Ben: Name the year"):
        bot.desk.resolve(bot.row().id, "send", by="Ann")
    assert bot.servers["m"].texts == []


@attack(
    Attacker.EDITOR,
    tried="an author takes back the request for a change of their own post, or lets it go by a"
    " comment",
    comes_of_it="only whoever asked takes it back; a comment changes nothing",
)
def test_only_who_asked_is_content(bot: RunningBot) -> None:
    ask(answers(bot))

    answers(bot).comment("one", "It is fine as it is.", by="Ed")
    with pytest.raises(DecisionError, match="Ed has no answer there"):
        answers(bot).withdraw("one", by="Ed")

    assert comes_due(bot) == []
    assert bot.row().reason is HoldReason.CHANGE_ASKED


@attack(
    Attacker.EDITOR,
    tried="who is no approver refuses, asks for a change, or takes an answer back",
    comes_of_it="refused, at the command line as on the desk",
)
@pytest.mark.parametrize("words", [
    ("ask-change", "one", "--comment", "x"), ("refuse", "one", "--comment", "x"),
    ("withdraw", "one"),
])  # fmt: skip
def test_only_approvers_answer(
    bot: RunningBot,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
) -> None:
    token = token_of(bot.store, bot.clock, "edna", frozenset({Role.EDITOR}))
    monkeypatch.setenv("VERBATIM_TOKEN", token)

    assert run([*words, *bot.places, "--as", "edna"]) == 1
    assert "edna may not approve posts" in capsys.readouterr().err
    assert bot.store.objections.standing() == ()


@attack(
    Attacker.EDITOR,
    tried="a comment with markup, of unseen or turning characters, empty or endless",
    comes_of_it="refused; what is kept is one line of plain text",
)
@pytest.mark.parametrize("comment", [
    "<b>now</b>", "a <!-- b", "a\u202eb", "a\u200bb", " \n ", "x" * (LONGEST + 1)
])  # fmt: skip
def test_a_comment_is_one_line_of_plain_text(bot: RunningBot, comment: str) -> None:
    with pytest.raises(DecisionError):
        answers(bot).object_to(ASK, "one", comment, by="Ben")
    assert bot.store.objections.standing() == ()


@attack(
    Attacker.APPROVER,
    tried="a text is changed while somebody reads it, so that their no is for other words",
    comes_of_it="refused: they read it again",
)
def test_a_no_is_for_what_was_read(bot: RunningBot) -> None:
    seen = frozenset({bot.row().fingerprint})
    bot.write(post("one", at=NINE, words="another text for this one day"))
    bot.watch()

    with pytest.raises(DecisionError, match="changed since you read it"):
        answers(bot).object_to(REFUSE, "one", "no", by="Ben", seen=seen)


@attack(
    Attacker.SHELL,
    tried="a backup from before an answer is brought back",
    comes_of_it="the log beside the database knows: objections stand again, and what was taken back"
    " stays taken back",
    remains="nothing is known where the log beside the database is lost too",
)
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_a_restore_forgets_no_answer(bot: RunningBot, answer: Objecting) -> None:
    backup = bot.folder / "backup.db"
    bot.store.backup(backup)
    answer(answers(bot))
    standing = {each.key for each in bot.store.objections.standing()}

    bot.bring_back(backup)

    assert {each.key for each in bot.store.objections.standing()} == standing
    assert "Ben" not in {each.by for each in bot.store.approvals.standing(post_id="one")}
    assert bot.store.audit_problems() == []
    assert comes_due(bot) == []


def access(bot: RunningBot) -> Access:
    enlist(bot.store, "olga", role=Role.OPERATOR)
    return Access(bot.store, bot.clock, Passwords(WEAK))


@attack(
    Attacker.APPROVER,
    tried="an operator removes the approver who asked for a change, so that the post goes out",
    comes_of_it="the request stands until the post is edited",
    remains="an operator who takes the role of an approver away lifts their requests, in the log",
)
def test_removing_who_asked_for_a_change_sends_nothing(bot: RunningBot) -> None:
    enlist(bot.store, "cy")
    answers(bot).object_to(ASK, "one", "Name the year.", by="cy")

    access(bot).remove("cy", by="olga")

    assert comes_due(bot) == []
    assert bot.row().reason is HoldReason.CHANGE_ASKED


@attack(
    Attacker.APPROVER,
    tried="a user gets the name of an approver who was removed, and so their approvals",
    comes_of_it="only what was given since the user was made counts; they may approve themselves",
)
def test_a_name_given_anew_brings_no_approvals(bot: RunningBot) -> None:
    bot.clock.advance(MINUTE)
    users = access(bot)
    enlist(bot.store, "cy")
    bot.desk.approve("one", by="cy")
    for name in ("Ann", "cy"):
        users.remove(name, by="olga")
    bot.clock.advance(MINUTE)
    users.add("cy", frozenset({Role.APPROVER}), "four words are quite enough", by="olga")
    assert bot.desk.consents.of(bot.row().publication).by == {"Ben"}

    bot.desk.approve("one", by="cy")

    assert bot.desk.consents.of(bot.row().publication).by == {"Ben", "cy"}
    assert comes_due(bot) != []
