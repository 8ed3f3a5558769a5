"""Attacks of one account's server on all others, and on what people need in an emergency."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from time import process_time
from typing import Any

import pytest

from bot import visible
from bot.app.storage import DataOwner, remember_owner
from bot.authority.trust import note_profile
from bot.cli.main import run
from bot.clock import FastClock, SystemClock
from bot.content.model import Mode
from bot.delivery.model import State
from bot.engagement.snapshots import SnapshotState
from bot.errors import UnavailableError
from bot.evidence.fetching import Hop
from bot.evidence.page_text import page_text
from bot.log import _QUERY
from bot.masking import masked
from bot.platforms.bluesky.api import _TOKEN
from bot.platforms.mastodon import SPEC as MASTODON
from bot.platforms.mastodon.comparing import differences
from bot.platforms.spec import Limits
from bot.platforms.status import PostRef
from bot.settings.environment import Settings
from tests.attacks.attack import Attacker, attack
from tests.attacks.hostile import HostileWorld
from tests.fakes.loopback import Told
from tests.fakes.people import token_of
from tests.fakes.running_bot import ACCOUNTS, DAY, MINUTE, NINE, START, RunningBot, post

OTHER = "Another line with quite different matters in each of its many parts. "
SENTENCE = "A sentence of several words that says something. "
TINY = {
    "statuses": {
        "max_characters": 1, "max_media_attachments": 1, "characters_reserved_per_url": 100_000,
    },
    "media_attachments": {
        "image_size_limit": 1, "image_matrix_limit": 1, "description_limit": 1,
        "supported_mime_types": ["image/tiff"],
    },
}  # fmt: skip


@attack(
    Attacker.SERVER,
    tried="the server tells limits of one character, one byte, one pixel, and endless addresses",
    comes_of_it="they are raised to what no real server is below; short posts still go out",
)
def test_limits_are_clamped(world: HostileWorld) -> None:
    world.good.quirks.instance_v2 = {"configuration": TINY}
    world.bot.start_approved(post("one", at=world.at))

    world.bot.wait(world.at)

    state = world.bot.store.accounts.get("m")
    assert state is not None
    # It tells no version, so it is not believed to know who may quote.
    floors: dict[str, Any] = {**MASTODON.floors, "url_length": 60, "quotes": ()}
    assert state.limits == replace(MASTODON.limits, **floors)
    assert world.bot.row().state is State.SENT


TINIEST = Limits(1, url_length=10**9, max_pictures=0, max_alt=0, max_picture_bytes=1, max_pixels=1)


@pytest.mark.parametrize(("before", "sentences"), [(500, 8), (5000, 50)])
@attack(
    Attacker.SERVER,
    tried="the server tells limits in which approved posts do not fit, perhaps after large ones",
    comes_of_it="they are left out there, and people are told; other accounts send what was"
    " approved, edits are taken up, and the service starts again",
)
def test_a_server_that_shrinks_silences_itself_only(
    new_bot: RunningBot, before: int, sentences: int
) -> None:
    new_bot.use("m", "b")
    new_bot.servers["m"].limits = replace(MASTODON.limits, max_length=before)
    new_bot.start()
    new_bot.wait(START)
    short, words = "variants: {b: {text: Short enough.}}", SENTENCE * sentences + "End"
    new_bot.write(post("one", short, at=NINE + DAY, words=words))
    new_bot.watch()
    new_bot.approve_all()
    assert new_bot.states() == {"one/b/0": "PLANNED", "one/m/0": "PLANNED"}
    new_bot.servers["m"].limits = TINIEST

    new_bot.services.verifier.look("m")
    new_bot.watch()
    assert new_bot.states() == {"one/b/0": "PLANNED"}
    new_bot.write(
        post("one", short, at=NINE + DAY, words=words),
        post("two", at=NINE + 2 * DAY),
        post("three", "accounts: [m]", at=NINE + DAY + MINUTE, words=OTHER * 5),
    )
    new_bot.watch()
    new_bot.restart()
    new_bot.wait(NINE + DAY)

    assert new_bot.states()["one/b/0"] == "SENT"
    assert "two/b/0" in new_bot.states()
    assert new_bot.services.contents.left_out()["m"] == ["one", "three"]
    new_bot.wait(NINE + 3 * DAY)
    new_bot.set("coalition: []", "coalition: []\nquiet: [2026-12-24]")
    new_bot.watch()  # what never went out there is long past by now
    told = {matter.key: matter.text for matter in new_bot.services.status().matters}
    assert told["misfit/m"].endswith(": one, three")


@attack(
    Attacker.SERVER,
    tried="the server answers nothing but errors for days, or lies about everything it may",
    comes_of_it="its account waits or stops; the others send in time",
)
def test_a_server_that_is_down_holds_nobody_up(new_bot: RunningBot) -> None:
    new_bot.use("m", "b")
    new_bot.start_approved(post("one", at=NINE), post("two", at=NINE + DAY))
    new_bot.servers["m"].unseen = UnavailableError("mastodon", "502")

    new_bot.wait(NINE + DAY + MINUTE)

    states = new_bot.states()
    assert (states["one/b/0"], states["two/b/0"]) == ("SENT", "SENT")
    assert states["one/m/0"].startswith("HELD late")


@attack(
    Attacker.SERVER,
    tried="the server tells numbers that no database holds, so that nobody's are collected",
    comes_of_it="such a number counts as not told; all others are kept",
)
def test_a_number_that_nothing_holds_stops_nothing(world: HostileWorld) -> None:
    world.start()
    world.good.statuses[0] |= {"favourites_count": 10**30, "reblogs_count": 2**63}
    world.bot.clock.advance(timedelta(hours=1, minutes=1))

    world.bot.services.collect()

    read = world.bot.store.snapshots.of(world.bot.row("one").id)[0]
    assert read.outcome is SnapshotState.TAKEN
    assert (read.metrics.likes, read.metrics.reposts, read.metrics.replies) == (None, None, 1)


LONG = "x" * 20_000


@attack(
    Attacker.SERVER,
    tried="the server describes the account, a status and an error in words without an end, other "
    "ones each time, which the log keeps for ever and people are mailed",
    comes_of_it="a thousand characters of each are kept, with the length and hash of the whole",
)
def test_endless_words_fill_no_log(world: HostileWorld) -> None:
    world.start()
    answers, status = world.good.quirks.answers, world.good.statuses[0]
    me = {"id": "7", "username": "voice", "bot": True, "note": "short"}
    for number in range(2):
        answers["GET /api/v1/accounts/verify_credentials"] = Told(
            body={**me, "note": f"{LONG}{number}", "display_name": LONG}
        )
        world.good.statuses.insert(0, {**status, "id": f"90{number}", "url": f"https://a/{LONG}"})
        world.bot.clock.advance(timedelta(hours=25))
        world.bot.work()
        world.bot.services.watcher.run()
        note_profile(world.bot.store, "m", world.bot.services.publisher.platform("m").profile(),
                     world.bot.clock.now())  # fmt: skip
    sent = {"language": "en", "spoiler_text": "", "status": "words", "in_reply_to_id": None}
    differs = differences({"language": LONG}, {**sent, "visibility": "public", "alts": []})

    rows = world.bot.store.audit.rows()
    assert {"account changed", "foreign"} <= {row.verb for row in rows}
    assert max(len(f"{row.why}{row.detail}") for row in rows) < 10_000
    assert len(str(UnavailableError("mastodon", LONG))) < 2_000
    assert len(PostRef("1").compared(differs).differs["language"]) < 2_000


#: Each took the square of its length, or of the marks on one letter, some of it in one step that
#: stops the whole process.
ENDLESS = {
    "tags": "<a " * 15_000, "comments": "<!--" * 15_000, "lines": "\n" * 60_000,
    "quotation marks": "<a x='" * 15_000, "elements": "<textarea>" * 15_000,
    "marks": "a" + "\u0315\u0300" * 40_000, "tokens": "eyJ-" * 40_000, "queries": "?" * 80_000,
    "unseen": "\U000e0061" * 80_000,
}  # fmt: skip


@attack(
    Attacker.SERVER,
    tried="a status, or a page that is linked to, whose HTML or letters take days to be read, "
    "while nothing is sent anywhere",
    comes_of_it="each is read in a time that grows with its length, which is bounded",
)
@pytest.mark.parametrize("content", ENDLESS.values(), ids=ENDLESS)
def test_nothing_that_a_server_says_takes_long_to_read(content: str) -> None:
    sent = {"language": "en", "spoiler_text": "", "status": "words", "in_reply_to_id": None}
    page = Hop("http://a.example", "", NINE, 200, "", (("Content-Type", "text/html"),),
               content.encode())  # fmt: skip
    begun = process_time()

    _TOKEN.sub(b"***", content.encode())
    _QUERY.sub("?…", masked(content))
    visible.short(content)
    told = differences({"content": content}, {**sent, "visibility": "public", "alts": []})
    page_text(page)

    assert told["text"]
    assert process_time() - begun < 2


@attack(
    Attacker.SERVER,
    tried="the first look at an account fails just before a post is due",
    comes_of_it="the next look comes after two seconds, then four, up to a minute: the post is"
    " not a minute late",
)
def test_a_failed_first_look_is_soon_repeated(new_bot: RunningBot) -> None:
    new_bot.start_approved(post("one", at=NINE))
    new_bot.servers["m"].unseen = UnavailableError("mastodon", "502")
    new_bot.clock.advance(NINE - new_bot.clock.now())
    new_bot.work()
    new_bot.servers["m"].unseen = None

    new_bot.clock.advance(MINUTE / 30)
    new_bot.work()

    assert new_bot.row().state is State.SENT
    assert new_bot.servers["m"].calls.count("profile") == 2


@attack(
    Attacker.SHELL,
    tried="one account's secret file is taken away or made readable by all, before a restart",
    comes_of_it="that account waits, and the log says why; the service starts and the others send",
)
def test_a_lost_secret_keeps_no_other_account_from_sending(
    world: HostileWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_to_all = tmp_path / "password"
    open_to_all.write_text("canary-password")
    open_to_all.chmod(0o644)
    monkeypatch.setenv("VERBATIM_B_APP_PASSWORD_FILE", str(open_to_all))
    world.bot.use("b", m=ACCOUNTS["m"].replace("https://m.example", world.good.origin))

    world.bot.start_approved(post("one", at=world.at))
    world.bot.wait(world.at)

    assert world.bot.states() == {"one/b/0": "READY", "one/m/0": "SENT"}


# Emergency verbs


Call = Callable[..., Any]


@pytest.fixture
def live(new_bot: RunningBot) -> RunningBot:
    """Have a bot on the clock that the commands see, with a post that is held."""
    new_bot.clock = FastClock(SystemClock().now())
    new_bot.machine = Settings().machine_id()
    new_bot.start_with(post("one", at=new_bot.clock.now() + MINUTE), post("two"))
    remember_owner(new_bot.data, DataOwner("test", Mode.LIVE))
    new_bot.wait(new_bot.clock.now() + 2 * MINUTE)
    assert new_bot.row("one").state is State.HELD
    return new_bot


def everything_is_gone(bot: RunningBot) -> None:
    bot.tree.posts.rename(bot.folder / "elsewhere")
    bot.tree.schedule.unlink()


def schedule_is_a_folder(bot: RunningBot) -> None:
    bot.tree.schedule.unlink()
    bot.tree.schedule.mkdir()


def a_picture_is_a_bomb(bot: RunningBot) -> None:
    bot.tree.put("posts/media/a.png", b"\x89PNG\r\n\x1a\n" + b"\xff" * 100)
    bomb = post("bomb", "media: [{file: media/a.png, alt: A}]")
    bot.tree.put("posts/bomb.yaml", f"posts:\n{bomb}")


def nothing_was_ever_applied(bot: RunningBot) -> None:
    everything_is_gone(bot)
    with bot.store._db.write() as connection:
        connection.exec_driver_sql("DELETE FROM content_tree")


SPOILS: dict[str, Callable[[RunningBot], object]] = {
    "the schedule is no YAML": lambda bot: bot.tree.schedule.write_bytes(b"\x00: ["),
    "the schedule is gone": lambda bot: bot.tree.schedule.unlink(),
    "the schedule is a folder": schedule_is_a_folder,
    "the schedule is huge": lambda bot: bot.tree.schedule.write_bytes(b"a: b\n" * 1_000_000),
    "everything is gone": everything_is_gone,
    "posts are broken": lambda bot: bot.tree.put("posts/main.yaml", "posts: ["),
    "a picture is a bomb": a_picture_is_a_bomb,
    "the mode is another": lambda bot: bot.set("mode: live", "mode: rehearsal"),
    "the campaign is another": lambda bot: bot.set("campaign: test", "campaign: other"),
    "nothing was ever applied": nothing_was_ever_applied,
}


@pytest.mark.parametrize("spoil", SPOILS.values(), ids=SPOILS)
@attack(
    Attacker.GIT,
    tried="the schedule or all content is broken, taken away, or made another's, so that nobody can"
    " stop the bot",
    comes_of_it="`pause`, `status`, `held`, `cancel` and `resume` read none of it",
)
def test_emergency_verbs_need_no_content(
    live: RunningBot,
    spoil: Callable[[RunningBot], object],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VERBATIM_TOKEN", token_of(live.store, live.clock, "Ann"))
    spoil(live)

    def call(*words: str) -> Any:
        capsys.readouterr()
        code = run([*words, *live.places, "--json"])
        out, err = capsys.readouterr()
        assert code == 0, err
        return json.loads(out)

    assert call("pause", "--reason", "raid", "--as", "Ann")["paused"] is True
    assert call("status")["paused"] == "raid (Ann)"
    assert [account["name"] for account in call("status")["accounts"]] == ["m"]
    [row] = call("held")
    assert call("cancel", row["id"], "--as", "Ann")["state"] == "CANCELLED"
    assert call("resume", "--as", "Ann")["paused"] is False
    assert live.store.pauses.current() is None
