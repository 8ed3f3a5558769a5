from dataclasses import replace
from typing import Any

import pytest

from bot.content.model import Account, MediaFile, Post, Variant
from bot.platforms.measuring import graphemes
from bot.platforms.spec import Limits, PlatformSpec
from bot.platforms.status import FacetKind, Picture, Status
from bot.rendering.cards.pictures import PreparedPictures
from bot.rendering.layout import marks_for, own_marks
from bot.rendering.render import RenderedText, render
from bot.rendering.versions import Version
from tests.fakes.written import (
    ADDRESS,
    ATTRIBUTION,
    BLUESKY,
    INVESTIGATION,
    LETTER_TEXT,
    MASTODON,
    PICTURE,
    SPECS,
    X,
    campaign,
    post,
    source,
    stretch,
)

STOP = "We ask that you stop."
ENDLESS = source("w" * 300 + ".")
ADDRESSLESS = replace(INVESTIGATION, address="")


def shown(written: Post, spec: PlatformSpec = MASTODON, **context: Any) -> RenderedText:
    limits = context.pop("limits", spec.limits)
    account = context.pop("account", Account(f"on-{spec.name}", spec.name))
    pictures = context.pop("pictures", None)
    world = context.pop("world", None) or campaign(written, **context)
    return render(written, account, campaign=world, spec=spec, limits=limits, pictures=pictures)


def one(rendered: RenderedText) -> Status:
    assert rendered.problems == ()
    assert rendered.skipped == ""
    assert len(rendered.statuses) == 1
    return rendered.statuses[0]


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (post(STOP), f"“{STOP}”\n{ATTRIBUTION}"),
        (post(STOP, text="Six years on."), f"Six years on.\n\n“{STOP}”\n{ATTRIBUTION}"),
        (post(text="Read on.", link="camera-report"), "Read on.\nhttps://paper.org/rooms"),
    ],
)
def test_own_words_the_quotation_its_attribution_and_the_link_follow_each_other(
    written: Post, text: str
) -> None:
    assert one(shown(written)).text == text


def test_a_link_in_the_text_is_marked() -> None:
    status = one(shown(post(text="Read on.", link="camera-report")))

    assert [facet.value for facet in status.facets] == ["https://paper.org/rooms"]


def test_a_link_to_the_quoted_source_opens_at_the_quoted_words() -> None:
    status = one(shown(post(STOP, link="letter")))

    assert status.text.endswith(f"\n{ADDRESS}#:~:text=We%20ask%20that%20you%20stop")


def test_a_link_to_another_page_carries_no_text_fragment() -> None:
    assert one(shown(post(STOP, link="camera-report"))).text.endswith("\n" + INVESTIGATION.address)


def test_where_links_are_cards_the_link_is_not_in_the_text() -> None:
    status = one(shown(post(STOP, link="letter"), BLUESKY))

    assert "https" not in status.text
    assert status.card is not None
    assert status.card.url.startswith(ADDRESS + "#:~:text=")
    assert (status.card.title, status.card.description) == (
        "The letter",
        "To the makers of cameras",
    )


def test_the_card_of_an_investigation_has_its_title_and_what_it_is_about() -> None:
    card = one(shown(post(text="Read.", link="camera-report"), BLUESKY)).card

    assert card is not None
    assert (card.title, card.description) == (INVESTIGATION.title, INVESTIGATION.about)


def test_beside_pictures_the_link_stands_short_in_the_text_and_leads_to_the_whole() -> None:
    status = one(shown(post(STOP, link="letter", media=(PICTURE,)), BLUESKY))

    assert status.card is None
    assert status.text.endswith("\nhouses.org/letter")
    facet = status.facets[-1]
    assert facet.kind is FacetKind.LINK
    assert facet.value.startswith(ADDRESS + "#:~:text=")
    assert status.text.encode()[facet.start : facet.end] == b"houses.org/letter"


@pytest.mark.parametrize(
    ("spec", "folded", "begin"),
    [(MASTODON, "Violence", "“"), (X, None, "Violence\n\n“"), (BLUESKY, None, "Violence\n\n“")],
)
def test_a_warning_is_folded_where_a_platform_folds_and_the_first_line_elsewhere(
    spec: PlatformSpec, folded: str | None, begin: str
) -> None:
    status = one(shown(post(STOP, warning="Violence"), spec))

    assert (status.warning, status.sensitive) == (folded, True)
    assert status.text.startswith(begin)


