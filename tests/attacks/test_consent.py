"""Attacks on the yes of people: who gives it, for which words, and whether it still counts."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
from sqlalchemy import text
from starlette.datastructures import ImmutableMultiDict

from bot.authority.approvals import Approval
from bot.authority.passkeys import Site
from bot.authority.signing_in import Visitor
from bot.authority.user_table import Passkey
from bot.authority.users import Person, Role
from bot.cli.main import VERBS, root, run
from bot.delivery.answers import ASK, REFUSE, Answers
from bot.delivery.consent import challenge_of
from bot.delivery.model import HoldReason, State
from bot.errors import DecisionError, UnavailableError, UnconfirmedError
from bot.settings.environment import Settings
from bot.web.pages.post import page as post_page
from bot.web.rendering import environment, rendered
from bot.web.request import Page, RequestContext
from tests.attacks.attack import Attacker, attack
from tests.fakes.authenticator import PRESENT, Authenticator, b64
from tests.fakes.people import token_of
from tests.fakes.running_bot import APPROVERS, MINUTE, NINE, RunningBot, enlist, post
from tests.fakes.scripted import PublishCall

DESK = "https://desk.example"
TIMES = {"one": NINE, "two": NINE + MINUTE}


def sql(bot: RunningBot, statement: str, **values: object) -> None:
    """Change the database past the program, as who stole it does."""
    with bot.store._db.write() as connection:
        for one in statement.split(";"):
            connection.execute(text(one), values)


def comes_due(bot: RunningBot) -> State:
    """Let nine o'clock come; return where the one delivery then is."""
    bot.wait(NINE + MINUTE)
    return bot.row("one").state


# Approvals that need no signature


@attack(
    Attacker.APPROVER,
    tried="an approver who is removed, or loses the role, after the yes",
    comes_of_it="the yes counts no more, at the sending too",
)
@pytest.mark.parametrize("how", ["removed", "another role"])
def test_only_the_yes_of_who_is_an_approver_now_counts(bot: RunningBot, how: str) -> None:
    if how == "removed":
        bot.store.users.remove("Ben")
    else:
        bot.store.users.change("Ben", roles=frozenset({"editor"}))

    assert comes_due(bot) is State.HELD
    assert bot.row().reason_text == "unapproved: 1 of 2"


@attack(
    Attacker.SHELL,
    tried="`approve --as` with two invented names",
    comes_of_it="there are no such users; nothing is approved",
)
def test_an_invented_name_approves_nothing(
    new_bot: RunningBot, capsys: pytest.CaptureFixture[str]
) -> None:
    new_bot.start_with(post("one", at=NINE))

    for name in ("mallory", "eve"):
        assert decide(new_bot, "approve", "one", "--as", name) == 1
        assert "there is no user" in capsys.readouterr().err
    assert new_bot.desk.consents.of(new_bot.row().publication).count == 0


def decide(bot: RunningBot, *words: str) -> int:
    return run([*words, *bot.places])


DECISIONS = {
    "ask-change": ("ask-change", "one", "--comment", "x"), "withdraw": ("withdraw", "one"),
    "refuse": ("refuse", "one", "--comment", "x"), "comment": ("comment", "one", "--comment", "x"),
    "approve": ("approve", "one"), "resume": ("resume",), "resolve": ("resolve", "a", "send"),
    "retry": ("retry", "a"), "cancel": ("cancel", "a"), "accept-config": ("accept-config",),
    "correct": ("correct", "one", "--text", "x", "--why", "x"),
    "retract": ("retract", "one", "--why", "x"), "republish": ("republish", "one", "m"),
    "user add": ("user", "add", "eve", "--role", "operator"),
    "user roles": ("user", "roles", "Ann", "--role", "operator"),
    "user password": ("user", "password", "Ann"), "user remove": ("user", "remove", "Ann"),
    "user sign-out": ("user", "sign-out", "Ann"), "user reset": ("user", "reset", "Ann"),
    "hide-reply": ("hide-reply", "a", "x"), "revoke-quote": ("revoke-quote", "a", "x"),
    "publish-source": ("publish-source", "m", "letter"),
    "archive link-copy": ("archive", "link-copy", "known"),
    "report": ("report",), "contact address": ("contact", "address", "Ann", "--forget"),
    "contact back": ("contact", "back", "Ann"),
    "contact away": ("contact", "away", "Ann", "--until", "2099-01-01", "--substitute", "Ben"),
    "user token": ("user", "token", "--label", "x"), "user pin": ("user", "pin", "Ann", "x"),
    "user unpin": ("user", "unpin", "Ann"), "probe": ("probe", "m"), "login": ("login", "m"),
}  # fmt: skip


