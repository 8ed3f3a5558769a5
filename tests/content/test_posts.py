"""Entries of posts/**/*.yaml become posts, or say at once all that is wrong with them."""

from datetime import UTC, datetime, time, timedelta

import pytest

from bot.content.model import EveryYear, MediaFile, Place, Post, Quote, Variant
from tests.fakes.campaign_tree import LETTER, CampaignTree, picture, sha256_of
from tests.fakes.mistakes import mistakes


def test_every_key_is_read(tree: CampaignTree) -> None:
    tree.put("posts/media/card.png", picture(30, 20))
    tree.put_post(
        "text: Own words.",
        "quote: {source: letter, text: We welcome any questions.}",
        "link: known",
        "theme: asking",
        "at: 2026-12-09 09:00",
        "accounts: [blue, masto]",
        "lang: en-GB",
        "warning: Mind.",
        "media: [{file: media/card.png, alt: A card.}]",
        "card: true",
        "thread: true",
        "variants:",
        "  blue: {text: Other words., link: none, media: []}",
        "  mastodon: {warning: Other., link: letter, card: false, thread: false}",
        "author: someone",
        "status: draft",
        "not_after: 2h",
        "note: Ask first.",
    )
    file = str(tree.posts / "p.yaml")
    start = LETTER.index("We welcome")

    post = tree.post()

    assert post == Post(
        id="p",
        text="Own words.",
        quote=Quote(
            *("letter", "We welcome any questions."),
            source_sha256=sha256_of(LETTER),
            fragments=((start, start + 25),),
        ),
        link="known",
        theme="asking",
        at=datetime(2026, 12, 9, 14, 0, tzinfo=UTC),
        accounts=("masto", "blue"),
        lang="en-GB",
        warning="Mind.",
        media=(
            MediaFile("media/card.png", "A card.", post.media[0].sha256, "image/png", 30, 20, 16),
        ),
        card=True,
        thread=True,
        variants={
            "blue": Variant("Other words.", link="", media=()),
            "mastodon": Variant(link="letter", warning="Other.", card=False, thread=False),
        },
        author="someone",
        status="draft",
        graphic=True,
        not_after=timedelta(hours=2),
        note="Ask first.",
        place=Place(file, 2, 5),
        places=post.places,
    )


def test_what_is_left_out_has_a_plain_meaning(tree: CampaignTree) -> None:
    tree.put_post("text: Words.", "queue: main")

    post = tree.post()

    assert post.accounts == ("masto", "blue")
    assert (post.lang, post.ready, post.graphic, post.warning) == ("en", True, False, None)
    assert (post.queue, post.at, post.every_year) == ("main", None, None)
    assert (post.quote, post.link, post.media, post.variants) == (None, "", (), {})


def test_every_key_has_its_place(tree: CampaignTree) -> None:
    tree.put("posts/media/a.png", picture())
    tree.put_post(
        "text: Words.",
        "queue: main",
        "media: [{file: media/a.png, alt: A}]",
        "variants: {blue: {text: B}}",
    )

    places = tree.post().places

    assert {key: (place.line, place.column) for key, place in places.items()} == {
        "id": (2, 9),
        "text": (3, 11),
        "queue": (4, 12),
        "media": (5, 12),
        "media[0]": (5, 13),
        "media[0].file": (5, 20),
        "media[0].alt": (5, 38),
        "variants": (6, 15),
        "variants.blue": (6, 22),
        "variants.blue.text": (6, 29),
    }
    assert {place.file for place in places.values()} == {str(tree.posts / "p.yaml")}


def test_posts_come_in_the_order_of_paths_and_lines(tree: CampaignTree) -> None:
    tree.put_post("text: Words.", "queue: main", "- id: q", "  text: More.", "  queue: main")
    text = (tree.posts / "p.yaml").read_text().replace("    - id: q", "  - id: q")
    tree.put("posts/p.yaml", text.replace("      text: More.", "    text: More."))
    tree.put("posts/a/b/c.yaml", "posts: [{id: deep, text: x, queue: main}]")
    tree.change("posts/p.yaml", "      queue", "    queue")

    assert [post.id for post in tree.campaign().posts] == ["deep", "first", "p", "q"]