def test_a_folded_warning_counts_to_the_length() -> None:
    status = one(shown(post(STOP, warning="Violence")))

    assert MASTODON.length_of(status, MASTODON.limits) == graphemes(status.text) + 8


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("we cannot look away.", "…“we cannot look away.”"),
        ("They don’t sleep", "“They don’t sleep”…"),
        ("don’t sleep", "…“don’t sleep”…"),
        ("The years-long watch has no end.", "“The years-long watch has no end.”"),
        ("We wait…", "“We wait…”"),
        ("Some were ‘taught’ by force […] We wait…", "“Some were ‘taught’ by force […] We wait…”"),
    ],
)
def test_the_ellipsis_of_a_cut_stands_outside_of_the_marks(part: str, expected: str) -> None:
    assert one(shown(post(part))).text == f"{expected}\n{ATTRIBUTION}"


@pytest.mark.parametrize(
    ("text", "begin"),
    [
        ("They see “everything” here.", "‘They see “everything” here.’"),
        ("It was “a ‘big’ thing” there.", "«It was “a ‘big’ thing” there.»"),
        ("a “b” ‘c’ «d» ‹e› 「f」.", "“a “b” ‘c’ «d» ‹e› 「f」.”"),  # none is left
        ("They don’t see “it” here.", "‘They don’t see “it” here.’"),
    ],
)
def test_marks_differ_from_those_inside(text: str, begin: str) -> None:
    own = source(text)

    assert one(shown(post(text, of=own), sources=[own])).text.startswith(begin)


def test_each_status_says_where_its_words_stand_in_the_source() -> None:
    status = one(shown(post("They don’t sleep […] We wait…")))

    assert [(span.start, span.end) for span in status.spans] == [
        stretch(LETTER_TEXT, "They don’t sleep"),
        stretch(LETTER_TEXT, "We wait…"),
    ]
    assert {span.section for span in status.spans} == {"paragraph 2"}


def test_an_accounts_variant_wins_over_its_platforms_field_by_field() -> None:
    written = post(
        STOP,
        text="For all.",
        warning="Care",
        variants={
            "mastodon": Variant(text="For Mastodon.", warning="Care there"),
            "on-mastodon": Variant(text="For this one."),
        },
    )

    status = one(shown(written))

    assert status.text.startswith("For this one.\n\n“")
    assert status.warning == "Care there"


PLAIN = one(shown(post(STOP))).text


@pytest.mark.parametrize(
    "written",
    [
        post(STOP, variants={"x": Variant(text="For X.")}),
        post(STOP, link="letter", variants={"mastodon": Variant(link="")}),
        post(STOP, text="For all.", variants={"mastodon": Variant(text="")}),
    ],
    ids=["of another platform", "takes the link away", "takes own words away"],
)
def test_a_variant_may_take_away_and_changes_nothing_elsewhere(written: Post) -> None:
    assert one(shown(written)).text == PLAIN


class TestAccountsWithoutLinks:
    account = Account("on-x", "x", links="never")

    def test_the_link_of_the_quoted_source_is_left_out_silently(self) -> None:
        status = one(shown(post(STOP, link="letter"), X, account=self.account))

        assert status.text == f"“{STOP}”\n{ATTRIBUTION}"

    def test_another_link_post_is_skipped_with_its_reason(self) -> None:
        rendered = shown(post(text="Read.", link="camera-report"), X, account=self.account)

        assert rendered.statuses == ()
        assert "on-x has `links: never`" in rendered.skipped
        assert "'camera-report'" in rendered.skipped

    def test_a_variant_without_the_link_goes_there(self) -> None:
        written = post(
            text="Read.", link="camera-report", variants={"on-x": Variant(text="S.", link="")}
        )

        assert one(shown(written, X, account=self.account)).text == "S."

    def test_a_link_in_the_words_is_a_link_too(self) -> None:
        rendered = shown(post(text="See paper.org/rooms there"), X, account=self.account)

        assert "a link in its text" in rendered.skipped


