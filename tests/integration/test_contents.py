"""Files come into force as a whole tree or not at all; what was good stays good."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from PIL import Image

from bot.app.content import prove_kept
from bot.delivery.model import State
from bot.errors import ContentError
from bot.platforms.mastodon import SPEC as MASTODON
from tests.fakes.running_bot import DAY, MINUTE, NINE, OWNED, RunningBot, post


def in_force(bot: RunningBot) -> list[str]:
    return [post.id for post in bot.services.contents.campaign().posts]


def test_a_post_that_fits_nowhere_is_refused_after_its_server_was_asked(bot: RunningBot) -> None:
    bot.services.verifier.look("m")
    bot.write(post("one", at=NINE), post("two", at=NINE + DAY, words="Some other words. " * 40))

    bot.watch(broken=True)

    assert in_force(bot) == ["one"]


def test_a_planned_post_that_does_not_fit_another_account_is_refused(new_bot: RunningBot) -> None:
    new_bot.use("m", m2="{platform: mastodon, server: 'https://m2.example', " + OWNED + "}")
    new_bot.servers["m"].limits = replace(MASTODON.limits, max_length=5000)
    new_bot.start()
    for name in ("m", "m2"):
        new_bot.services.verifier.look(name)
    words = "Some other words. " * 40
    new_bot.write(post("two", "accounts: [m]", at=NINE + DAY, words=words))
    new_bot.watch()
    new_bot.write(post("two", "accounts: [m, m2]", at=NINE + DAY, words=words))

    new_bot.watch(broken=True)

    assert new_bot.states() == {"two/m/0": "PLANNED"}


def test_files_in_force_stay_good_when_a_server_takes_less_than_before(bot: RunningBot) -> None:
    server, look = bot.servers["m"], bot.services.verifier.look
    server.limits = replace(MASTODON.limits, max_length=5000)
    look("m")
    bot.write(post("two", at=NINE + DAY, words="Some other words. " * 40))
    for _look in range(2):  # nothing of it is planned yet
        bot.services.contents.refresh()
    server.limits = MASTODON.limits
    look("m")

    kept = prove_kept(bot.store, bot.clock)

    assert kept
    assert kept.errors == ()
    assert [problem.rule for problem in kept.problems] == ["too-long"]


def test_the_last_good_files_stay_in_force_over_a_restart(bot: RunningBot) -> None:
    bot.tree.put("posts/main.yaml", "posts: [")

    bot.restart()
    bot.wait(NINE)

    assert in_force(bot) == ["one"]
    assert "main.yaml" in bot.services.contents.broken()
    assert bot.row().state is State.SENT


def test_the_last_good_pictures_stay_in_force_over_a_restart(bot: RunningBot) -> None:
    path = bot.tree.posts / "media" / "a.png"
    path.parent.mkdir()
    Image.new("RGB", (40, 30), "teal").save(path)
    bot.write(post("seen", 'media: [{file: media/a.png, alt: "A wall"}]', at=NINE + MINUTE))
    bot.watch()
    bot.approve("seen")
    path.write_bytes(b"no picture")

    bot.restart()
    bot.wait(NINE + MINUTE)

    assert bot.rows("seen")[0].state is State.SENT


def test_broken_files_and_no_good_ones_before_are_no_start(new_bot: RunningBot) -> None:
    new_bot.tree.put("posts/main.yaml", "posts: [")

    with pytest.raises(ContentError, match=r"main\.yaml"):
        new_bot.start()


def test_an_old_checkout_is_taken_up_by_its_bytes(bot: RunningBot) -> None:
    path = bot.tree.posts / "main.yaml"
    before = path.stat()
    changed = path.read_bytes().replace(b"oneb", b"onex")
    beside = path.with_suffix(".new")
    beside.write_bytes(changed)
    os.utime(beside, ns=(before.st_atime_ns, before.st_mtime_ns))

    beside.replace(path)
    assert path.stat().st_size == before.st_size
    bot.watch()

    assert "onex" in bot.row().status.text


def test_files_that_were_only_touched_change_nothing(bot: RunningBot) -> None:
    (bot.tree.posts / "main.yaml").touch()

    assert not bot.services.contents.refresh()


def test_a_card_that_cannot_be_drawn_is_told_where_it_is_asked_for(bot: RunningBot) -> None:
    bot.tree.put("posts/card.yaml", "posts:\n" + post("card", "card: true", at=NINE + DAY))

    bot.watch(broken=True)

    assert "card.yaml:" in bot.services.contents.broken()
    assert in_force(bot) == ["one"]


def test_before_the_start_there_is_nothing_to_remark_or_render_anew(new_bot: RunningBot) -> None:
    new_bot.services.contents.recompose()

    assert new_bot.services.contents.warnings() == ()


# What is copied, or gone by mistake


@pytest.fixture
def ten(new_bot: RunningBot) -> RunningBot:
    """Return a live bot with ten approved posts ahead."""
    new_bot.start_approved(*(post(f"p{n}", at=NINE + n * DAY) for n in range(1, 11)))
    return new_bot


def test_a_tree_comes_into_force_once_two_looks_agree_on_it(ten: RunningBot) -> None:
    ten.write(post("new", at=NINE + DAY), *(post(f"p{n}", at=NINE + n * DAY) for n in range(1, 11)))

    assert not ten.services.contents.refresh()
    ten.tree.put("posts/more.yaml", "posts:\n" + post("more", at=NINE + 2 * DAY))
    assert not ten.services.contents.refresh()
    assert ten.services.contents.refresh()

    assert {"new", "more"} <= {each.id for each in ten.services.contents.campaign().posts}


def test_what_would_cancel_more_than_a_quarter_waits_for_a_person(ten: RunningBot) -> None:
    before = ten.states()
    ten.write(*(post(f"p{n}", at=NINE + n * DAY) for n in range(1, 4)))

    ten.watch(broken=True)

    assert ten.states() == before
    told = ten.services.contents.broken()
    assert "these files would cancel 7 of 10 planned posts; if that is meant, confirm it" in told
    assert any(each.key.startswith("content@") for each in ten.services.status().matters)

    ten.restart()  # the last tree that was whole stays in force
    assert ten.states() == before


def test_a_person_confirms_that_much_is_cancelled(ten: RunningBot) -> None:
    ten.write(*(post(f"p{n}", at=NINE + n * DAY) for n in range(1, 4)))

    ten.watch_and_confirm()

    assert sorted(ten.states()) == ["p1/m/0", "p2/m/0", "p3/m/0"]


def test_moving_files_away_and_back_loses_no_approval(ten: RunningBot) -> None:
    whole = (ten.tree.posts / "main.yaml").read_text(encoding="utf-8")
    ten.write(*(post(f"p{n}", at=NINE + n * DAY) for n in range(1, 9)))
    ten.watch()
    assert len(ten.rows()) == 8

    ten.tree.put("posts/main.yaml", whole)
    ten.watch()
    ten.wait(NINE + 10 * DAY)

    assert set(ten.states().values()) == {"SENT"}