PAST = "is past, so nothing is sent for it any more"


@pytest.mark.parametrize(
    "typed",
    [
        *("no", "on", "12:30", "017", "1_000", "1e3", ".inf", "~", "null"),
        *("🕊️", "https://example.org/known", "ئۇيغۇرلار", "我们", "می\u200cخواهم"),
    ],
)
def test_a_text_of_any_script_is_exactly_what_was_typed(tree: CampaignTree, typed: str) -> None:
    tree.put_post(f"text: {typed}", "queue: main")

    assert tree.post().text == typed


def test_a_block_of_text_loses_only_its_last_line_break(tree: CampaignTree) -> None:
    tree.put_post("queue: main", "text: |", "  One.", "", "  Two.")

    assert tree.post().text == "One.\n\nTwo."


def test_the_language_is_the_sources(tree: CampaignTree) -> None:
    tree.change("posts/sources/letter.yaml", "title: Open", "lang: ug\ntitle: Open")

    assert tree.post("first").lang == "ug"


def test_a_passage_that_its_source_calls_graphic_makes_the_post_graphic(tree: CampaignTree) -> None:
    tree.put_post("quote: {source: letter, text: Even children}", "queue: main")

    assert tree.post().graphic
    assert not tree.post("first").graphic


def test_a_day_of_every_year_is_read(tree: CampaignTree) -> None:
    tree.put_post("text: Words.", 'every_year: {on: 12-09, at: "09:00"}')

    assert tree.post().every_year == EveryYear((12, 9), time(9, 0))


def test_the_last_of_february_comes_with_a_notice(tree: CampaignTree) -> None:
    tree.put_post("text: Words.", 'every_year: {on: 02-29, at: "09:00"}')

    assert tree.problems() == [
        "posts/p.yaml:4:17: notice: p.every_year: 02-29 comes in leap years only"
    ]


@pytest.mark.parametrize(
    ("at", "utc", "warning"),
    [
        ("2026-12-09 09:00", "2026-12-09 14:00", ""),
        ("2026-12-09 09:00:30", "2026-12-09 14:00:30", ""),
        ("2026-12-09 09:00-05:00", "2026-12-09 14:00", ""),
        (
            "2026-12-09 09:00+01:00",
            "2026-12-09 08:00",
            "2026-12-09 09:00 with this offset is 2026-12-09 03:00 in America/New_York (-05:00); "
            "if that is not meant, leave the offset out",
        ),
        (
            "2027-11-07 01:30",
            "2027-11-07 05:30",
            "2027-11-07 01:30 comes twice in America/New_York; the first is taken (-04:00), "
            "write -05:00 behind it for the second",
        ),
        ("2027-11-07 01:30-05:00", "2027-11-07 06:30", ""),
        ("2025-12-09 09:00", "2025-12-09 14:00", f"{PAST}; write a time to come"),
    ],
)
def test_a_moment_is_one_instant_and_what_is_odd_is_said(
    tree: CampaignTree, at: str, utc: str, warning: str
) -> None:
    tree.put_post("text: Words.", f"at: {at}")

    assert tree.post().at == datetime.fromisoformat(utc).replace(tzinfo=UTC)
    assert tree.problems() == ([f"posts/p.yaml:4:9: warning: p.at: {warning}"] if warning else [])


def test_a_date_far_ahead_is_taken_once_it_is_confirmed(tree: CampaignTree) -> None:
    tree.put_post("text: Words.", "at: 2030-12-09 09:00", "confirm: true")

    assert tree.problems() == []


