"""Hiding replies and revoking quotes: by decision, in the log, and nothing of others is kept."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from bot.authority.users import Role
from bot.canonical import sha256_hex
from bot.delivery.interactions import Interactions
from bot.delivery.model import State
from bot.errors import DecisionError, UnavailableError
from bot.platforms.base import Platform
from bot.platforms.registry import PLATFORMS
from bot.platforms.spec import PlatformSpec
from bot.platforms.status import PostRef
from tests.fakes.browser import PASSWORD
from tests.fakes.running_bot import NINE, RunningBot, post, thread
from tests.fakes.shipped import WEAK, serving

ADDRESS = "https://elsewhere.example/@somebody/7"


@dataclass
class Answerable:
    """A platform on which only this can be done."""

    spec: PlatformSpec
    error: Exception | None = None
    done: list[tuple[str, str, str]] = field(default_factory=list)

    def hide_reply(self, ref: PostRef, address: str) -> None:
        self._do("hide", ref, address)

    def revoke_quote(self, ref: PostRef, address: str) -> None:
        self._do("revoke", ref, address)

    def _do(self, what: str, ref: PostRef, address: str) -> None:
        if self.error is not None:
            raise self.error
        self.done.append((what, ref.id, address))


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBot]:
    bot = RunningBot(tmp_path_factory.mktemp("out"))
    bot.start_approved(post("p", at=NINE), thread("t", 3, at=NINE.replace(minute=30)))
    bot.finish()
    yield bot
    bot.stop()


def interactions(bot: RunningBot, platform: Any) -> Interactions:
    return Interactions(bot.store, bot.clock, lambda _account: platform)


def platform_that(*, hides_replies: bool = False, revokes_quotes: bool = False) -> Answerable:
    spec = PLATFORMS["mastodon"].spec
    return Answerable(replace(spec, hides_replies=hides_replies, revokes_quotes=revokes_quotes))


def test_a_reply_is_hidden_below_the_first_status_of_its_thread(bot: RunningBot) -> None:
    platform = platform_that(hides_replies=True)
    first, second, *_ = bot.rows("t", State.SENT)

    interactions(bot, platform).decide(
        second, "hide reply", f"{ADDRESS}/?a=1", by="Ann", why="hate"
    )

    assert platform.done == [("hide", first.remote_id, ADDRESS)]


def test_a_quote_is_revoked_of_the_status_itself(bot: RunningBot) -> None:
    platform = platform_that(revokes_quotes=True)
    second = bot.rows("t", State.SENT)[1]

    interactions(bot, platform).decide(second, "revoke quote", ADDRESS, by="Ann", why="mocks")

    assert platform.done == [("revoke", second.remote_id, ADDRESS)]


def test_the_log_keeps_who_decided_and_nothing_of_others(bot: RunningBot) -> None:
    row = bot.rows("p", State.SENT)[0]
    decides = interactions(bot, platform_that(hides_replies=True))

    decides.decide(row, "hide reply", ADDRESS, by="Ann", why="a threat")

    logged = bot.store.audit.rows(limit=1)[0]
    assert (logged.who, logged.verb, logged.subject, logged.why) == (
        "Ann", "hide reply", row.id, "a threat",
    )  # fmt: skip
    assert logged.detail == {
        "post": "p", "account": "m", "done": True, "address_sha256": sha256_hex(ADDRESS),
    }  # fmt: skip
    assert "somebody" not in json.dumps(bot.store.audit.raw(), default=str)


def test_what_did_not_work_is_logged_as_not_done(bot: RunningBot) -> None:
    platform = platform_that(revokes_quotes=True)
    platform.error = UnavailableError("mastodon", "down")

    row = bot.row("p")

    with pytest.raises(DecisionError, match="not done: mastodon: down"):
        interactions(bot, platform).decide(row, "revoke quote", ADDRESS, by="Ann", why="")

    assert bot.store.audit.rows(limit=1)[0].detail["done"] is False


@pytest.mark.parametrize(
    ("verb", "address", "state", "told"),
    [
        ("hide reply", ADDRESS, State.SENT, "Mastodon has no way to hide a reply; report it"),
        ("revoke quote", ADDRESS, State.SENT, "no way to revoke a quote"),
        ("hide reply", "7", State.SENT, "give the address of the page"),
        ("hide reply", ADDRESS, State.PLANNED, "only what is out is answered"),
    ],
)
def test_what_cannot_be_done_is_refused_and_not_logged(
    bot: RunningBot, verb: Any, address: str, state: State, told: str
) -> None:
    before = bot.store.audit.head()
    row = replace(bot.rows("p")[0], state=state)

    with pytest.raises(DecisionError, match=told):
        interactions(bot, platform_that()).decide(row, verb, address, by="Ann", why="")

    assert bot.store.audit.head() == before


def test_an_account_that_is_gone_is_named(bot: RunningBot) -> None:
    def gone(account: str) -> Platform:
        raise KeyError(account)

    row, decides = bot.row("p"), Interactions(bot.store, bot.clock, gone)

    with pytest.raises(DecisionError, match="m is not in use any more"):
        decides.decide(row, "hide reply", ADDRESS, by="Ann", why="")


# -- what is approved


@pytest.fixture(scope="module")
def on_bluesky(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBot]:
    bot = RunningBot(tmp_path_factory.mktemp("bluesky"))
    bot.use(b="{platform: bluesky, handle: b.example, replies: followers, owner: Us, "
            "consent: {by: Us, on: 2026-01-01}}")  # fmt: skip
    bot.start()
    yield bot
    bot.stop()


def test_who_may_answer_is_part_of_what_is_approved(on_bluesky: RunningBot) -> None:
    bot = on_bluesky

    def fingerprint(*lines: str) -> str:
        bot.write(post("q", *lines, at=NINE.replace(hour=12)))
        bot.watch()
        bot.work()
        return bot.row("q").fingerprint

    everyone = fingerprint("replies: everyone")
    assert fingerprint("replies: followers") == fingerprint() != everyone
    limited = fingerprint("replies: nobody")
    assert len({everyone, limited, fingerprint("replies: nobody", "quotes: nobody")}) == 3
    assert bot.row("q").status.controls == "replies: nobody · quotes: nobody"


def test_an_account_s_own_word_holds_where_a_post_says_nothing(on_bluesky: RunningBot) -> None:
    bot = on_bluesky
    bot.write(
        post("q", at=NINE.replace(hour=12)),
        post("r", "replies: everyone", at=NINE.replace(hour=13)),
    )
    bot.watch()
    bot.work()

    assert [row.status.replies for row in bot.rows()] == ["followers", ""]


def test_a_server_that_cannot_limit_quotes_gets_no_post_that_asks_for_it(bot: RunningBot) -> None:
    bot.servers["m"].limits = replace(PLATFORMS["mastodon"].spec.limits, quotes=())
    bot.services.verifier.look("m")
    bot.write(post("q", "quotes: nobody", at=NINE.replace(hour=12)))
    bot.watch()
    bot.work()

    assert bot.rows("q") == []
    assert "m's server cannot let nobody quote it" in " ".join(
        problem.message for problem in bot.services.contents.warnings()
    )
    bot.servers["m"].limits = None
    bot.services.verifier.look("m")


def test_a_correction_is_answered_by_whom_its_original_may_be(bot: RunningBot) -> None:
    bot.write(post("q", "quotes: nobody", at=NINE.replace(hour=12)))
    bot.watch()
    bot.work()
    bot.approve("q")
    bot.wait(NINE.replace(hour=12, minute=1))

    (row,) = bot.dashboard.corrections.correct("q", "Four signed it.", by="Ann", why="We erred.")

    assert row.status.quotes == "nobody"


# -- on the dashboard


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBot]:
    """Return a bot on whose networks a post is out, and which serves its dashboard."""
    bot = RunningBot(tmp_path_factory.mktemp("desk"))
    bot.use("m", "b", "x")
    bot.start_approved(post("p", at=NINE))
    bot.wait(NINE)
    bot.dashboard.access.passwords.hasher = WEAK
    for name, role in (("anna", Role.APPROVER), ("edna", Role.EDITOR)):
        bot.dashboard.access.add(name, frozenset({role}), PASSWORD, by="test")
    with serving(bot):
        yield bot
    bot.stop()


def test_an_approver_does_on_each_network_what_it_can(desk: RunningBot) -> None:
    browser = desk.browser()
    browser.sign_in("anna")

    page = browser.get("/posts/p")

    choices = re.findall(r'<option value="([^"]+)">([^<]+)<', page.text)
    assert [words for _value, words in choices] == [
        "Hide a reply on b", "Hide a reply on x, booked at $0.20",
        "Revoke a quote on b", "Revoke a quote on m",
    ]  # fmt: skip
    assert "names no price: the budget counts the dearest" in page.text
    fields = {"address": ADDRESS, "why": "a threat"}
    for value, _words in choices:
        answer = browser.post("/posts/p/turn-away", {"choice": value, **fields})
        assert answer.status == 303, answer.text
    done = {name: len(server.turned_away) for name, server in desk.servers.items()}
    assert done == {"m": 1, "b": 2, "x": 1}


def test_an_editor_may_not_and_sees_no_form(desk: RunningBot) -> None:
    browser = desk.browser()
    browser.sign_in("edna")
    row = desk.rows("p")[0]

    assert "turn-away" not in browser.get("/posts/p").text
    fields = {"choice": f"hide reply/{row.id}", "address": ADDRESS, "why": "a threat"}
    before = len(desk.servers["m"].turned_away)
    assert browser.post("/posts/p/turn-away", fields).status == 403
    assert len(desk.servers["m"].turned_away) == before


@pytest.mark.parametrize("choice", ["hide reply/", "mock/{id}", ""])
def test_a_choice_that_there_is_not_is_refused(desk: RunningBot, choice: str) -> None:
    browser = desk.browser()
    browser.sign_in("anna")
    fields = {"choice": choice.format(id=desk.rows("p")[0].id), "address": ADDRESS, "why": "w"}

    assert browser.post("/posts/p/turn-away", fields).status in {400, 409}


def test_nothing_is_hidden_while_all_is_paused(desk: RunningBot) -> None:
    desk.desk.pause("an attack", by="anna")
    row, platform = desk.rows("p")[0], desk.services.publisher.platform

    with pytest.raises(DecisionError, match="paused"):
        Interactions(desk.store, desk.clock, platform).decide(
            row, "revoke quote", ADDRESS, by="anna", why="a threat"
        )