class TestProblems:
    def test_what_is_too_long_says_by_how_much_and_where(self) -> None:
        rendered = shown(post(text="word " * 61 + "end", id="long"), BLUESKY)

        assert [str(problem) for problem in rendered.problems] == [
            "posts/a.yaml:3:11: long.text: 308 of 300 characters (8 too many) on on-bluesky "
            "(Bluesky); shorten it, add `thread: true`, say less in "
            "`variants: {on-bluesky: {text: …}}`, or leave on-bluesky out of `accounts:` [too-long]"
        ]
        assert (rendered.lengths, rendered.max_length) == ((308,), 300)

    @pytest.mark.parametrize(
        ("rendered", "says"),
        [
            (
                shown(post(text="word " * 80, thread=True), X),
                "give on-x `threads: true` in schedule.yaml",
            ),
            (shown(post(text="ئۇيغۇر " * 6), BLUESKY, limits=Limits(300, 40)), "77 of 40 bytes"),
            (
                shown(post(STOP), account=Account("on-mastodon", "mastodon", max_length=20)),
                "of 20 characters",
            ),
            (shown(post(STOP, media=(PICTURE,) * 4, card=True)), "5 of 4 pictures"),
            (
                shown(post(text="R.", link="camera-report"), investigations=[ADDRESSLESS]),
                "no known address",
            ),
            (shown(post()), "nothing to say"),
            (shown(post(STOP), sources=[source(id="other")]), "no such source 'letter'"),
        ],
    )
    def test_what_cannot_be_posted_says_why(self, rendered: RenderedText, says: str) -> None:
        assert says in rendered.problems[0].message

    def test_a_problem_of_a_variant_points_to_the_variant(self) -> None:
        written = post(text="Short.", variants={"x": Variant(text="word " * 80)})

        assert shown(written, X).problems[0].where == "a-post.variants.x.text"

    @pytest.mark.parametrize(
        ("alt", "says"), [(" ", "describe the picture"), ("a" * 1501, "1501 of 1500 characters")]
    )
    def test_a_picture_has_an_alternative_text_that_fits(self, alt: str, says: str) -> None:
        (problem,) = shown(post(text="Look.", media=(replace(PICTURE, alt=alt),))).problems

        assert problem.where == "a-post.media[0].alt"
        assert says in problem.message