#: Further lines of a post with a text, and what is told of them.
MISTAKES = """
queue: main|txet: Words.
    5:5: p.txet: no such key 'txet'; did you mean 'text'?
theme: asking
    2:5: p: says not when; write one of queue, at or every_year
queue: main|at: 2026-12-09 09:00
    5:9: p.at: queue says when already; keep one of queue, at and every_year
queue: mian
    4:12: p.queue: no queue 'mian'; did you mean 'main'?
queue: main|accounts: [masot]
    5:16: p.accounts[0]: no account 'masot'; did you mean 'masto'?
queue: main|accounts: [mastodon]
    5:16: p.accounts[0]: no account 'mastodon'; that is a platform, write its account: masto
queue: main|accounts: []
    5:15: p.accounts: is empty; accounts that it goes to; all, where left out
queue: main|accounts: [masto, masto]
    5:23: p.accounts[1]: 'masto' stands here twice; keep one
queue: main|link: knwon
    5:11: p.link: no investigation or source 'knwon'; did you mean 'known'?
queue: main|link: lost
    5:11: p.link: 'lost' has no address yet, so it cannot be posted;
    find the address and write it where it is described
queue: main|link: "https://example.org/known"
    5:11: p.link: 'https://example.org/known' does not fit; write known
queue: main|link: "https://example.org/other"
    5:11: p.link: 'https://example.org/other' does not fit;
    write the id of an investigation or source, and the address where that is described
queue: main|card: true
    5:11: p.card: a quote card is drawn from a quotation, and there is none
queue: main|variants: {blue: {card: true}}
    5:29: p.variants.blue.card: a quote card is drawn from a quotation, and there is none
queue: main|variants: {bleu: {text: y}}
    5:16: p.variants.bleu: no account or platform 'bleu'; did you mean 'blue'?
queue: main|accounts: [masto]|variants: {bluesky: {text: y}}
    6:25: p.variants.bluesky: the post does not go there; see its accounts
queue: main|variants: {blue: {quote: y}}
    5:23: p.variants.blue.quote: no such key 'quote';
    a variant may change what stands around a quotation, never it
queue: main|warning: #Uyghur
    5:13: p.warning: has no value (what follows a # is a comment); write text
queue: main|thread: yes
    5:13: p.thread: 'yes' is neither; write true
queue: main|status: redy
    5:13: p.status: 'redy' is none of these; did you mean 'ready'?
queue: main|lang: english
    5:11: p.lang: 'english' is no language's code; write en
every_year: 12-09
    4:17: p.every_year: is a single value; write {on: 12-09, at: "09:00"}
queue: main|media: media/a.png
    5:12: p.media: is a single value; write [{file: media/a.png, alt: "what it shows"}]
queue: main|accounts: all
    5:15: p.accounts: is a single value;
    write no `accounts` at all: a post goes to each account without it
every_year: {on: 02-30, at: 09:00}
    4:22: p.every_year.on: '02-30' comes in no year:
    day is out of range for month; write a month and a day such as 12-09
every_year: {on: 03-14, at: "02:30"}
    4:17: p.every_year: 2027-03-14 02:30 does not exist in America/New_York,
    where clocks go forward; write 03:30, or another time
at: 2026-13-45 10:00
    4:9: p.at: '2026-13-45' is no date: month must be in 1..12; write a date such as 2026-12-09
at: 2027-03-14 02:30
    4:9: p.at: 2027-03-14 02:30 does not exist in America/New_York,
    where clocks go forward; write 03:30, or another time
at: 2029-12-09 09:00
    4:9: p.at: 2029-12-09 is more than two years ahead; if that is meant, add `confirm: true`
"""


@pytest.mark.parametrize(("lines", "problem"), mistakes(MISTAKES))
def test_one_mistake_is_one_clear_line(tree: CampaignTree, lines: str, problem: str) -> None:
    tree.put_post("text: x", *lines.split("|"))

    assert tree.errors() == [f"posts/p.yaml:{problem}"]


#: Lines of a post with a queue and no text yet.
NOTHING_TO_SAY = """
theme: asking
    2:5: p: has nothing to say; write text or quote
text: [x]
    4:11: p.text: is a list; write text
text: "  "
    4:11: p.text: has nothing that can be seen; write text, or take the key out
quote: {source: leter, text: x}
    4:21: p.quote.source: no source 'leter'; did you mean 'letter'?
quote: {source: letter, text: our mother}
    4:35: p.quote.text: “our mother” ends inside a word of 'letter'; whole words: “our mothers”
"""


