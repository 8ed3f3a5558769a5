"""What each account would show, with its pictures and cards as they will be uploaded."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from io import BytesIO

from PIL import Image

from bot.canonical import sha256_hex
from bot.content.quoting import found_at
from bot.delivery.model import CancelReason, State
from bot.errors import UnavailableError, UnconfirmedError
from bot.planning.excerpts import propose
from bot.platforms.mastodon import SPEC as MASTODON
from tests.fakes.running_bot import DAY, NINE, START, RunningBot, post

QUOTE = 'quote: {source: letter, text: "they are our friends"}'


def picture(bot: RunningBot, name: str = "a.png", color: str = "teal") -> bytes:
    path = bot.tree.posts / "media" / name
    path.parent.mkdir(exist_ok=True)
    Image.new("RGB", (400, 300), color).save(path)
    return path.read_bytes()


def test_a_picture_is_kept_cleaned_under_the_hash_of_what_is_sent(new_bot: RunningBot) -> None:
    picture(new_bot)
    new_bot.write(post("one", 'media: [{file: media/a.png, alt: "A wall"}]', at=NINE))

    new_bot.start()

    (shown,) = new_bot.row().status.pictures
    kept = new_bot.store.media.get(shown.sha256)
    assert (shown.alt, shown.width, shown.height, shown.size) == ("A wall", 400, 300, len(kept))
    assert Image.open(BytesIO(kept)).size == (400, 300)


def test_each_account_gets_its_own_pictures(new_bot: RunningBot) -> None:
    new_bot.use("m", "b")
    picture(new_bot)
    picture(new_bot, "b.png", "red")
    new_bot.write(
        post(
            "one", 'media: [{file: media/a.png, alt: "Teal"}]',
            'variants: {b: {media: [{file: media/b.png, alt: "Red"}]}, m: {text: "Short."}}',
            at=NINE,
        )
    )  # fmt: skip

    new_bot.start()

    alts = {row.account: [one.alt for one in row.status.pictures] for row in new_bot.rows()}
    assert alts == {"m": ["Teal"], "b": ["Red"]}


def test_a_quote_card_is_drawn_once_and_kept(new_bot: RunningBot) -> None:
    new_bot.write(post("one", QUOTE, "card: true", at=NINE))

    new_bot.start()

    (card,) = new_bot.row().status.pictures
    assert "they are our friends" in card.alt
    assert sha256_hex(new_bot.store.media.get(card.sha256)) == card.sha256
    assert new_bot.row().publication.form == "card"
    assert not new_bot.services.planner.apply(new_bot.services.contents.rendered, days=35)


def test_a_picture_that_a_server_cannot_take_is_left_out_there(new_bot: RunningBot) -> None:
    new_bot.use("m", "b")
    picture(new_bot)
    described = f'media: [{{file: media/a.png, alt: "{"A wall of bricks. " * 20}"}}]'
    new_bot.start_with(post("one", described, at=NINE))
    new_bot.servers["m"].limits = replace(MASTODON.limits, max_alt=10)

    new_bot.wait(START)
    new_bot.watch()

    assert [row.account for row in new_bot.rows()] == ["b"]
    assert new_bot.services.contents.left_out() == {"m": ["one"]}


def test_other_limits_of_a_server_are_told_as_the_reason_for_another_text(
    new_bot: RunningBot,
) -> None:
    words = " ".join(f"word{number}" for number in range(60))
    new_bot.start_approved(post("one", "thread: true", words=words, at=NINE), post("two", at=NINE))
    new_bot.servers["m"].limits = replace(MASTODON.limits, max_length=300)

    new_bot.wait(START)
    new_bot.watch()

    # Of one part, and now of two: what was planned is planned anew.
    (old,) = new_bot.rows("one", State.CANCELLED)
    assert old.reason is CancelReason.LIMITS
    assert {row.parts for row in new_bot.rows("one")} == {2}
    assert [row.reason for row in new_bot.rows("two", *State)] == [None]
    new_bot.write(post("two", at=NINE, words="Quite other words than those."))
    new_bot.watch()
    reasons = [move.reason for move in new_bot.store.outbox.moves_of(new_bot.row().id)]
    assert reasons[-1] == CancelReason.EDITED


def test_a_link_post_skips_an_account_without_links_and_its_cost_is_told(
    new_bot: RunningBot,
) -> None:
    new_bot.use(
        "m", x="{platform: x, links: never, automated_label_confirmed: 2026-01-01, owner: Us, "
        "consent: {by: Us, on: 2026-01-01}}",
    )  # fmt: skip
    new_bot.start_with(post("one", "link: known", at=NINE), post("two", at=NINE + DAY))

    assert [(row.account, row.post_id) for row in new_bot.rows()] == [
        ("m", "one"), ("m", "two"), ("x", "two"),
    ]  # fmt: skip
    whole = new_bot.services.contents.rendered
    (_, skipped), (free, paid) = (whole.texts_of(one) for one in whole.campaign.posts)
    assert "links: never" in skipped.why_not
    assert (whole.cost_of_all(free), whole.cost_of_all(paid)) == (0, 0.015)
    assert paid.max_length == 280


def test_what_was_begun_once_goes_out_as_it_was_begun(new_bot: RunningBot) -> None:
    new_bot.start_approved(post("one", at=NINE))
    new_bot.servers["m"].fails(UnconfirmedError("mastodon", "504"))
    new_bot.servers["m"].blind = 5
    new_bot.servers["m"].fails(UnavailableError("mastodon", "refused"))
    new_bot.wait(NINE + timedelta(seconds=300))
    (before,) = new_bot.rows()
    assert (before.state, before.attempts) == (State.READY, 1)
    new_bot.write(post("one", at=NINE, words="Quite other words than those."))

    new_bot.watch()

    assert new_bot.rows() == [before]


def test_where_it_was_sent_is_told_though_its_file_is_gone(new_bot: RunningBot) -> None:
    quote = 'quote: {source: letter, text: "they are our friends"}'
    new_bot.start_approved(post("one", quote, at=NINE))
    new_bot.wait(NINE)
    campaign = new_bot.services.contents.campaign()
    letter = campaign.sources["letter"]
    start = letter.text.index("they are our friends")
    found = found_at(letter, start, start + 20)

    made = propose(
        found, "they are our friends", desk=new_bot.dashboard.deskcheck,
        campaign=replace(campaign, posts=()), outbox=new_bot.store.outbox,
        now=new_bot.clock.now(),
    )  # fmt: skip

    (earlier,) = made.earlier
    assert (earlier.id, earlier.is_same, earlier.is_sent) == ("one", True, True)
    assert earlier.places[0].startswith("sent on m ")
    assert earlier.places[-1] == "in no file any more"