class TestThreads:
    whole = LETTER_TEXT[LETTER_TEXT.index("We ask") : LETTER_TEXT.index("\n\nFour Houses")]

    def parts(self, spec: PlatformSpec = BLUESKY, **changes: Any) -> tuple[Status, ...]:
        written = post(self.whole, thread=True, **changes)
        account = Account(f"on-{spec.name}", spec.name, own={"threads": True})
        rendered = shown(written, spec, account=account)
        assert rendered.problems == ()
        return rendered.statuses

    @pytest.mark.parametrize("spec", SPECS.values(), ids=lambda one: one.name)
    def test_every_part_fits_and_has_warning_and_attribution(self, spec: PlatformSpec) -> None:
        for status in self.parts(spec, warning="Care", text="The whole letter:"):
            assert spec.length_of(status, spec.limits) <= spec.limits.max_length
            assert status.warning == "Care" or status.text.startswith("Care\n\n")
            assert (ATTRIBUTION in status.text) == bool(status.spans)
            assert status.sensitive

    @pytest.mark.parametrize("spec", SPECS.values(), ids=lambda one: one.name)
    def test_the_parts_quote_all_of_the_passage_and_nothing_twice(self, spec: PlatformSpec) -> None:
        spans = [span for status in self.parts(spec) for span in status.spans]

        ends = [span.end for span in spans]
        starts = [span.start for span in spans]
        gaps = [LETTER_TEXT[a:b] for a, b in zip(ends, starts[1:], strict=False)]
        assert all(gap.strip() == "" for gap in gaps)
        assert LETTER_TEXT[starts[0] : ends[-1]] == self.whole

    def test_pictures_stand_on_the_first_part_and_the_link_on_the_last(self) -> None:
        first, *_, last = self.parts(media=(PICTURE,), link="letter")

        assert (len(first.pictures), first.card) == (1, None)
        assert last.pictures == ()
        assert last.card is not None

    def test_own_words_stand_beside_the_first_sentence_where_they_fit(self) -> None:
        first = self.parts(text="The whole letter:")[0]

        assert first.text.startswith("The whole letter:\n\n‘We ask that you stop.")

    def test_own_words_that_leave_no_room_for_a_sentence_stand_alone(self) -> None:
        first = self.parts(text="word " * 50 + "end.")[0]

        assert first.text == "word " * 50 + "end."
        assert first.spans == ()

    def test_own_words_stand_alone_before_a_sentence_would_be_cut_for_them(self) -> None:
        sentence = "word " * 40 + "end."
        own = source(sentence + " More words follow here.")
        written = post(own.text, of=own, text="Own " * 12, thread=True)

        statuses = shown(written, BLUESKY, sources=[own]).statuses

        assert statuses[0].text == ("Own " * 12).strip()
        assert statuses[1].text.startswith(f"“{sentence}")

    def test_long_own_words_are_cut_and_all_of_them_go_out(self) -> None:
        words = " ".join(f"word{number}." for number in range(100))

        rendered = shown(post(text=words, thread=True, link="camera-report"), BLUESKY)

        assert len(rendered.statuses) > 1
        assert " ".join(status.text for status in rendered.statuses) == words
        assert rendered.statuses[-1].card is not None

    def test_a_post_that_fits_is_no_thread(self) -> None:
        assert len(shown(post(STOP, thread=True)).statuses) == 1

    @pytest.mark.parametrize(
        ("quoted", "length"),
        [(f"{'a' * 60} {'b' * 60} {'c' * 59}.", 240), ("w" * 150 + ".", 210)],
        ids=["a sentence", "a word"],
    )
    def test_a_link_too_much_gets_a_part_of_its_own_before_what_is_quoted_is_torn(
        self, quoted: str, length: int
    ) -> None:
        own = source(quoted + " More.")
        written = post(quoted, of=own, thread=True, link="letter")

        first, last = shown(written, limits=Limits(length), sources=[own]).statuses

        assert first.text.startswith(f"“{quoted}”")
        assert ATTRIBUTION in first.text
        assert last.text.startswith(ADDRESS)

    def test_own_words_with_a_link_too_much_are_cut_once_more(self) -> None:
        written = post(text="One sentence is here. Another one.", link="camera-report", thread=True)

        statuses = shown(written, limits=Limits(40)).statuses

        assert [one.text for one in statuses] == [
            "One sentence is here.",
            "Another one.\nhttps://paper.org/rooms",
        ]

    def test_a_text_that_only_its_pictures_link_makes_too_long_gets_a_part_for_the_link(
        self,
    ) -> None:
        written = post(
            text="word " * 59 + "end.", link="camera-report", media=(PICTURE,), thread=True
        )

        first, last = shown(written, BLUESKY).statuses

        assert (len(first.pictures), first.card, last.text) == (1, None, "")
        assert last.card is not None

    @pytest.mark.parametrize(
        ("written", "context", "where", "says"),
        [
            (
                post(ENDLESS.text, of=ENDLESS, text="See:", thread=True),
                {"sources": [ENDLESS], "limits": Limits(200)},
                "a-post.quote.text",
                "cannot be cut into parts that fit",
            ),
            (
                post(STOP, link="letter", thread=True),
                {"limits": Limits(70, url_length=71)},
                "a-post.quote.text",
                "71 of 70 characters",
            ),
            (
                post(text="w" * 600, thread=True),
                {},
                "a-post.text",
                "cannot be cut into parts that fit",
            ),
        ],
        ids=["a quoted word", "a link", "a word"],
    )
    def test_what_fits_nowhere_is_a_problem(
        self, written: Post, context: dict[str, Any], where: str, says: str
    ) -> None:
        rendered = shown(written, **context)

        assert rendered.statuses == ()
        assert rendered.problems[0].where == where
        assert says in rendered.problems[0].message

    def test_a_cut_at_an_omission_shows_it(self) -> None:
        own = source("First " + "a" * 200 + " end. Middle goes. Last " + "b" * 200 + " end.")
        text = own.text.replace("Middle goes.", "[…]")

        statuses = shown(post(text, of=own, thread=True), BLUESKY, sources=[own]).statuses

        assert statuses[0].text.startswith("“First")
        assert "end.”…\n" in statuses[0].text
        assert statuses[1].text.startswith("…“Last")


