"""The outbox follows the files: what changed is changed, and nothing else."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from bot.delivery.lifecycle import Event
from bot.delivery.model import CancelReason, Delivery, State
from bot.errors import DecisionError, RejectedError, UnavailableError, UnconfirmedError
from bot.platforms.status import PostRef
from tests.fakes.campaign_tree import sha256_of
from tests.fakes.running_bot import DAY, MINUTE, NINE, RunningBot, post, thread
from tests.fakes.scripted import PublishCall
from tests.integration.store_rows import copied_database, due

HORIZON = 35


def replan(bot: RunningBot) -> bool:
    """Plan once more; tell whether anything changed."""
    return bool(bot.services.planner.apply(bot.services.contents.rendered, days=HORIZON))


@pytest.fixture
def bot(new_bot: RunningBot) -> RunningBot:
    """Have three posts in the queue."""
    new_bot.start_with(post("one"), post("two"), post("three"))
    return new_bot


# A queue


def test_a_queue_goes_in_order_to_its_slots(bot: RunningBot) -> None:
    assert bot.when() == ["07 09:00 m one", "08 09:00 m two", "09 09:00 m three"]


def test_a_post_put_before_others_moves_them_and_keeps_their_approvals(bot: RunningBot) -> None:
    bot.approve("one", "two", "three")
    ids = {row.post_id: row.id for row in bot.rows()}
    bot.write(post("zero"), post("one"), post("two"), post("three"))

    bot.watch()

    assert bot.when() == [
        "07 09:00 m zero", "08 09:00 m one", "09 09:00 m two", "10 09:00 m three",
    ]  # fmt: skip
    assert ids.items() <= {row.post_id: row.id for row in bot.rows()}.items()
    assert [bot.desk.consents.of(row.publication).count for row in bot.rows()] == [0, 2, 2, 2]


def test_two_posts_swap_their_slots(bot: RunningBot) -> None:
    bot.write(post("two"), post("one"), post("three"))

    bot.watch()

    assert bot.when() == ["07 09:00 m two", "08 09:00 m one", "09 09:00 m three"]
    assert all(row.not_after == due(row) + 15 * MINUTE for row in bot.rows())


def test_a_moved_delivery_is_reported_under_its_new_slot(new_bot: RunningBot) -> None:
    noon = '  noon: {weekdays: [mon], times: ["12:00"]}'
    new_bot.set("queues:", f"{noon}\nqueues:")
    new_bot.set("slots: [morning]", "slots: [morning, noon]")
    new_bot.start_with(post("one"), post("two"))
    new_bot.write(post("two"), post("one"))

    new_bot.watch()

    assert [(row.post_id, row.publication.slot) for row in new_bot.rows()] == [
        ("two", "morning"), ("one", "noon"),
    ]  # fmt: skip


def test_a_removed_post_is_cancelled_and_the_others_move_up(bot: RunningBot) -> None:
    bot.write(post("two"), post("three"))

    bot.watch()

    assert bot.when() == ["07 09:00 m two", "08 09:00 m three"]
    (gone,) = bot.rows("one", State.CANCELLED)
    assert gone.reason is CancelReason.UNPLANNED


# An edit


@pytest.fixture
def fixed(new_bot: RunningBot) -> RunningBot:
    """Have one approved post with a fixed time."""
    new_bot.use("m", "b")
    new_bot.start_approved(post("one", at=NINE))
    return new_bot


def picture(bot: RunningBot, shade: int) -> None:
    path = bot.tree.posts / "media" / "a.png"
    path.parent.mkdir(exist_ok=True)
    Image.new("RGB", (40, 30), (shade, 20, 30)).save(path)


@pytest.mark.parametrize(
    "edited",
    [
        post("one", at=NINE, words="Other words than those before."),
        post("one", "author: Someone", at=NINE),
        post("one", "warning: Flashing lights", at=NINE),
        post("one", "lang: fr", at=NINE),
        post("one", at=NINE + MINUTE),
        post("one", 'media: [{file: media/a.png, alt: "A wall"}]', at=NINE),
        post("one", "link: known", at=NINE),
        post("one"),
    ],
    ids=["text", "author", "warning", "language", "time", "media", "link", "queue"],
)
def test_an_edited_post_loses_its_approvals(fixed: RunningBot, edited: str) -> None:
    picture(fixed, 1)
    fixed.write(edited)

    fixed.watch()

    assert {fixed.desk.consents.of(row.publication).count for row in fixed.rows()} == {0}
    fixed.wait(NINE + 20 * MINUTE)
    assert fixed.servers["m"].live == fixed.servers["b"].live == []


@pytest.mark.parametrize(
    ("edited", "left"),
    [
        (post("one", "variants: {b: {text: Something short}}", at=NINE), {"m": 2, "b": 0}),
        (post("one", "accounts: [m]", at=NINE), {"m": 2}),
    ],
    ids=["a variant", "an account less"],
)
def test_what_an_edit_leaves_on_an_account_stays_approved(
    fixed: RunningBot, edited: str, left: dict[str, int]
) -> None:
    fixed.write(edited)

    fixed.watch()

    counts = {row.account: fixed.desk.consents.of(row.publication).count for row in fixed.rows()}
    assert counts == left


@pytest.mark.parametrize("note", ["note: for the desk", "theme: families", "not_after: 20m"])
def test_what_is_not_said_in_public_keeps_the_approvals(fixed: RunningBot, note: str) -> None:
    fixed.write(post("one", note, at=NINE))

    fixed.watch()

    assert {fixed.desk.consents.of(row.publication).count for row in fixed.rows()} == {2}


def test_other_bytes_of_a_picture_lose_the_approvals(fixed: RunningBot) -> None:
    picture(fixed, 1)
    fixed.write(post("one", 'media: [{file: media/a.png, alt: "A wall"}]', at=NINE))
    fixed.watch()
    fixed.approve("one")
    picture(fixed, 2)

    fixed.watch()

    assert {fixed.desk.consents.of(row.publication).count for row in fixed.rows()} == {0}


def test_a_changed_source_voids_what_quotes_it_for_good(new_bot: RunningBot) -> None:
    quoted = 'quote: {source: letter, text: "they are our friends"}'
    new_bot.set("mode: live", "mode: rehearsal")
    new_bot.start_with(post("one", quoted, at=NINE + DAY))
    names = ("posts/sources/letter.txt", "posts/sources/letter.yaml")
    old = [(new_bot.tree.posts.parent / name).read_text() for name in names]
    new = [old[0].replace("Even children", "Even small children")]
    new_bot.approve("one")
    new_bot.tree.put(names[0], new[0])
    new_bot.tree.put(
        names[1],
        old[1].replace(sha256_of(old[0]), sha256_of(new[0])).replace("Even ch", "Even small ch"),
    )

    new_bot.watch()
    assert "Ann" not in approvers(new_bot, new_bot.row())

    for name, text in zip(names, old, strict=True):
        new_bot.tree.put(name, text)
    new_bot.watch()
    assert "Ann" not in approvers(new_bot, new_bot.row())


def approvers(bot: RunningBot, row: Delivery) -> set[str]:
    return {approval.by for approval in bot.store.approvals.standing(fingerprint=row.fingerprint)}


def test_a_changed_time_moves_the_delivery(fixed: RunningBot) -> None:
    ids = {row.id for row in fixed.rows()}
    fixed.write(post("one", at=NINE + DAY))

    fixed.watch()

    assert fixed.when() == ["08 09:00 b one", "08 09:00 m one"]
    assert {row.id for row in fixed.rows()} == ids


def test_a_changed_lateness_holds_for_what_is_planned(fixed: RunningBot) -> None:
    fixed.set("not_after: 15m", "not_after: 2m")

    fixed.watch()

    assert {row.not_after for row in fixed.rows()} == {NINE + 2 * MINUTE}


def test_a_changed_price_holds_for_what_is_planned(new_bot: RunningBot) -> None:
    new_bot.use("x")
    new_bot.start_with(post("one", at=NINE))
    new_bot.set("campaign: test", "campaign: test\nx_prices: {post: 1}")

    new_bot.watch()

    assert new_bot.row().cost_usd == 1


def test_a_moved_yearly_day_moves_its_delivery(new_bot: RunningBot) -> None:
    new_bot.start_with(post("day", 'every_year: {on: 12-09, at: "09:00"}'))
    new_bot.write(post("day", 'every_year: {on: 12-10, at: "10:00"}'))

    new_bot.watch()

    assert new_bot.when() == ["10 10:00 m day"]


def test_an_edit_changes_a_post_that_was_refused(fixed: RunningBot) -> None:
    fixed.servers["m"].fails(RejectedError("mastodon", "too long"))
    fixed.wait(NINE)
    fixed.write(post("one", at=NINE + DAY))

    fixed.watch()

    assert fixed.states() == {"one/b/0": "SENT", "one/m/0": "PLANNED"}


def test_a_held_post_that_was_edited_is_planned_again(new_bot: RunningBot) -> None:
    new_bot.start_with(post("one"), post("two"))
    new_bot.wait(NINE + MINUTE)
    new_bot.write(post("one", words="Said in quite another manner."), post("two"))

    new_bot.watch()

    assert new_bot.when() == ["08 09:00 m one", "09 09:00 m two"]
    assert set(new_bot.states().values()) == {"PLANNED"}


def test_a_held_post_whose_time_was_changed_is_planned_again(new_bot: RunningBot) -> None:
    new_bot.start_with(post("one", at=NINE))
    new_bot.wait(NINE)
    new_bot.write(post("one", at=NINE + DAY))

    new_bot.watch()

    assert new_bot.when() == ["08 09:00 m one"]
    assert new_bot.states() == {"one/m/0": "PLANNED"}


def test_a_held_post_that_was_removed_is_cancelled(new_bot: RunningBot) -> None:
    new_bot.start_with(post("one", at=NINE))
    new_bot.wait(NINE)
    new_bot.write()

    new_bot.watch()

    (gone,) = new_bot.rows("one", State.CANCELLED)
    assert gone.reason is CancelReason.REMOVED


@pytest.mark.parametrize("written", ["", post("one", words="Altogether different words.")])
def test_what_may_be_out_is_left_to_a_person(fixed: RunningBot, written: str) -> None:
    fixed.servers["m"].fails(UnconfirmedError("mastodon", "504"))
    fixed.servers["m"].unread.append(UnconfirmedError("mastodon", "not ours"))
    fixed.wait(NINE + MINUTE)
    (before,) = [row for row in fixed.rows() if row.account == "m"]
    assert before.state is State.HELD
    fixed.write(*filter(None, [written]))

    fixed.watch()

    assert before in fixed.rows()


# Threads


def test_a_thread_that_becomes_longer_is_planned_anew(new_bot: RunningBot) -> None:
    new_bot.start_with(thread("one", 2))
    before = len(new_bot.rows())
    new_bot.write(thread("one", 4))

    new_bot.watch()

    rows = new_bot.rows()
    assert 1 < before < len(rows)
    assert [row.part for row in rows] == list(range(len(rows)))
    assert [row.parent_id for row in rows[1:]] == [row.id for row in rows[:-1]]
    assert not replan(new_bot)


def test_a_thread_that_becomes_one_status_is_one(new_bot: RunningBot) -> None:
    new_bot.start_with(thread("one", 2))
    new_bot.write(post("one"))

    new_bot.watch()

    assert [(row.part, row.parts) for row in new_bot.rows()] == [(0, 1)]


def test_a_thread_that_began_stays_as_it_began(new_bot: RunningBot) -> None:
    new_bot.start_approved(thread("one", 3))
    new_bot.servers["m"].steps.append(_pause(new_bot))
    new_bot.wait(NINE)
    before = new_bot.rows()
    assert [row.state for row in before[:2]] == [State.SENT, State.HELD]
    new_bot.write(thread("one", 4))

    new_bot.watch()

    assert new_bot.rows() == before


def _pause(bot: RunningBot) -> PublishCall:
    return PublishCall(meanwhile=lambda: bot.desk.pause("stop", by="Ann"))


def test_the_rest_of_a_removed_thread_is_cancelled(new_bot: RunningBot) -> None:
    new_bot.start_approved(thread("one", 3))
    new_bot.servers["m"].steps.append(_pause(new_bot))
    new_bot.wait(NINE)
    new_bot.write()

    new_bot.watch()

    assert new_bot.states() == {"one/m/0": "SENT"}


# Accounts


def test_an_account_that_was_taken_away_gets_nothing_more(new_bot: RunningBot) -> None:
    new_bot.use("m", "b")
    new_bot.start_with(post("one", at=NINE), post("two", at=NINE + DAY))
    new_bot.wait(NINE)
    new_bot.use("m")

    new_bot.watch()

    assert {row.account for row in new_bot.rows()} == {"m"}


def test_what_is_in_doubt_on_an_account_taken_away_is_left_to_a_person(
    new_bot: RunningBot,
) -> None:
    new_bot.use("m", "b")
    new_bot.start_approved(post("one", at=NINE))
    new_bot.servers["b"].fails(UnconfirmedError("bluesky", "504"))
    new_bot.servers["b"].unread.extend([UnavailableError("bluesky", "502")] * 2)
    new_bot.wait(NINE)
    new_bot.use("m")

    new_bot.watch()
    new_bot.wait(NINE + MINUTE)

    held = next(row for row in new_bot.rows() if row.account == "b")
    assert held.evidence == "its account is no longer in the schedule"


# What a person took out


def test_what_a_person_cancelled_does_not_come_back(bot: RunningBot) -> None:
    bot.desk.cancel(bot.rows("one")[0].id, by="Ann")

    replan(bot)

    assert bot.when() == ["08 09:00 m two", "09 09:00 m three"]


def test_what_a_person_cancelled_comes_back_once_it_is_edited(fixed: RunningBot) -> None:
    for row in fixed.rows():
        fixed.desk.cancel(row.id, by="Ann", why="wrong name")
    replan(fixed)
    assert fixed.rows() == []
    fixed.write(post("one", at=NINE, words="With the right name this time."))

    fixed.watch()

    assert fixed.when() == ["07 09:00 b one", "07 09:00 m one"]


def test_a_requeued_post_gets_the_next_free_slot(bot: RunningBot) -> None:
    bot.wait(NINE + MINUTE)
    (held,) = bot.rows("one")
    bot.desk.resolve(held.id, "queue", by="Ann")

    replan(bot)

    assert bot.when() == ["08 09:00 m one", "09 09:00 m two", "10 09:00 m three"]
    assert not replan(bot)


def test_a_requeued_thread_comes_back_whole(new_bot: RunningBot) -> None:
    new_bot.start_with(thread("one", 3))
    new_bot.wait(NINE + MINUTE)
    first, *rest = new_bot.rows("one")
    new_bot.desk.resolve(first.id, "queue", by="Ann")

    replan(new_bot)

    assert [row.id for row in new_bot.rows("one")] == [one.id for one in (first, *rest)]
    assert {(row.state, row.due_at) for row in new_bot.rows("one")} == {(State.PLANNED, NINE + DAY)}


def test_what_was_back_in_its_queue_and_is_seen_to_be_out_is_not_planned_anew(
    bot: RunningBot,
) -> None:
    bot.wait(NINE + MINUTE)
    (held,) = bot.rows("one")
    bot.desk.resolve(held.id, "queue", by="Ann")
    # A restored database has it so; it had gone out at the slot that it got.
    bot.store.outbox.recognise(held.id, PostRef("1"), now=NINE + MINUTE)

    replan(bot)

    assert [(row.state, row.due_at) for row in bot.rows("one")] == [(State.SENT, None)]
    assert [row.due_at for row in bot.rows("two")] == [NINE + DAY]


def test_what_is_read_back_while_a_plan_is_made_is_not_planned_anew(
    new_bot: RunningBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_bot.start_approved(post("one"))
    new_bot.servers["m"].steps.append(PublishCall(UnconfirmedError("m", "cut"), keeps=False))
    new_bot.servers["m"].unread.append(UnavailableError("m", "away"))
    new_bot.wait(NINE)
    (row,) = new_bot.rows("one", State.UNKNOWN)
    new_bot.clock.advance(MINUTE)
    outbox, about = new_bot.store.outbox, {"now": NINE, "actor": "reconciler"}
    absent = Thread(target=outbox.move, args=(row.id, Event.CONFIRMED_ABSENT), kwargs=about)
    for_planning = outbox.for_planning

    def read() -> tuple[Delivery, ...]:
        rows = for_planning()
        absent.start()
        absent.join(0.2)
        return rows

    monkeypatch.setattr(outbox, "for_planning", read)

    replan(new_bot)

    absent.join()
    assert [each.id for each in new_bot.rows("one", State.READY, State.PLANNED)] == [row.id]


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
    # Hypothesis may end an example at any draw.
    with TemporaryDirectory() as folder, ExitStack() as ending:
        # Not in "data": the guard of the default data directory sees names only, as it is cleared.
        url = copied_database(migrated_file, Path(folder) / "state")
        bot = RunningBot(Path(folder), url)
        ending.callback(bot.stop)
        bot.start_with(post("one"), post("two"))
        sent: dict[str, Delivery] = {}
        for edit in edits:
            if edit == "write":
                names = data.draw(_NAMES)
                bot.write(*(post(name) for name in names))
                bot.watch_and_confirm()
            elif edit == "wait":
                bot.wait(bot.clock.now() + DAY)
            else:
                _decide(bot, edit)
            replan(bot)
            assert not replan(bot)
            now = {row.id: row for row in bot.rows("", State.SENT)}
            assert sent.items() <= now.items()
            sent = now
        texts = bot.servers["m"].texts
        assert len(texts) == len(set(texts)) == len(sent)


def _decide(bot: RunningBot, edit: str) -> None:
    held, planned = bot.rows("", State.HELD), bot.rows("", State.PLANNED)
    with suppress(DecisionError):  # approved before, say
        if edit == "approve" and planned:
            bot.approve(planned[0].post_id)
        elif edit == "cancel" and planned:
            bot.desk.cancel(planned[-1].id, by="Ann")
        elif edit == "requeue" and held:
            bot.desk.resolve(held[0].id, "queue", by="Ann")
