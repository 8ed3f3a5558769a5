"""The outbox follows the files: what changed is changed, and nothing else."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from bot.delivery.model import CancelReason, Delivery, State
from bot.errors import DecisionError, RejectedError, UnavailableError, UnconfirmedError
from tests.fakes.campaign_tree import sha256_of
from tests.fakes.newsroom import DAY, MINUTE, NINE, START, Newsroom, post
from tests.fakes.scripted import Step
from tests.integration.store_rows import due

HORIZON = 35


def replan(room: Newsroom) -> bool:
    """Plan once more; tell whether anything changed."""
    return bool(room.bot.planner.apply(room.bot.contents.rendered, days=HORIZON))


def thread(name: str, parts: int, *lines: str) -> str:
    said = " ".join(f"{name}{number}" for number in range(parts * 60))
    return post(name, "thread: true", *lines, words=said)


@pytest.fixture
def room(newsroom: Newsroom) -> Newsroom:
    """Have three posts in the queue."""
    newsroom.write(post("one"), post("two"), post("three"))
    newsroom.start()
    return newsroom


# A queue


def test_a_queue_goes_in_order_to_its_slots(room: Newsroom) -> None:
    assert room.when() == ["07 09:00 m one", "08 09:00 m two", "09 09:00 m three"]


def test_planning_twice_changes_nothing(room: Newsroom) -> None:
    before = room.rows()

    assert not replan(room)
    assert room.rows() == before


def test_a_post_put_before_others_moves_them_and_keeps_their_approvals(room: Newsroom) -> None:
    room.approve("one", "two", "three")
    ids = {row.post_id: row.id for row in room.rows()}
    room.write(post("zero"), post("one"), post("two"), post("three"))

    room.watch()

    assert room.when() == [
        "07 09:00 m zero", "08 09:00 m one", "09 09:00 m two", "10 09:00 m three",
    ]  # fmt: skip
    assert ids.items() <= {row.post_id: row.id for row in room.rows()}.items()
    assert [room.desk.approvals(row.publication) for row in room.rows()] == [0, 2, 2, 2]


def test_two_posts_swap_their_slots(room: Newsroom) -> None:
    room.write(post("two"), post("one"), post("three"))

    room.watch()

    assert room.when() == ["07 09:00 m two", "08 09:00 m one", "09 09:00 m three"]


def test_what_is_moved_is_late_by_its_new_time(room: Newsroom) -> None:
    room.write(post("two"), post("one"), post("three"))

    room.watch()

    assert all(row.not_after == due(row) + 15 * MINUTE for row in room.rows())


def test_a_moved_delivery_is_reported_under_its_new_slot(newsroom: Newsroom) -> None:
    noon = '  noon: {weekdays: [mon], times: ["12:00"]}'
    newsroom.set("queues:", f"{noon}\nqueues:")
    newsroom.set("slots: [morning]", "slots: [morning, noon]")
    newsroom.write(post("one"), post("two"))
    newsroom.start()
    newsroom.write(post("two"), post("one"))

    newsroom.watch()

    assert [(row.post_id, row.publication.slot) for row in newsroom.rows()] == [
        ("two", "morning"), ("one", "noon"),
    ]  # fmt: skip


def test_a_removed_post_is_cancelled_and_the_others_move_up(room: Newsroom) -> None:
    room.write(post("two"), post("three"))

    room.watch()

    assert room.when() == ["07 09:00 m two", "08 09:00 m three"]
    (gone,) = room.rows("one", State.CANCELLED)
    assert gone.reason is CancelReason.UNPLANNED


def test_what_was_sent_never_changes(room: Newsroom) -> None:
    room.approve("one")
    room.wait(NINE)
    (before,) = room.rows("one")
    room.write(post("three"), post("two"), post("one", words="Something else entirely now."))

    room.watch()

    assert room.rows("one") == [before]
    assert room.when() == ["07 09:00 m one", "08 09:00 m three", "09 09:00 m two"]


def test_a_sent_post_that_is_removed_stays_sent(room: Newsroom) -> None:
    room.approve("one")
    room.wait(NINE)
    room.write(post("two"))

    room.watch()

    assert room.states() == {"one/m/0": "SENT", "two/m/0": "PLANNED"}


# An edit


@pytest.fixture
def fixed(newsroom: Newsroom) -> Newsroom:
    """Have one approved post with a fixed time."""
    newsroom.use("m", "b")
    newsroom.write(post("one", at=NINE))
    newsroom.start()
    newsroom.approve("one")
    return newsroom


def picture(room: Newsroom, shade: int) -> None:
    path = room.tree.posts / "media" / "a.png"
    path.parent.mkdir(exist_ok=True)
    Image.new("RGB", (40, 30), (shade, 20, 30)).save(path)


@pytest.mark.parametrize(
    "edited",
    [
        post("one", at=NINE, words="Other words than those before."),
        post("one", "accounts: [m]", at=NINE),
        post("one", "author: Someone", at=NINE),
        post("one", "warning: Flashing lights", at=NINE),
        post("one", "lang: fr", at=NINE),
        post("one", at=NINE + MINUTE),
        post("one", 'media: [{file: media/a.png, alt: "A wall"}]', at=NINE),
        post("one", "variants: {b: {text: Something short}}", at=NINE),
        post("one", "link: known", at=NINE),
        post("one"),
    ],
    ids=["text", "accounts", "author", "warning", "language", "time", "media", "variant", "link",
         "queue"],
)  # fmt: skip
def test_an_edited_post_loses_its_approvals(fixed: Newsroom, edited: str) -> None:
    picture(fixed, 1)
    fixed.write(edited)

    fixed.watch()

    assert {fixed.desk.approvals(row.publication) for row in fixed.rows()} == {0}
    fixed.wait(NINE + 20 * MINUTE)
    assert fixed.servers["m"].live == fixed.servers["b"].live == []


@pytest.mark.parametrize("note", ["note: for the desk", "theme: families", "not_after: 20m"])
def test_what_is_not_said_in_public_keeps_the_approvals(fixed: Newsroom, note: str) -> None:
    fixed.write(post("one", note, at=NINE))

    fixed.watch()

    assert {fixed.desk.approvals(row.publication) for row in fixed.rows()} == {2}


def test_other_bytes_of_a_picture_lose_the_approvals(fixed: Newsroom) -> None:
    picture(fixed, 1)
    fixed.write(post("one", 'media: [{file: media/a.png, alt: "A wall"}]', at=NINE))
    fixed.watch()
    fixed.approve("one")
    picture(fixed, 2)

    fixed.watch()

    assert {fixed.desk.approvals(row.publication) for row in fixed.rows()} == {0}


def test_a_changed_source_voids_what_quotes_it_for_good(newsroom: Newsroom) -> None:
    quoted = 'quote: {source: letter, text: "they are our friends"}'
    newsroom.set("mode: live", "mode: rehearsal")
    newsroom.write(post("one", quoted, at=NINE + DAY))
    newsroom.start()
    names = ("posts/sources/letter.txt", "posts/sources/letter.yaml")
    old = [(newsroom.tree.posts.parent / name).read_text() for name in names]
    new = [old[0].replace("Even children", "Even small children")]
    newsroom.approve("one")
    newsroom.tree.put(names[0], new[0])
    newsroom.tree.put(
        names[1],
        old[1].replace(sha256_of(old[0]), sha256_of(new[0])).replace("Even ch", "Even small ch"),
    )

    newsroom.watch()
    assert "Ann" not in approvers(newsroom, newsroom.row())

    for name, text in zip(names, old, strict=True):
        newsroom.tree.put(name, text)
    newsroom.watch()
    assert "Ann" not in approvers(newsroom, newsroom.row())


def approvers(room: Newsroom, row: Delivery) -> set[str]:
    return {one.by for one in room.store.approvals.of(row.fingerprint)}


def test_a_changed_time_moves_the_delivery(fixed: Newsroom) -> None:
    ids = {row.id for row in fixed.rows()}
    fixed.write(post("one", at=NINE + DAY))

    fixed.watch()

    assert fixed.when() == ["08 09:00 b one", "08 09:00 m one"]
    assert {row.id for row in fixed.rows()} == ids


def test_a_changed_lateness_holds_for_what_is_planned(fixed: Newsroom) -> None:
    fixed.set("not_after: 15m", "not_after: 2m")

    fixed.watch()

    assert {row.not_after for row in fixed.rows()} == {NINE + 2 * MINUTE}


def test_a_changed_price_holds_for_what_is_planned(newsroom: Newsroom) -> None:
    newsroom.use("x")
    newsroom.write(post("one", at=NINE))
    newsroom.start()
    newsroom.set("campaign: test", "campaign: test\nx_prices: {post: 1}")

    newsroom.watch()

    assert newsroom.row().cost_usd == 1


def test_a_moved_yearly_day_moves_its_delivery(newsroom: Newsroom) -> None:
    newsroom.write(post("day", 'every_year: {on: 12-09, at: "09:00"}'))
    newsroom.start()
    newsroom.write(post("day", 'every_year: {on: 12-10, at: "10:00"}'))

    newsroom.watch()

    assert newsroom.when() == ["10 10:00 m day"]


def test_an_edit_changes_a_post_that_was_refused(fixed: Newsroom) -> None:
    fixed.servers["m"].fails(RejectedError("mastodon", "too long"))
    fixed.wait(NINE)
    fixed.write(post("one", at=NINE + DAY))

    fixed.watch()

    assert fixed.states() == {"one/b/0": "SENT", "one/m/0": "PLANNED"}


def test_a_held_post_that_was_edited_is_planned_again(newsroom: Newsroom) -> None:
    newsroom.write(post("one"), post("two"))
    newsroom.start()
    newsroom.wait(NINE + MINUTE)
    newsroom.write(post("one", words="Said in quite another manner."), post("two"))

    newsroom.watch()

    assert newsroom.when() == ["08 09:00 m one", "09 09:00 m two"]
    assert set(newsroom.states().values()) == {"PLANNED"}


def test_a_held_post_whose_time_was_changed_is_planned_again(newsroom: Newsroom) -> None:
    newsroom.write(post("one", at=NINE))
    newsroom.start()
    newsroom.wait(NINE)
    newsroom.write(post("one", at=NINE + DAY))

    newsroom.watch()

    assert newsroom.when() == ["08 09:00 m one"]
    assert newsroom.states() == {"one/m/0": "PLANNED"}


def test_a_held_post_that_was_removed_is_cancelled(newsroom: Newsroom) -> None:
    newsroom.write(post("one", at=NINE))
    newsroom.start()
    newsroom.wait(NINE)
    newsroom.write()

    newsroom.watch()

    (gone,) = newsroom.rows("one", State.CANCELLED)
    assert gone.reason is CancelReason.REMOVED


@pytest.mark.parametrize("written", ["", post("one", words="Altogether different words.")])
def test_what_may_be_out_is_left_to_a_person(fixed: Newsroom, written: str) -> None:
    fixed.servers["m"].fails(UnconfirmedError("mastodon", "504"))
    fixed.servers["m"].unread.append(UnconfirmedError("mastodon", "not ours"))
    fixed.wait(NINE + MINUTE)
    (before,) = [row for row in fixed.rows() if row.account == "m"]
    assert before.state is State.HELD
    fixed.write(*filter(None, [written]))

    fixed.watch()

    assert before in fixed.rows()


# Threads


def test_a_thread_that_becomes_longer_is_planned_anew(newsroom: Newsroom) -> None:
    newsroom.write(thread("one", 2))
    newsroom.start()
    before = len(newsroom.rows())
    newsroom.write(thread("one", 4))

    newsroom.watch()

    rows = newsroom.rows()
    assert 1 < before < len(rows)
    assert [row.part for row in rows] == list(range(len(rows)))
    assert [row.parent_id for row in rows[1:]] == [row.id for row in rows[:-1]]
    assert not replan(newsroom)


def test_a_thread_that_becomes_one_status_is_one(newsroom: Newsroom) -> None:
    newsroom.write(thread("one", 2))
    newsroom.start()
    newsroom.write(post("one"))

    newsroom.watch()

    assert [(row.part, row.parts) for row in newsroom.rows()] == [(0, 1)]


def test_a_thread_that_began_stays_as_it_began(newsroom: Newsroom) -> None:
    newsroom.write(thread("one", 3))
    newsroom.start()
    newsroom.approve("one")
    newsroom.servers["m"].steps.append(_pause(newsroom))
    newsroom.wait(NINE)
    before = newsroom.rows()
    assert [row.state for row in before[:2]] == [State.SENT, State.HELD]
    newsroom.write(thread("one", 4))

    newsroom.watch()

    assert newsroom.rows() == before


def _pause(room: Newsroom) -> Step:
    return Step(meanwhile=lambda: room.desk.pause("stop", by="Ann"))


def test_the_rest_of_a_removed_thread_is_cancelled(newsroom: Newsroom) -> None:
    newsroom.write(thread("one", 3))
    newsroom.start()
    newsroom.approve("one")
    newsroom.servers["m"].steps.append(_pause(newsroom))
    newsroom.wait(NINE)
    newsroom.write()

    newsroom.watch()

    assert newsroom.states() == {"one/m/0": "SENT"}


# Accounts


def test_a_new_account_gets_only_what_comes_after_it(newsroom: Newsroom) -> None:
    newsroom.set("mode: live", "mode: rehearsal")
    newsroom.write(post("old", at=NINE), post("new", at=NINE + DAY))
    newsroom.start()
    newsroom.wait(NINE + MINUTE)
    newsroom.use("m", "b")

    newsroom.watch()

    assert newsroom.when() == ["07 09:00 m old", "08 09:00 b new", "08 09:00 m new"]


def test_an_account_that_was_taken_away_gets_nothing_more(newsroom: Newsroom) -> None:
    newsroom.use("m", "b")
    newsroom.write(post("one", at=NINE), post("two", at=NINE + DAY))
    newsroom.start()
    newsroom.wait(NINE)
    newsroom.use("m")

    newsroom.watch()

    assert {row.account for row in newsroom.rows()} == {"m"}


def test_what_is_in_doubt_on_an_account_taken_away_is_left_to_a_person(
    newsroom: Newsroom,
) -> None:
    newsroom.use("m", "b")
    newsroom.write(post("one", at=NINE))
    newsroom.start()
    newsroom.approve("one")
    newsroom.servers["b"].fails(UnconfirmedError("bluesky", "504"))
    newsroom.servers["b"].unread.extend([UnavailableError("bluesky", "502")] * 2)
    newsroom.wait(NINE)
    newsroom.use("m")

    newsroom.watch()
    newsroom.wait(NINE + MINUTE)

    held = next(row for row in newsroom.rows() if row.account == "b")
    assert held.evidence == "its account is no longer in the schedule"


def test_x_never_says_the_same_twice(newsroom: Newsroom) -> None:
    newsroom.use("m", "x")
    newsroom.set("slots: [morning]", "slots: [morning], repeat_after: 1d")
    newsroom.write(post("one"), post("day", 'every_year: {on: 12-20, at: "12:00"}'))
    newsroom.start()

    days = {name: [row.due_at for row in newsroom.rows() if (row.account, row.post_id) == name]
            for name in (("x", "one"), ("m", "one"), ("x", "day"))}  # fmt: skip

    assert len(days["x", "one"]) == 1
    assert len(days["m", "one"]) > 1
    newsroom.approve("one", "day")
    newsroom.wait(START + timedelta(days=370))
    replan(newsroom)
    assert len([row for row in newsroom.rows("day") if row.account == "x"]) == 1
    assert len([row for row in newsroom.rows("day") if row.account == "m"]) == 2


# What a person took out


def test_what_a_person_cancelled_does_not_come_back(room: Newsroom) -> None:
    room.desk.cancel(room.rows("one")[0].id, by="Ann")

    replan(room)

    assert room.when() == ["08 09:00 m two", "09 09:00 m three"]


def test_what_a_person_cancelled_comes_back_once_it_is_edited(fixed: Newsroom) -> None:
    for row in fixed.rows():
        fixed.desk.cancel(row.id, by="Ann", why="wrong name")
    replan(fixed)
    assert fixed.rows() == []
    fixed.write(post("one", at=NINE, words="With the right name this time."))

    fixed.watch()

    assert fixed.when() == ["07 09:00 b one", "07 09:00 m one"]


def test_a_requeued_post_gets_the_next_free_slot(room: Newsroom) -> None:
    room.wait(NINE + MINUTE)
    (held,) = room.rows("one")
    room.desk.resolve(held.id, "queue", by="Ann")

    replan(room)

    assert room.when() == ["08 09:00 m one", "09 09:00 m two", "10 09:00 m three"]
    assert not replan(room)


def test_a_requeued_thread_comes_back_whole(newsroom: Newsroom) -> None:
    newsroom.write(thread("one", 3))
    newsroom.start()
    newsroom.wait(NINE + MINUTE)
    first, *rest = newsroom.rows("one")
    newsroom.desk.resolve(first.id, "queue", by="Ann")

    replan(newsroom)

    assert [row.id for row in newsroom.rows("one")] == [one.id for one in (first, *rest)]
    assert {(row.state, row.due_at) for row in newsroom.rows("one")} == {
        (State.PLANNED, NINE + DAY)
    }


# The law


_EDITS = st.lists(
    st.sampled_from(["write", "plan", "wait", "approve", "cancel", "requeue"]), max_size=8
)
_NAMES = st.lists(st.sampled_from(["one", "two", "three", "four", "five"]), unique=True, max_size=5)


@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data(), edits=_EDITS)
def test_whatever_editors_do_planning_settles_and_what_is_out_stays(
    migrated_file: Path, data: st.DataObject, edits: list[str]
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "state" / "live.db"
        path.parent.mkdir(mode=0o700)
        path.write_bytes(migrated_file.read_bytes())
        room = Newsroom(Path(folder), f"sqlite:///{path}")
        room.write(post("one"), post("two"))
        room.start()
        sent: dict[str, Delivery] = {}
        for edit in edits:
            if edit == "write":
                names = data.draw(_NAMES)
                room.write(*(post(name) for name in names))
                room.watch()
            elif edit == "wait":
                room.wait(room.clock.now() + DAY)
            else:
                _decide(room, edit)
            replan(room)
            assert not replan(room)
            now = {row.id: row for row in room.rows("", State.SENT)}
            assert sent.items() <= now.items()
            sent = now
        texts = room.servers["m"].texts
        assert len(texts) == len(set(texts)) == len(sent)
        room.stop()


def _decide(room: Newsroom, edit: str) -> None:
    held, planned = room.rows("", State.HELD), room.rows("", State.PLANNED)
    with suppress(DecisionError):  # approved before, say
        if edit == "approve" and planned:
            room.approve(planned[0].post_id)
        elif edit == "cancel" and planned:
            room.desk.cancel(planned[-1].id, by="Ann")
        elif edit == "requeue" and held:
            room.desk.resolve(held[0].id, "queue", by="Ann")