@pytest.mark.parametrize(("line", "problem"), mistakes(NOTHING_TO_SAY))
def test_a_post_says_what_can_be_read(tree: CampaignTree, line: str, problem: str) -> None:
    tree.put_post("queue: main", line)

    assert tree.errors() == [f"posts/p.yaml:{problem}"]


def test_a_draft_may_wait_for_an_address(tree: CampaignTree) -> None:
    tree.put_post("text: x", "queue: main", "link: lost", "status: draft")

    assert tree.errors() == []
    assert tree.post().link == "lost"


def test_an_id_is_unique_over_all_files_and_both_places_are_named(tree: CampaignTree) -> None:
    tree.put("posts/z/again.yaml", "posts:\n  - {id: first, text: x, queue: main}\n")

    assert tree.errors() == [
        "posts/z/again.yaml:2:10: first.id: id 'first' is taken in "
        f"{tree.posts}/main.yaml, line 2; every post has its own id, for ever".replace(
            f"{tree.posts}/", "posts/"
        )
    ]


def test_an_id_can_stand_in_an_address(tree: CampaignTree) -> None:
    tree.put("posts/p.yaml", "posts:\n  - {id: a/b, text: x, queue: main}\n")

    (problem,) = tree.errors()

    assert problem.startswith("posts/p.yaml:2:10: ")
    assert "write a-b (small letters of one script, digits and hyphens" in problem


NO_POSTS = """
# soon
    1:1: the file is empty; write `posts:` at its beginning
null
    1:1: the file is a single value; write `posts:` at its beginning
- id: p
    1:1: the file is a list; write `posts:` at its beginning
posts:
    1:7: posts: is no list; begin each entry with a dash: `- id: …`
posts: {id: p}
    1:8: posts: is no list; begin each entry with a dash: `- id: …`
post: []
    1:1: post: no such key 'post'; did you mean 'posts'?
posts: [text]
    1:9: posts[0]: is a single value; write keys and values, such as `key: value`
posts: [{text: x, queue: main}]
    1:9: posts[0].id: missing; a short name that stays the same for ever
"""


@pytest.mark.parametrize(("content", "problem"), mistakes(NO_POSTS))
def test_a_file_without_posts_says_so_and_spoils_no_other(
    tree: CampaignTree, content: str, problem: str
) -> None:
    tree.put("posts/p.yaml", content)

    assert f"posts/p.yaml:{problem}" in tree.errors()
    assert all(one.startswith("posts/p.yaml:") for one in tree.errors())


def test_mistakes_of_all_posts_and_files_are_told_at_once(tree: CampaignTree) -> None:
    tree.put("posts/a.yaml", "posts:\n  - {id: a, text: x}\n  - {id: b, queue: main, card: 1}\n")
    tree.put_post("quote: {source: letter, text: our mother}", "queue: mian", "theme: X")

    assert [one.split(" ")[1] for one in tree.errors()] == [
        *("a:", "b:", "b.card:"),
        *("p.quote.text:", "p.queue:", "p.theme:"),
    ]


def test_themes_are_free_unless_the_schedule_lists_them(tree: CampaignTree) -> None:
    tree.put_post("text: x", "queue: main", "theme: familes")
    assert tree.errors() == []

    tree.change("schedule.yaml", "campaign: test", "campaign: test\nthemes: [families]")

    assert tree.errors() == [
        "posts/p.yaml:5:12: p.theme: no theme 'familes' in the schedule; did you mean 'families'?"
    ]


def test_where_the_schedule_cannot_be_read_posts_are_still_checked(tree: CampaignTree) -> None:
    tree.put("schedule.yaml", "campaign: &x test\n")
    tree.put_post("quote: {source: letter, text: our mother}", "queue: any")

    assert [one.partition(" ")[0] for one in tree.errors()] == [
        "posts/p.yaml:3:35:",
        "schedule.yaml:1:11:",
    ]


def test_where_a_part_of_the_schedule_is_no_mapping_its_names_are_not_missed(
    tree: CampaignTree,
) -> None:
    tree.change("schedule.yaml", "queues:\n  main: {slots: [morning]}", "queues: [main]")

    assert tree.errors() == [
        "schedule.yaml:8:9: queues: is a list; write keys and values, such as `key: value`"
    ]
