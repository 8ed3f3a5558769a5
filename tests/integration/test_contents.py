"""Files come into force as a whole tree or not at all; what was good stays good."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from PIL import Image

from bot.delivery.model import State
from bot.errors import ContentError
from tests.fakes.newsroom import DAY, MINUTE, NINE, Newsroom, post


@pytest.fixture
def room(newsroom: Newsroom) -> Newsroom:
    newsroom.write(post("one", at=NINE))
    newsroom.start()
    newsroom.approve("one")
    return newsroom


def in_force(room: Newsroom) -> list[str]:
    return [one.id for one in room.bot.contents.campaign().posts]


def test_nothing_is_in_force_before_the_start(newsroom: Newsroom) -> None:
    with pytest.raises(AssertionError):
        newsroom.bot.contents.campaign()


def test_a_whole_tree_or_nothing_comes_into_force(room: Newsroom) -> None:
    room.write(post("one", at=NINE), post("two", at=NINE + DAY))
    room.tree.put("posts/other.yaml", "posts: [{id: broken}]\n")

    room.watch(broken=True)

    assert in_force(room) == ["one"]
    assert room.when() == ["07 09:00 m one"]


def test_what_is_approved_goes_out_while_files_are_broken(room: Newsroom) -> None:
    room.tree.put("posts/main.yaml", "posts: [")
    room.watch(broken=True)

    room.wait(NINE)

    assert room.row().state is State.SENT


def test_mended_files_come_into_force(room: Newsroom) -> None:
    room.tree.put("posts/main.yaml", "posts: [")
    room.watch(broken=True)
    room.write(post("two", at=NINE))

    room.watch()

    assert in_force(room) == ["two"]


def test_the_last_good_files_stay_in_force_over_a_restart(room: Newsroom) -> None:
    room.tree.put("posts/main.yaml", "posts: [")

    room.restart()
    room.wait(NINE)

    assert in_force(room) == ["one"]
    assert "main.yaml" in room.bot.contents.broken()
    assert room.row().state is State.SENT


def test_the_last_good_pictures_stay_in_force_over_a_restart(room: Newsroom) -> None:
    path = room.tree.posts / "media" / "a.png"
    path.parent.mkdir()
    Image.new("RGB", (40, 30), "teal").save(path)
    room.write(post("seen", 'media: [{file: media/a.png, alt: "A wall"}]', at=NINE + MINUTE))
    room.watch()
    room.approve("seen")
    path.write_bytes(b"no picture")

    room.restart()
    room.wait(NINE + MINUTE)

    assert room.rows("seen")[0].state is State.SENT


def test_files_that_vanish_change_nothing(room: Newsroom) -> None:
    shutil.rmtree(room.tree.posts)
    room.tree.schedule.unlink()

    room.watch(broken=True)

    assert in_force(room) == ["one"]


def test_broken_files_and_no_good_ones_before_are_no_start(newsroom: Newsroom) -> None:
    newsroom.tree.put("posts/main.yaml", "posts: [")

    with pytest.raises(ContentError, match=r"main\.yaml"):
        newsroom.start()


def test_an_old_checkout_is_taken_up_by_its_bytes(room: Newsroom) -> None:
    path = room.tree.posts / "main.yaml"
    before = path.stat()
    changed = path.read_bytes().replace(b"oneb", b"onex")
    beside = path.with_suffix(".new")
    beside.write_bytes(changed)
    os.utime(beside, ns=(before.st_atime_ns, before.st_mtime_ns))

    beside.replace(path)
    assert path.stat().st_size == before.st_size
    room.watch()

    assert "onex" in room.row().status.text


def test_files_that_were_only_touched_change_nothing(room: Newsroom) -> None:
    (room.tree.posts / "main.yaml").touch()

    assert not room.bot.contents.refresh()


def test_a_renamed_id_is_another_post(room: Newsroom) -> None:
    room.wait(NINE)
    room.write(post("renamed", at=NINE + DAY))

    room.watch()

    assert room.states() == {"one/m/0": "SENT", "renamed/m/0": "PLANNED"}


def test_a_duplicate_id_is_refused(room: Newsroom) -> None:
    room.tree.put("posts/copy.yaml", (room.tree.posts / "main.yaml").read_text())

    room.watch(broken=True)

    assert in_force(room) == ["one"]


def test_an_edit_after_the_approval_is_not_sent(room: Newsroom) -> None:
    room.write(post("one", at=NINE, words="Something nobody has read."))
    room.watch()

    room.wait(NINE + DAY)

    assert room.servers["m"].live == []


def test_an_old_checkout_repeats_nothing(room: Newsroom, tmp_path: Path) -> None:
    shutil.copytree(room.tree.posts, tmp_path / "old")
    room.wait(NINE)
    room.write(post("two", at=NINE + DAY))
    room.watch()
    shutil.rmtree(room.tree.posts)
    shutil.copytree(tmp_path / "old", room.tree.posts)

    room.bot.watch()
    room.wait(NINE + 2 * DAY)

    assert len(room.servers["m"].live) == 1


def test_a_card_that_cannot_be_drawn_is_told_where_it_is_asked_for(room: Newsroom) -> None:
    room.tree.put("posts/card.yaml", "posts:\n" + post("card", "card: true", at=NINE + DAY))

    room.watch(broken=True)

    assert "card.yaml:" in room.bot.contents.broken()
    assert in_force(room) == ["one"]


def test_warnings_keep_nothing_from_coming_into_force(room: Newsroom) -> None:
    told = {str(one.severity) for one in room.bot.contents.remarks()}

    assert "error" not in told


def test_before_the_start_there_is_nothing_to_remark_or_render_anew(newsroom: Newsroom) -> None:
    newsroom.bot.contents.recompose()

    assert newsroom.bot.contents.remarks() == ()