@attack(
    Attacker.SHELL,
    tried="a decision of the command line in the name of somebody else, without their proof",
    comes_of_it="every verb but `pause` asks for that user's password or token",
    remains="a stolen token decides as its user until it is revoked, 90 days at most; it changes no"
    " user",
)
@pytest.mark.parametrize("words", DECISIONS.values(), ids=DECISIONS)
def test_no_verb_decides_in_a_borrowed_name(
    bot: RunningBot,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
) -> None:
    before = bot.store.audit.head()

    assert decide(bot, *words, "--as", "Ann") == 1
    assert "prove that you are Ann" in capsys.readouterr().err
    monkeypatch.setenv("VERBATIM_TOKEN", "verbatim_" + "x" * 43)
    assert decide(bot, *words, "--as", "Ann") == 1
    assert re.search("does not stand for Ann|by the password, no token", capsys.readouterr().err)
    assert bot.store.audit.head() == before


@attack(
    Attacker.SHELL,
    tried="a stolen token makes its successor, gives anybody another password, role or key, or"
    " makes or removes users",
    comes_of_it="each asks for the password; another password, or a sign-out, ends every token",
    remains="an operator's token signs people out, until it is revoked",
)
@pytest.mark.parametrize("words", [
    *((*DECISIONS[name], "--as", "anna") for name in DECISIONS
      if name.startswith(("user", "contact")) and name != "user sign-out"),
    ("user", "password", "anna", "--as", "anna"),
    ("user", "password", "anna", "--as", "ANNA"),
])  # fmt: skip
def test_a_token_makes_nothing_that_outlasts_it(
    bot: RunningBot,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
) -> None:
    monkeypatch.setenv("VERBATIM_TOKEN", token_of(bot.store, bot.clock, "anna"))

    assert decide(bot, *words) == 1

    assert "by the password, no token" in capsys.readouterr().err


