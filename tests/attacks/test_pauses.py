"""Attacks on a pause of a part: every way in which a post might get past it."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import delete

from bot.authority.pauses import EVERYTHING, PauseTarget
from bot.authority.tables import PauseScope
from bot.authority.tables import pause as pauses
from bot.delivery.model import HoldReason, State
from bot.errors import DecisionError, UnavailableError
from bot.planning.corrections import Corrections
from tests.attacks.attack import Attacker, attack
from tests.fakes.running_bot import DAY, MINUTE, NINE, RunningBot, post, thread
from tests.fakes.scripted import PublishCall

FAMILIES = PauseTarget(PauseScope.THEME, "families")
TARGETS = {
    "account": PauseTarget(PauseScope.ACCOUNT, "m"),
    "theme": FAMILIES,
    "language": PauseTarget(PauseScope.LANGUAGE, "zh"),
}
each_target = pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
KEYS = "theme: families", "lang: zh-Hant"


def pause(bot: RunningBot, target: PauseTarget, until: datetime | None = None) -> None:
    bot.desk.pause("news", by="Ann", target=target, until=until)


@pytest.fixture
def about(new_bot: RunningBot) -> RunningBot:
    """Return a bot with an approved post of a theme and a language, and one of neither."""
    new_bot.use("m", "b")
    new_bot.start_approved(
        post("one", *KEYS, "accounts: [m]", at=NINE), post("other", "accounts: [b]", at=NINE)
    )
    return new_bot


def let_it_come(bot: RunningBot, day: datetime = NINE) -> list[str]:
    bot.wait(day + 2 * MINUTE)
    return bot.servers["m"].texts


def spoil(bot: RunningBot) -> None:
    bot.servers["m"].fails(UnavailableError("mastodon", "refused"))


@attack(
    Attacker.EDITOR,
    tried="a post goes out in the moment in which its account, theme or language is paused, or in a"
    " second try after that",
    comes_of_it="the pause is stored before the call begins, and then nothing is sent; what is"
    " paused is held, everything else goes out",
)
@each_target
@pytest.mark.parametrize("hidden", ["before", "between gate and call", "before a second try"])
def test_what_is_paused_is_held_and_the_rest_goes_out(
    about: RunningBot, target: PauseTarget, hidden: str
) -> None:
    if hidden == "before":
        pause(about, target)
    elif hidden == "between gate and call":
        about.servers["m"].before_prepare = lambda: pause(about, target)
    else:
        spoil(about)
        about.wait(NINE)
        pause(about, target)

    assert let_it_come(about) == []
    row = about.row("one")
    assert (row.state, row.reason, row.detail) == (State.HELD, HoldReason.PAUSED, str(target))
    assert about.row("other").state is State.SENT


@attack(
    Attacker.APPROVER,
    tried="what a pause of a part holds is sent by `resolve send` or `retry`, or goes out when"
    " everything else is resumed",
    comes_of_it="refused or held; `resume` ends a pause of everything only, and names what is"
    " still paused",
)
@each_target
def test_no_decision_sends_what_is_paused(about: RunningBot, target: PauseTarget) -> None:
    about.desk.pause("a storm", by="Ben")
    pause(about, target)
    assert let_it_come(about) == []
    about.desk.resume(by="Ann")

    with pytest.raises(DecisionError, match=f"the {target} is paused; resume first"):
        about.desk.resolve(about.row("one").id, "send", by="Ann")
    about.desk.resume(by="Ann", target=target)
    about.desk.resolve(about.row("one").id, "send", by="Ann")
    pause(about, target)

    assert let_it_come(about, NINE + 10 * MINUTE) == []
    assert about.row("one").reason is HoldReason.PAUSED


@attack(
    Attacker.EDITOR,
    tried="the later parts of a thread, or a correction, of what is paused",
    comes_of_it="each part is asked for on its own, and a correction has the theme and the account"
    " of what it corrects",
    remains="a correction is in English: a pause of the language of what it corrects does not hold"
    " it; a person sends it",
)
def test_parts_and_corrections_are_paused_with_their_post(bot: RunningBot) -> None:
    bot.write(thread("one", 3, at=NINE).rstrip() + "\n    theme: families\n")
    bot.watch()
    bot.approve_all()
    bot.servers["m"].steps.append(PublishCall(meanwhile=lambda: pause(bot, FAMILIES)))

    assert len(let_it_come(bot)) == 1
    assert [row.state for row in bot.rows("one")] == [State.SENT, State.HELD, State.PLANNED]
    contents = bot.services.contents
    desk = Corrections(
        bot.store, bot.clock, lambda: contents.rendered, bot.services.publisher.platform
    )
    (row,) = desk.correct("one", "It was 2017.", by="Ann", why="a wrong year")
    bot.approve(row.post_id, by=("Ben", "Cem"))
    bot.work()

    assert bot.row(row.post_id).reason is HoldReason.PAUSED
    with pytest.raises(DecisionError, match="theme families is paused, and so is deleting"):
        desk.retract("one", by="Ann", why="a wrong year")


@attack(
    Attacker.GIT,
    tried="the theme of a post is changed while that theme is paused: no approval binds it",
    comes_of_it="what is planned keeps its theme until the pause ends",
    remains="a post that is taken out of the files and comes back in a later commit with another"
    " theme is of that theme",
)
def test_an_edit_of_the_theme_leads_nothing_out(about: RunningBot) -> None:
    pause(about, FAMILIES)
    written = about.tree.posts.joinpath("main.yaml").read_text(encoding="utf-8")
    about.tree.put("posts/main.yaml", written.replace("families", "weather"))
    about.watch()

    assert about.row("one").publication.theme == "families"
    assert let_it_come(about) == []


@attack(
    Attacker.SHELL,
    tried="a backup from before a pause is brought back, or its row is taken out of the database",
    comes_of_it="the log beside the database knows: after a restore it is paused again, and people"
    " hear of a row that is missing",
)
@pytest.mark.parametrize("target", [*TARGETS.values(), EVERYTHING], ids=[*TARGETS, "everything"])
def test_a_restore_forgets_no_pause(about: RunningBot, target: PauseTarget) -> None:
    bot = about
    backup = bot.folder / "backup.db"
    pause(bot, PauseTarget(PauseScope.ACCOUNT, "b"))
    bot.desk.resume(by="Ann", target=PauseTarget(PauseScope.ACCOUNT, "b"))
    bot.store.backup(backup)
    pause(bot, target, until=NINE + DAY)
    paused = bot.store.pauses.lasting()

    bot.bring_back(backup)

    assert bot.store.pauses.lasting() == paused
    assert bot.store.audit_problems() == []
    with bot.store._db.write() as connection:
        connection.execute(delete(pauses))
    assert bot.store.audit_problems() == [f"the database lacks the pause of {target} by Ann"]


@attack(
    Attacker.VISITOR,
    tried="a pause is shortened by another one with an earlier end, or ended by a clock that"
    " is wrong",
    comes_of_it="each pause ends on its own; by a clock that no server agrees with none does",
)
def test_nobody_shortens_a_pause(about: RunningBot) -> None:
    pause(about, FAMILIES, until=NINE + DAY)
    with pytest.raises(DecisionError, match="the theme families is paused already"):
        pause(about, FAMILIES, until=NINE)
    pause(about, FAMILIES)
    about.clock.wait(about.stopping, NINE + 2 * DAY)
    about.services.clock_guard.note_server_time("m", NINE)
    about.services.end_pauses()
    assert len(about.store.pauses.lasting()) == 2

    about.services.clock_guard.note_server_time("m", about.clock.now())
    about.services.end_pauses()
    assert [each.until for each in about.store.pauses.lasting()] == [None]
    row = about.store.audit.rows()[0]
    assert (row.who, row.verb, row.subject) == ("service", "resume", "theme families")


@attack(
    Attacker.EDITOR,
    tried="a theme is mistyped, so that people believe in a pause that holds nothing",
    comes_of_it="refused: nothing that is planned has it; the nearest one is named",
)
@pytest.mark.parametrize(
    ("scope", "value", "hint"),
    [
        (PauseScope.THEME, "famlies", "did you mean 'families'"),
        (PauseScope.ACCOUNT, "mastodon", "did you mean 'm'"),
        (PauseScope.LANGUAGE, "%", "there are: en, zh-Hant"),
        (PauseScope.LANGUAGE, "z", "no post has the language 'z'"),
    ],
)
def test_a_word_that_was_mistyped_is_no_pause(
    about: RunningBot, scope: PauseScope, value: str, hint: str
) -> None:
    with pytest.raises(DecisionError, match=hint):
        about.desk.pause_target(scope, value, None)
    assert about.desk.pause_target(PauseScope.LANGUAGE, "ZH-Hant", None).value == "zh-hant"