class Drawer(PreparedPictures):
    """Draws the same card for every post, and takes pictures as they are."""

    def fitted(self, file: MediaFile, _limits: Limits) -> Picture:
        return Picture(file.sha256, file.mime, file.alt, file.width, file.height, file.size)

    def card(self, _version: Version) -> Picture:
        return Picture("c" * 64, "image/png", "The words", 100, 100, 1000)


DRAWER = Drawer(lambda _file: b"")


class TestDrawnCards:
    def test_a_drawn_card_comes_before_other_pictures(self) -> None:
        written = post(STOP, card=True, media=(PICTURE,))

        status = one(shown(written, pictures=DRAWER))

        assert [picture.sha256[0] for picture in status.pictures] == ["c", "a"]

    def test_without_a_drawer_the_text_is_the_same_and_the_picture_is_missing(self) -> None:
        written = post(STOP, card=True, link="letter")

        with_card = one(shown(written, BLUESKY, pictures=DRAWER))
        without = one(shown(written, BLUESKY))

        assert without.text == with_card.text
        assert without.pictures == ()


UYGHUR = source(
    "بىز ئاكا-ئۇكىلىرىمىز ھەققىدە سۆزلەيمىز.", id="ug", lang="ug", attribution="— Letter, 2022"
)


@pytest.mark.parametrize(
    ("own_words", "text"),
    [
        ("", f"«{UYGHUR.text}»\n\u2068— Letter, 2022\u2069"),
        ("In Uyghur:", f"In Uyghur:\n\n\u2068«{UYGHUR.text}»\u2069\n— Letter, 2022"),
    ],
)
def test_what_runs_against_the_direction_of_the_status_is_isolated_with_its_marks(
    own_words: str, text: str
) -> None:
    written = post(UYGHUR.text, of=UYGHUR, text=own_words)

    assert one(shown(written, sources=[UYGHUR])).text == text


def test_one_direction_needs_no_isolates() -> None:
    assert "\u2068" not in one(shown(post(STOP, text="In English:"))).text


def test_hashtags_and_mentions_of_the_coalition_are_marked_in_the_final_text() -> None:
    written = post(STOP, text="#Cameras with @houses.example", warning="Ünïcode")

    status = one(shown(written, BLUESKY))

    marked = [status.text.encode()[one.start : one.end].decode() for one in status.facets]
    assert marked == ["#Cameras", "@houses.example"]


def test_the_status_has_the_language_of_the_post() -> None:
    assert one(shown(post(STOP, lang="ug"))).lang == "ug"


@pytest.mark.parametrize(
    ("lang", "text", "marks"),
    [
        ("en", "We write.", "“”"),
        ("ug", "بىز يازىمىز.", "«»"),
        ("ar-EG", "نحن نكتب.", "«»"),
        ("de", "Wir schreiben.", "„“"),
        ("pl", "Piszemy.", "„”"),
        ("zh-Hant", "我們寫信。", "「」"),
        ("zh-Hans", "我们写信。", "“”"),
        ("ru", "Мы пишем “письмо” и «ещё», и “другое”.", "“”"),
        ("en", "Wir schreiben „so“ und „so“.", "„“"),
        ("en", "An open “ alone, and «one» of theirs.", "«»"),
    ],
)
def test_a_source_is_quoted_in_its_own_marks_or_those_of_its_language(
    lang: str, text: str, marks: str
) -> None:
    assert "".join(own_marks(lang, text)) == marks


@pytest.mark.parametrize("lang", ["ug", "de", "pl", "ja"])
def test_marks_that_the_quoted_words_have_are_not_set_around_them(lang: str) -> None:
    own = own_marks(lang, "")

    opening, closing = marks_for(f"They said {own[0]}so{own[1]} to us", own)

    assert not {opening, closing} & set(own)