@attack(
    Attacker.SHELL,
    tried="a stolen token is used after its user, or an operator, signed them out",
    comes_of_it="that ends tokens as it ends sessions",
)
def test_a_sign_out_ends_tokens(
    bot: RunningBot, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERBATIM_TOKEN", token_of(bot.store, bot.clock, "anna"))
    assert decide(bot, "user", "sign-out", "anna", "--as", "anna") == 0

    assert decide(bot, *DECISIONS["resume"], "--as", "anna") == 1
    assert "does not stand for anna" in capsys.readouterr().err
    assert bot.store.audit_problems() == []


@attack(
    Attacker.VISITOR,
    tried="the calendar's secret address, copied or on a lost device, is read after its user "
    "signed out everywhere, was reset or got another password",
    comes_of_it="each of these ends it, as it ends tokens",
)
@pytest.mark.parametrize("how", ["sign_out_everywhere", "reset", "set_password"])
def test_a_calendar_s_address_ends_with_tokens(new_bot: RunningBot, how: str) -> None:
    new_bot.start_with(post("one", at=NINE))
    access = new_bot.dashboard.access
    key = access.new_feed_key(Person("Ann", frozenset({Role.APPROVER})))
    assert access.person_of_feed(key) is not None

    given = ("another good phrase of words",) if how == "set_password" else ()
    getattr(access, how)("Ann", *given, by="Ann")

    assert access.person_of_feed(key) is None
    assert new_bot.store.audit_problems() == []


@attack(
    Attacker.SHELL,
    tried="a verb that decides, but was left out when proofs came",
    comes_of_it="there is none: each that takes `--as` is tried here",
)
def test_each_verb_that_takes_a_name_is_tried_above() -> None:
    found, context = set(), click.Context(root)
    for name in VERBS:
        verb = root.get_command(context, name)
        assert verb
        for sub in verb.commands.values() if isinstance(verb, click.Group) else [verb]:
            if any("--as" in option.opts for option in sub.params):
                found.add(name if sub is verb else f"{name} {sub.name}")

    assert found == {*DECISIONS, "pause"}


@attack(
    Attacker.APPROVER,
    tried="an approver's token resumes, settles, confirms the configuration or a destination",
    comes_of_it="a token stands for its user, who has the rights of their roles and no others",
)
@pytest.mark.parametrize("verb", ["resume", "retry", "cancel", "accept-config", "login"])
def test_a_token_gives_no_right_that_its_user_lacks(
    bot: RunningBot, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    token = token_of(bot.store, bot.clock, "Ann", frozenset({Role.APPROVER}))
    monkeypatch.setenv("VERBATIM_TOKEN", token)

    assert decide(bot, *DECISIONS[verb], "--as", "Ann") == 1
    assert "Ann may not" in capsys.readouterr().err


@attack(
    Attacker.SHELL,
    tried="`pause` in the name of somebody else, so that the log blames them",
    comes_of_it="anyone may pause; the log and the page say that the name is not proved",
)
def test_a_pause_in_a_borrowed_name_says_so(
    bot: RunningBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert decide(bot, "pause", "--reason", "x", "--as", "Ann") == 0
    paused = bot.store.pauses.current()
    assert paused is not None
    assert paused.by == bot.store.audit.rows()[0].who == "Ann (not proved)"


@attack(
    Attacker.GIT,
    tried="`author:` names nobody, or an invented person, and the true author approves",
    comes_of_it="one approval more is needed, so as many others as ever have read it",
    remains="an author who names another user as the author: a second person still approves",
)
@pytest.mark.parametrize("line", ["author: nobody-here", "author: Anne"])
def test_an_unknown_author_needs_one_approval_more(new_bot: RunningBot, line: str) -> None:
    new_bot.start_approved(post("one", line, at=NINE))

    assert comes_due(new_bot) is State.HELD
    assert new_bot.row().reason_text == "unapproved: 2 of 3"


@attack(
    Attacker.APPROVER,
    tried="the author approves under their name in other capitals and widths",
    comes_of_it="refused: it is the same person",
)
@pytest.mark.parametrize("author", ["Ann", "ANN", "ann", " Ａｎｎ"])
def test_nobody_approves_their_own_post(new_bot: RunningBot, author: str) -> None:
    new_bot.start_with(post("one", f'author: "{author}"', at=NINE))

    with pytest.raises(DecisionError, match="somebody else must approve it"):
        new_bot.approve("one", by=["Ann"])


@attack(
    Attacker.DATABASE,
    tried="rows of approvals by simulated approvers in a live database",
    comes_of_it="they count in rehearsals only",
)
def test_a_simulated_yes_is_none_in_live_mode(new_bot: RunningBot) -> None:
    new_bot.start_with(post("one", at=NINE))
    row = new_bot.row()
    for number in (1, 2):
        new_bot.store.approvals.approve(
            Approval(row.fingerprint, "one", f"simulated approver {number}", "", {}, NINE)
        )

    assert comes_due(new_bot) is State.HELD


# Signed approvals


@dataclass
class Signed:
    """A live bot whose campaign wants signatures, and two people with pinned passkeys."""

    bot: RunningBot
    keys: dict[str, Authenticator]

    def sign(self, name: str, *, key: Authenticator | None = None) -> str:
        """Return a passkey's answer to what this person would approve."""
        bot = self.bot
        statement = bot.desk.consents.statement(bot.desk.waiting("one"))
        return (key or self.keys[name]).answer_to(challenge_of(statement), "desk.example")

    def approve(self, *names: str) -> None:
        for name in names:
            self.bot.desk.approve("one", by=name, signature=self.sign(name))


@pytest.fixture
def signed(new_bot: RunningBot) -> Signed:
    """Return a bot that was started with one post, which nobody has approved yet."""
    return sign_in(new_bot)


def sign_in(new_bot: RunningBot) -> Signed:
    """Start it so, with two approvers' passkeys pinned on its machine."""
    new_bot.set("approvals_required: 2", "approvals_required: 2\napprovals: {signed: required}")
    new_bot.use("m", "b")
    written = (post(name, "accounts: [m]", at=at) for name, at in TIMES.items())
    new_bot.start_with(*written)
    keys = {}
    for name in APPROVERS:
        keys[name] = Authenticator(DESK)
        known = Passkey(b64(keys[name].key_id), name, "grey", DESK, keys[name].public_key, 0, NINE)
        new_bot.store.passkeys.add(known)
        new_bot.store.keys.pin((known,), known.code)
    return Signed(new_bot, keys)


@attack(
    Attacker.DATABASE,
    tried="what two people signed, with nothing changed",
    comes_of_it="it alone goes out",
)
def test_what_two_people_signed_goes_out(signed: Signed) -> None:
    signed.approve(*APPROVERS)

    assert comes_due(signed.bot) is State.SENT


@attack(
    Attacker.SHELL,
    tried="`approve` on the command line where approvals are signed",
    comes_of_it="refused: only a passkey on the desk signs",
)
def test_without_a_signature_nothing_is_approved(signed: Signed) -> None:
    with pytest.raises(DecisionError, match="by your passkey"):
        signed.bot.desk.approve("one", by="Ann")


Forgery = Callable[[Signed], None]


def forge(bot: RunningBot, by: str, statement: str, signature: str) -> None:
    row = bot.row("one")
    bot.store.approvals.approve(
        Approval(row.fingerprint, "one", by, "", {}, NINE, statement, signature)
    )


def insert(signed: Signed, by: str, *, like: str = "", fingerprint: str = "") -> None:
    """Write an approval into the database, with the signature of somebody's real one."""
    bot, real = signed.bot, signed.bot.store.approvals.standing(post_id="one")
    source = next((given for given in real if given.by == like), None)
    bot.store.approvals.approve(
        Approval(
            fingerprint or bot.row("one").fingerprint, "one", by, "", {}, bot.clock.now(),
            source.statement if source else None, source.signature if source else None,
        )
    )  # fmt: skip


def one_real(signed: Signed) -> None:
    signed.approve("Ann")


def plain_rows(signed: Signed) -> None:
    for name in APPROVERS:
        insert(signed, name)


def a_copied_signature(signed: Signed) -> None:
    one_real(signed)
    insert(signed, "Ben", like="Ann")


def an_invented_approver(signed: Signed) -> None:
    one_real(signed)
    eve = Authenticator(DESK)
    enlist(signed.bot.store, "eve")
    key = Passkey(b64(eve.key_id), "eve", "x", DESK, eve.public_key, 0, NINE)
    signed.bot.store.passkeys.add(key)
    signature = signed.sign("eve", key=eve)
    statement = signed.bot.desk.consents.statement(signed.bot.desk.waiting("one"))
    forge(signed.bot, "eve", statement, signature)


def a_swapped_key(signed: Signed) -> None:
    one_real(signed)
    eve = Authenticator(DESK)
    sql(signed.bot, "UPDATE passkey SET public_key = :key WHERE user = 'Ben'", key=eve.public_key)
    statement = signed.bot.desk.consents.statement(signed.bot.desk.waiting("one"))
    forge(signed.bot, "Ben", statement, signed.sign("Ben", key=eve))


def a_renamed_user(signed: Signed) -> None:
    one_real(signed)
    insert(signed, "Ben", like="Ann")
    sql(signed.bot, "UPDATE approval SET by = 'ann' WHERE by = 'Ben'")


def no_user_verification(signed: Signed) -> None:
    one_real(signed)
    signed.keys["Ben"].flags = PRESENT
    statement = signed.bot.desk.consents.statement(signed.bot.desk.waiting("one"))
    forge(signed.bot, "Ben", statement, signed.sign("Ben"))


def rubbish(signed: Signed) -> None:
    for name, junk in zip(APPROVERS, ("[]", '{"id": 1}'), strict=True):
        forge(signed.bot, name, junk, junk)


def of_a_rehearsal(signed: Signed) -> None:
    bot = signed.bot
    live = bot.desk.consents.statement(bot.desk.waiting("one"))
    statement = live.replace('"mode":"live"', '"mode":"rehearsal"')
    for name, key in signed.keys.items():
        answer = key.answer_to(challenge_of(statement), "desk.example")
        forge(bot, name, statement, answer)


@attack(
    Attacker.DATABASE,
    tried="approvals written into the database: plain, copied, of invented approvers, of swapped "
    "keys, without the user's gesture, of a rehearsal, as rubbish",
    comes_of_it="the gate counts none: each lacks the signature of a key that is pinned outside",
)
@pytest.mark.parametrize(
    "forgery",
    [plain_rows, a_copied_signature, an_invented_approver, a_swapped_key, a_renamed_user,
     no_user_verification, of_a_rehearsal, rubbish],
)  # fmt: skip
def test_no_row_in_the_database_is_a_yes(signed: Signed, forgery: Forgery) -> None:
    forgery(signed)

    assert comes_due(signed.bot) is State.HELD
    assert signed.bot.row("one").reason is HoldReason.UNAPPROVED


#: SQL by what it changes after two people have signed.
EDITS = {
    "the words": "UPDATE delivery SET status_json = replace(status_json, 'onea', 'EVIL')",
    "the account": "UPDATE publication SET account = 'b' WHERE post_id = 'one';"
    "UPDATE delivery SET account = 'b' WHERE publication_id IN"
    " (SELECT id FROM publication WHERE post_id = 'one')",
    "the author": "UPDATE publication SET author = 'eve' WHERE post_id = 'one'",
    "the time": "UPDATE publication SET due_at = due_at - 60000000 WHERE post_id = 'one'",
    "the post": "UPDATE publication SET post_id = 'one ' WHERE post_id = 'one'",
    "which post the yes is for": "UPDATE approval SET fingerprint = (SELECT fingerprint FROM"
    " publication WHERE post_id = 'two')",
}


@attack(
    Attacker.DATABASE,
    tried="the words, account, author or time of a post are changed after it was signed",
    comes_of_it="held: what would be sent is not what was signed",
    remains="a queued post may be moved to another time",
)
@pytest.mark.parametrize("what", EDITS)
def test_what_was_signed_is_all_that_goes_out(signed: Signed, what: str) -> None:
    signed.approve(*APPROVERS)
    sql(signed.bot, EDITS[what])

    signed.bot.wait(NINE + 2 * MINUTE)

    assert not signed.bot.rows("one", State.SENT)
    assert not [words for server in signed.bot.servers.values() for words in server.texts]


@attack(
    Attacker.DATABASE,
    tried="a draft of other words is put beside a signed post, as for a second try",
    comes_of_it="held: the sent log, which is outside the database, knows of no such draft",
)
def test_no_draft_out_of_the_database_is_sent(signed: Signed) -> None:
    signed.approve(*APPROVERS)
    row = signed.bot.row("one")
    draft = json.dumps({"key": row.id, "wire": {"text": "EVIL"}})
    sql(signed.bot, "UPDATE delivery SET draft_json = :draft, attempts = 1", draft=draft)

    assert comes_due(signed.bot) is State.HELD
    assert not signed.bot.servers["m"].texts


def page_of(signed: Signed, post_id: str) -> str:
    """Return a post's page, as Ann sees it on the desk."""
    context = signed.bot.dashboard
    person = Person("Ann", frozenset({Role.APPROVER}))
    request = RequestContext(
        context, f"/posts/{post_id}", {"post": post_id}, ImmutableMultiDict(), ImmutableMultiDict(),
        None, "s" * 40, person, Visitor(), Site(DESK),
    )  # fmt: skip
    page = post_page(request)
    assert isinstance(page, Page)
    return html.unescape(rendered(environment(context.specs), request, page))


@attack(
    Attacker.DATABASE,
    tried="the words that are planned are changed while their approvers read what the files say, "
    "so that they sign what they do not see",
    comes_of_it="the desk shows what would be sent, with a warning: it is what they sign",
)
@pytest.mark.parametrize("what", ["the words", "the author"])
def test_what_is_signed_is_what_is_shown(signed: Signed, what: str) -> None:
    warning = "What waits is not what the files say now"
    assert warning not in page_of(signed, "one")

    sql(signed.bot, EDITS[what])
    page = page_of(signed, "one")

    assert warning in page
    looks = page.partition('class="looks')[2].partition("</section>")[0]
    assert ("EVIL" in looks) is (what == "the words")
    statement = signed.bot.desk.consents.statement(signed.bot.desk.waiting("one"))
    assert b64(challenge_of(statement)) in page


@attack(
    Attacker.DATABASE,
    tried="a signed post, the rest of a signed thread or a signed correction is made an answer to "
    "somebody else's status",
    comes_of_it="held: it answers what its conversation has before it, where the sent log, outside "
    "the database, knows that it is",
    remains="on replicas: what another one sent, which this one's log does not have",
)
@pytest.mark.parametrize("which", ["a post", "a thread", "a correction", "nothing"])
def test_what_is_signed_answers_nobody_else(signed: Signed, which: str) -> None:
    bot, server = signed.bot, signed.bot.servers["m"]
    strange = "UPDATE delivery SET state = 'SENT', remote_id = 'V', sent_at = 1 WHERE id = :id"
    if which in {"a thread", "nothing"}:
        words = " ".join(f"one{number}" for number in range(120))
        bot.write(post("one", "thread: true", "accounts: [m]", at=NINE, words=words))
        bot.watch()
        fails = UnavailableError("mastodon", "503")
        server.steps.append(PublishCall(meanwhile=lambda: server.unprepared.append(fails)))
    signed.approve(*APPROVERS)
    if which == "a post":
        first = next(row for row in bot.rows() if row.post_id == "two")
        answer = "UPDATE delivery SET parent_id = :id WHERE id = :own"
        sql(bot, f"{strange}; {answer}", id=first.id, own=bot.row("one").id)
    bot.wait(NINE)
    sent = len(server.texts)
    if which == "a thread":
        sql(bot, strange, id=bot.rows("one")[0].id)
    elif which == "a correction":
        (made,) = bot.dashboard.corrections.correct("one", "It is two.", by="Ed", why="one")
        statement = bot.desk.consents.statement(bot.desk.waiting(made.post_id))
        for name, key in signed.keys.items():
            answer = key.answer_to(challenge_of(statement), "desk.example")
            bot.desk.approve(made.post_id, by=name, signature=answer)
        sql(bot, strange, id=bot.row("one").id)

    bot.wait(NINE + 2 * MINUTE)

    answered = [status.parent for status in server.live[sent:]]
    assert answered == ([server.live[0].id] if which == "nothing" else [])
    held = [row for row in bot.rows() if row.state is State.HELD and row.post_id != "two"]
    assert [row.reason for row in held] == [HoldReason.UNAPPROVED] * (which != "nothing")


@attack(
    Attacker.APPROVER,
    tried="a signature for another post, another desk, or by another's passkey is handed in",
    comes_of_it="refused, and nothing is stored",
)
@pytest.mark.parametrize("how", ["another post", "another desk", "another's key"])
def test_a_signature_is_for_these_words_at_this_desk_by_this_person(
    signed: Signed, how: str
) -> None:
    bot = signed.bot
    statement = bot.desk.consents.statement(
        bot.desk.waiting("two" if how == "another post" else "one")
    )
    key = signed.keys["Ben" if how == "another's key" else "Ann"]
    origin = "https://evil.example" if how == "another desk" else ""
    answer = key.answer_to(challenge_of(statement), "desk.example", origin=origin)

    with pytest.raises(DecisionError, match="not the signature of a passkey that is pinned"):
        bot.desk.approve("one", by="Ann", signature=answer)
    assert bot.store.approvals.standing(post_id="one") == ()


@attack(
    Attacker.SHELL,
    tried="a key is pinned whose code its owner did not tell",
    comes_of_it="refused: the operator types the code that the owner told by voice",
    remains="who may write the file of keys decides whose signatures count: give it to root",
)
def test_a_key_is_pinned_by_the_code_that_its_owner_told(signed: Signed) -> None:
    eve = Authenticator(DESK)
    swapped = Passkey(b64(eve.key_id), "Ann", "grey", DESK, eve.public_key, 0, NINE)

    with pytest.raises(DecisionError, match="ask them again"):
        signed.bot.store.keys.pin((swapped,), signed.bot.store.passkeys.of("Ann")[0].code)
    assert eve.public_key not in signed.bot.store.keys.path.read_text(encoding="utf-8")


@attack(
    Attacker.APPROVER,
    tried="the passkey of a lost device signs on, or its old signatures count on",
    comes_of_it="once it is unpinned neither does",
)
def test_an_unpinned_key_signs_nothing_and_its_signatures_count_no_more(signed: Signed) -> None:
    signed.approve(*APPROVERS)
    assert signed.bot.store.keys.unpin("Ben") == 1

    with pytest.raises(DecisionError, match="pinned for you"):
        signed.bot.desk.approve("two", by="Ben", signature=signed.sign("Ben"))
    assert comes_due(signed.bot) is State.HELD


def put_back_signed(signed: Signed) -> None:
    """Bring back the row of an approval that was taken back, and say so in the log."""
    sql(signed.bot, "UPDATE approval SET voided_at = NULL WHERE by = 'Ben'")


def with_a_forged_row(signed: Signed) -> None:
    put_back_signed(signed)
    given = {"fingerprints": [signed.bot.row("one").fingerprint], "sources": {}}
    signed.bot.store.audit.write("Ben", "approve", "one", detail=given, now=NINE)


@attack(
    Attacker.DATABASE,
    tried="a signed approval that was taken back is put into force again, with a forged row of the"
    " log or without",
    comes_of_it="held: the log's copy outside the database counts how often it was taken back, and"
    " what is signed names that count",
    remains="a replica whose copy of the log never had the row",
)
@pytest.mark.parametrize("replay", [put_back_signed, with_a_forged_row])
def test_no_replay_brings_back_a_signed_yes(signed: Signed, replay: Forgery) -> None:
    signed.approve(*APPROVERS)
    Answers(signed.bot.store, signed.bot.clock).withdraw("one", by="Ben")

    replay(signed)

    assert comes_due(signed.bot) is State.HELD
    assert signed.bot.row("one").reason_text == "unapproved: 1 of 2"


@attack(
    Attacker.APPROVER,
    tried="who took a signed approval back signs the same post again",
    comes_of_it="it counts: it is signed for the count that the log has now",
)
def test_who_took_a_signed_yes_back_may_sign_again(signed: Signed) -> None:
    signed.approve(*APPROVERS)
    Answers(signed.bot.store, signed.bot.clock).withdraw("one", by="Ben")

    signed.approve("Ben")

    assert comes_due(signed.bot) is State.SENT


@attack(
    Attacker.DATABASE,
    tried="an objection is removed from the database, where approvals are signed",
    comes_of_it="held: the log's copy outside the database has it",
    remains="where approvals are not signed, people are told (`forged`) within a day; a request for"
    " a change can be lifted by a forged row of the log, a refusal cannot",
)
@pytest.mark.parametrize("kind", [ASK, REFUSE])
def test_no_row_that_is_missing_lets_an_objection_go(signed: Signed, kind: str) -> None:
    signed.approve("Ann")
    service = Answers(signed.bot.store, signed.bot.clock)
    service.object_to(kind, "one", "Name the year.", by="Ben")
    sql(signed.bot, "DELETE FROM objection")

    count = signed.bot.desk.consents.of(
        next(row for row in signed.bot.store.outbox.find() if row.post_id == "one").publication
    )

    assert count.objection is not None
    assert signed.bot.store.audit_problems()


@attack(
    Attacker.GIT,
    tried="`approvals: {signed: required}` is taken out of the schedule",
    comes_of_it="the account stops until an operator confirms it on the machine",
)
def test_who_edits_the_files_cannot_do_without_signatures(signed: Signed) -> None:
    signed.bot.set("\napprovals: {signed: required}", "")
    signed.bot.watch()
    for name in APPROVERS:
        insert(signed, name)

    assert comes_due(signed.bot) is State.HELD
    assert signed.bot.row("one").reason is HoldReason.ACCOUNT_STOPPED


def drop_what_was_confirmed(signed: Signed) -> None:
    """Write into the database that an operator confirmed the files as they are now."""
    signed.bot.watch()
    signed.bot.confirm()
    for name in APPROVERS:
        insert(signed, name)


@attack(
    Attacker.GIT,
    tried="git and the database: `signed: required` or all approvals are taken out of the schedule,"
    " and the database says that an operator confirmed it",
    comes_of_it="held: keys are pinned on the machine, so at least one signature of them is needed",
    remains="fewer signatures than the schedule asked for, down to VERBATIM_MIN_SIGNED_APPROVALS",
)
@pytest.mark.parametrize("looser", ["approvals_required: 2", "approvals_required: 0"])
def test_pinned_keys_ask_for_signatures_whatever_files_and_database_say(
    signed: Signed, looser: str
) -> None:
    signed.bot.set("approvals_required: 2\napprovals: {signed: required}", looser)
    drop_what_was_confirmed(signed)

    assert comes_due(signed.bot) is State.HELD
    assert signed.bot.row("one").reason is HoldReason.UNAPPROVED


@attack(
    Attacker.DATABASE,
    tried="the files kept in the database, which are in force while those on disk are broken, get "
    "other rules",
    comes_of_it="the same: the machine's file of keys asks for signatures",
)
def test_the_kept_files_of_the_database_cannot_do_without_signatures(signed: Signed) -> None:
    bot = signed.bot
    bot.set("campaign: test", "campaign: [")
    bot.stop()
    sql(
        bot,
        "UPDATE content_tree SET files = replace(files, 'approvals_required: 2\\napprovals: "
        "{signed: required}', 'approvals_required: 0')",
    )
    bot.start()
    assert not bot.services.contents.campaign().schedule.approvals_required
    bot.confirm()

    assert comes_due(bot) is State.HELD


@attack(
    Attacker.SHELL,
    tried="git, the database and the file of keys in the data directory are edited",
    comes_of_it="held where the environment has VERBATIM_MIN_SIGNED_APPROVALS",
    remains="who may write the environment of the service, or a file of keys that is not root's",
)
def test_the_environment_asks_for_signatures_where_no_key_is_pinned(signed: Signed) -> None:
    signed.bot.settings = Settings(min_signed_approvals=2)
    signed.bot.set("approvals_required: 2\napprovals: {signed: required}", "approvals_required: 0")
    signed.bot.store.keys.path.unlink()
    signed.bot.restart()
    drop_what_was_confirmed(signed)

    assert comes_due(signed.bot) is State.HELD
    assert "0 of 2; no key is pinned on this machine" in signed.bot.row("one").reason_text


@dataclass
class Replicas:
    """A signed post that one replica began to send, and the other one, which takes it over."""

    first: Signed
    second: RunningBot


@pytest.fixture
def replicas(postgres_url: str, tmp_path: Path) -> Iterator[Replicas]:
    for name in ("data", "other"):
        (tmp_path / name).mkdir(mode=0o700)
    bot = RunningBot(tmp_path, postgres_url)
    signed = sign_in(bot)
    signed.approve(*APPROVERS)
    bot.servers["m"].fails(UnconfirmedError("mastodon", "504"))
    bot.clock.advance(NINE - bot.clock.now())
    bot.work()
    assert bot.row("one").attempts == 1
    bot.stop()
    second = RunningBot(
        tmp_path, postgres_url, data=tmp_path / "other", tree=bot.tree, clock=bot.clock,
        platforms=bot.platforms,
    )  # fmt: skip
    yield Replicas(signed, second)
    second.stop()


@attack(
    Attacker.DATABASE,
    tried="several replicas: a draft of other words is put beside what one began to send",
    comes_of_it="another replica, whose own log lacks that draft, makes its own of what was signed",
)
@pytest.mark.server
@pytest.mark.parametrize("is_forged", [False, True])
def test_another_replica_with_the_keys_sends_what_was_signed(
    replicas: Replicas, is_forged: bool
) -> None:
    other, keys = replicas.second, replicas.first.bot.data / "approver-keys"
    (other.data / "approver-keys").write_bytes(keys.read_bytes())
    if is_forged:
        sql(other, "UPDATE delivery SET draft_json = replace(draft_json, 'onea', 'EVIL')")
    other.start()

    other.wait(NINE + 10 * MINUTE)

    assert other.row("one").state is State.SENT
    assert other.row("one").attempts == 2
    assert other.row("one").status.text in replicas.first.bot.servers["m"].texts


@attack(
    Attacker.DATABASE,
    tried="a replica without the file of keys takes over",
    comes_of_it="held; the reason says which file it lacks",
)
@pytest.mark.server
def test_a_replica_without_the_keys_says_what_it_lacks(replicas: Replicas) -> None:
    other = replicas.second
    other.start()

    other.wait(NINE + 10 * MINUTE)

    assert other.row("one").state is State.HELD
    assert (
        f"copy the others' file to {other.data / 'approver-keys'}" in other.row("one").reason_text
    )
