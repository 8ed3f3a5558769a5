from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from bot.checks.rules import check
from bot.checks.wording import is_personal, wrong_mentions
from bot.content.model import Account, Campaign, Consent, EveryYear, Mode, Place, Post, Variant
from bot.errors import Problem, Severity
from bot.platforms.spec import Limits
from bot.rendering.rendered import render_campaign
from tests.fakes.written import (
    ACCOUNTS,
    INVESTIGATION,
    LETTER_TEXT,
    PICTURE,
    SPECS,
    campaign,
    post,
    source,
    stretch,
)

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
STOP = "We ask that you stop."
GRAPHIC = "Some were ‘taught’ by force and never came home."
GRAPHIC_LETTER = source(graphic_spans=(stretch(LETTER_TEXT, GRAPHIC),))


def problems(checked: Campaign, limits: dict[str, Limits] | None = None) -> list[Problem]:
    found = sorted(check(render_campaign(checked, specs=SPECS, limits=limits or {}), NOW))
    assert all(one.rule for one in found)
    return list(found)


def errors(*posts: Any, **context: Any) -> list[str]:
    found = problems(campaign(*posts, **context))
    return [f"{one.where}: {one.message}" for one in found if one.severity is Severity.ERROR]


def notices(*posts: Any, **context: Any) -> list[str]:
    found = problems(campaign(*posts, **context))
    return [one.message for one in found if one.severity is not Severity.ERROR]


def on(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_sound_campaign_has_no_problems() -> None:
    sound = campaign(
        post(STOP, link="letter", text="To the makers, #Cameras:"),
        post(text="From the reading list.", id="read", link="camera-report"),
        post("They don’t sleep", id="picture", media=(PICTURE,)),
    )

    assert problems(sound) == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"mime": "image/tiff"}, "image/tiff is not taken"),
        ({"size": 5_000_001}, "5000001 of 5000000 bytes"),
        ({"width": 2000, "height": 2000}, "4000000 of 1000000 pixels"),
    ],
)
def test_a_picture_s_file_is_judged_by_the_accounts_limits(
    changes: dict[str, Any], says: str
) -> None:
    written = post(text="Look.", media=(replace(PICTURE, **changes),), accounts=("on-mastodon",))
    limits = {"on-mastodon": replace(SPECS["mastodon"].limits, max_pixels=1_000_000)}

    (problem,) = problems(campaign(written), limits)

    assert problem.where == "a-post.media[0].file"
    assert says in problem.message


def test_what_does_not_fit_is_told_for_each_account_it_goes_to() -> None:
    found = errors(post(text="word " * 62))

    assert [one.partition(";")[0] for one in found] == [
        "a-post.text: 309 of 280 characters (29 too many) on on-x (X)",
        "a-post.text: 309 of 300 characters (9 too many) on on-bluesky (Bluesky)",
    ]


def test_the_accounts_own_limits_decide() -> None:
    checked = campaign(post(text="word " * 5, accounts=("on-mastodon",)))

    assert "of 10 characters" in problems(checked, {"on-mastodon": Limits(10)})[0].message


@pytest.mark.parametrize(
    ("changes", "lowered", "still_fits"),
    [
        ({"text": "word " * 60}, {"max_length": 200}, {"max_pictures": 1}),
        ({"text": "Look.", "media": (PICTURE,) * 3}, {"max_pictures": 2}, {"max_length": 200}),
        (
            {"text": "Look.", "media": (replace(PICTURE, alt="a wall " * 200),)},
            {"max_alt": 300}, {"max_length": 200},
        ),
        (
            {"text": "Look.", "media": (replace(PICTURE, size=5_000_000),)},
            {"max_picture_bytes": 500_000}, {"max_length": 200},
        ),
    ],
)  # fmt: skip
def test_only_what_fits_its_platform_is_left_out_by_a_servers_word(
    changes: dict[str, Any], lowered: dict[str, Any], still_fits: dict[str, Any]
) -> None:
    built_in = SPECS["mastodon"].limits

    def severities(limits: Limits, **more: Any) -> list[Severity]:
        written = post(**{**changes, **more}, accounts=("on-mastodon",))
        return [one.severity for one in problems(campaign(written), {"on-mastodon": limits})]

    assert severities(replace(built_in, **lowered)) == [Severity.NOTICE]
    assert severities(replace(built_in, **still_fits)) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"text": "word " * 120},
        {"text": "Look.", "media": (PICTURE,) * 5},
        {"text": "Look.", "media": (replace(PICTURE, alt="a wall " * 300),)},
        {"text": "Look.", "media": (replace(PICTURE, size=5_000_001),)},
    ],
)
def test_what_fits_its_platform_nowhere_is_an_error_whatever_its_server_says(
    changes: dict[str, Any],
) -> None:
    checked = campaign(post(**changes, accounts=("on-mastodon",)))
    built_in = SPECS["mastodon"].limits

    for limits in (built_in, replace(built_in, url_length=10, keeps_alt=True)):
        (found,) = problems(checked, {"on-mastodon": limits})
        assert found.severity is Severity.ERROR


def test_an_account_that_the_post_does_not_name_does_not_count() -> None:
    assert errors(post(text="word " * 62, accounts=("on-mastodon",))) == []


CARING = (replace(PICTURE, alt="“Care” on a wall"),)


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"text": "They “care”."}, "text"),
        ({"text": "A", "warning": "They “care”"}, "warning"),
        ({"text": "A", "variants": {"x": Variant(text="They “care”.")}}, "variants.x.text"),
        ({"text": "A", "variants": {"x": Variant(warning="“Care”")}}, "variants.x.warning"),
        ({"text": "A", "media": CARING}, "media[0].alt"),
        ({"text": "A", "variants": {"x": Variant(media=CARING)}}, "variants.x.media[0].alt"),
    ],
)
def test_quotation_marks_are_proved_wherever_they_stand(
    changes: dict[str, Any], where: str
) -> None:
    (found,) = errors(post(**changes))

    assert found.startswith(f"a-post.{where}: character ")
    assert "in no source" in found


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Ask @dahua why", "mentions @dahua"),
        ("Ask @who@mastodon.social", "mentions @who@mastodon.social"),
        ("Ask ＠dahua", "mentions @dahua"),
        ("See #Camera", "did you mean #Cameras?"),
        ("See #cameras", "did you mean #Cameras?"),
        ("See #Zebra", "not one of the campaign's `hashtags`"),
        ("(#Zebra)", "not one of the campaign's `hashtags`"),
        ("At http://other.org/x", "no known investigation or source"),
        ("At other.org", "no known investigation or source"),
        ("At https://paper.org/rooms", "write `link: camera-report` instead"),
        ("At https://x.com/somebody", "personal profile"),
        ("A \u202ereversed one", "U+202E RIGHT-TO-LEFT OVERRIDE after “A ” cannot be seen"),
        ("A \x07 bell", "U+0007 (no character) after “A ” cannot be seen"),
        ("As found recently, they watch", "“recently” means another day tomorrow"),
        ("Last month they said so", "“Last month” means another day tomorrow"),
        ("Four years ago today", "means another day tomorrow"),
    ],
)
def test_own_words_are_held_to_the_rules(text: str, says: str) -> None:
    found = errors(post(text=text, accounts=("on-mastodon",)))

    assert len(found) == 1, found
    assert says in found[0]


@pytest.mark.parametrize(
    "text",
    [
        "With @houses.example",
        "Write to name@houses.org.",
        "A joiner: ی\u200cک",
        "Four years ago today, on December 9, 2022",
        "Last month, in November 2022",
        "Number #1 of 2",
        "Emoji 👩‍👩‍👧 and accents e\u0301",
        "The last people this watch saw",
    ],
)
def test_what_only_looks_like_a_breach_is_let_through(text: str) -> None:
    assert errors(post(text=text, accounts=("on-mastodon",)), hashtags=()) == []


def test_a_dated_word_is_fine_beside_a_dated_attribution() -> None:
    assert errors(post(STOP, text="As said recently:")) == []


def test_a_dated_word_in_a_thread_needs_the_date_in_its_own_status() -> None:
    text = "Last month, " + "word " * 55 + "end."

    found = errors(post(GRAPHIC, text=text, thread=True, accounts=("on-bluesky",)))

    assert "means another day" in found[0]


def test_a_quoted_mention_is_refused_as_it_would_still_call_somebody() -> None:
    own = source("They asked @somebody there.")

    found = errors(post("They asked @somebody there.", of=own), sources=[own])

    assert "mentions @somebody" in found[0]


@pytest.mark.parametrize(
    ("quoted", "changes", "says"),
    [
        ("never came home.", {}, "a-post.warning: missing; the quoted passage is graphic"),
        ("They don’t sleep […] never came home.", {}, "a-post.warning: missing"),
        ("never came home.", {"warning": "Violence"}, ""),
        (
            "never came home.",
            {"warning": "Violence", "variants": {"x": Variant(warning="")}},
            "a-post.variants.x.warning: missing",
        ),
        ("", {"text": "They “never came home”."}, "quotes a graphic passage"),
    ],
)
def test_a_graphic_passage_needs_a_warning_wherever_it_is_quoted(
    quoted: str, changes: dict[str, Any], says: str
) -> None:
    found = errors(post(quoted, **changes), sources=[GRAPHIC_LETTER])

    assert [says in one for one in found] == ([True] if says else [])


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"warning": "Prison"}, "needs a warning: Prison"),
        ({"address": "https://x.com/somebody"}, "personal profile"),
        ({"address": ""}, "no known address"),
    ],
)
def test_an_investigation_is_linked_with_its_warning_and_at_its_own_address(
    changes: dict[str, Any], says: str
) -> None:
    report = replace(INVESTIGATION, **changes)

    assert says in errors(post(text="Read.", link=report.id), investigations=[report])[0]


def test_a_skipped_account_is_a_notice() -> None:
    accounts = [Account("on-x", "x", links="never"), *ACCOUNTS[1:]]

    (found,) = notices(post(text="Read.", link="camera-report"), accounts=accounts)

    assert "on-x has `links: never`" in found


def test_the_caution_of_an_investigation_is_a_notice() -> None:
    report = replace(INVESTIGATION, caution="it names no company")

    found = notices(post(text="Read.", link=report.id), investigations=[report])

    assert found == ["mind: it names no company"]


@pytest.mark.parametrize(
    ("address", "personal"),
    [
        ("https://x.com/somebody/status/1", True),
        ("https://twitter.com/somebody", True),
        ("https://x.com/search?q=a", False),
        ("https://x.com", False),
        ("https://uk.linkedin.com/in/somebody", True),
        ("https://www.linkedin.com/company/maker", False),
        ("https://social.org/@somebody", True),
        ("https://social.org/users/somebody", True),
        ("https://social.org/users", False),
        ("https://bsky.app/profile/houses.example", False),
        ("https://bsky.app/profile/other.example", True),
        ("https://m.facebook.com/somebody", True),
        ("https://t.me/somebody", True),
        ("paper.org/rooms", False),
    ],
)
def test_personal_pages_are_told_from_others(address: str, personal: bool) -> None:
    assert is_personal(address, ["@houses.example"]) is personal


@pytest.mark.parametrize("alt", ["image", "Photo.", "card.png", "123", "…"])
def test_an_alt_text_without_words_of_its_own_is_refused(alt: str) -> None:
    (found,) = errors(post(text="Look.", media=(replace(PICTURE, alt=alt),)))

    assert "describes nothing" in found


def test_a_missing_alt_text_is_told_once() -> None:
    (found,) = errors(post(text="Look.", media=(replace(PICTURE, alt=""),)))

    assert found.startswith("a-post.media[0].alt: missing; describe the picture")


@pytest.mark.parametrize(
    ("attribution", "says"),
    [
        ("— Open letter", ["letter.attribution: names no year"]),
        (" ", ["letter.attribution: missing; "]),
        ("— نامه، ۲۰۲۲", []),
    ],
)
def test_an_attribution_names_a_year_in_digits_of_any_script(
    attribution: str, says: list[str]
) -> None:
    found = errors(sources=[source(attribution=attribution)])

    assert [one[: len(said)] for one, said in zip(found, says, strict=True)] == says


def test_a_quotation_of_a_changed_source_is_told() -> None:
    changed = source(LETTER_TEXT.replace("you stop.", "you STOP."))

    assert "any more" in errors(post(STOP), sources=[changed])[0]


WORDS = "We look away from nobody and wait for an answer to this letter"
YEARLY = EveryYear((12, 9), time(9))


def fixed(post_id: str, at: str, text: str = WORDS, **changes: Any) -> Post:
    """Return a post with a fixed time on Mastodon."""
    where = {"accounts": ("on-mastodon",), **changes}
    return post(id=post_id, text=text, queue="", at=on(at), **where)


def yearly(post_id: str) -> Post:
    return replace(fixed(post_id, "2026-12-01 09:00"), at=None, every_year=YEARLY)


def test_similar_texts_at_fixed_times_need_thirty_days_between() -> None:
    (found,) = errors(
        fixed("one", "2026-12-01 09:00"), fixed("two", "2026-12-20 09:00", f"{WORDS} too")
    )

    assert found.startswith("two.at: ")
    assert "like 'one' (posts/a.yaml:3) on on-mastodon, 19 days apart" in found
    assert "This: “We look away" in found
    assert "That: “We look away" in found


APART = {
    "after thirty days": [fixed("one", "2026-12-01 09:00"), fixed("two", "2027-01-01 09:00")],
    "other words": [fixed("one", "2026-12-01 09:00"), fixed("two", "2026-12-01 10:00", "Not so")],
    "on two platforms": [fixed("one", "2026-12-01 09:00", accounts=("on-mastodon", "on-bluesky"))],
    "a yearly day and itself": [yearly("year")],
    "a draft": [fixed("one", "2026-12-01 09:00"), fixed("two", "2026-12-02 09:00", status="draft")],
    "spaced by the planner": [
        post(STOP, id=name, accounts=("on-mastodon",)) for name in ("one", "two")
    ],
    "alike in their attribution": [
        replace(fixed("one", "2026-12-01 09:00", ""), quote=post(STOP).quote),
        replace(fixed("two", "2026-12-02 09:00", ""), quote=post("We wait…").quote),
    ],
}


@pytest.mark.parametrize("posts", APART.values(), ids=APART)
def test_what_is_apart_may_be_alike(posts: list[Post]) -> None:
    assert errors(*posts) == []


def test_a_yearly_day_meets_a_fixed_one() -> None:
    (found,) = errors(yearly("year"), fixed("one", "2027-12-01 09:00"))

    assert found.startswith("year.every_year: ")


def test_fixed_times_that_break_a_cap_are_told_before() -> None:
    crowd = [fixed(f"p{one}", f"2026-12-09 09:{one}0", f"A camera {one}.") for one in range(3)]
    hourly = Account("on-mastodon", "mastodon", max_per_hour=2)

    assert errors(*crowd, accounts=[hourly]) == [
        "p2.at: number 3 of on-mastodon within an hour, where max_per_hour is 2; "
        "move it, or raise the cap"
    ]


@pytest.mark.parametrize("queue", ["excerpts", ""])
def test_one_text_never_goes_out_from_two_accounts_of_a_platform(queue: str) -> None:
    accounts = [Account("a", "mastodon"), Account("b", "mastodon")]
    at = None if queue else on("2026-12-01 09:00")

    found = errors(post(STOP, queue=queue, at=at), accounts=accounts)

    assert any("two accounts of one platform" in one for one in found)


def test_a_variant_of_its_own_makes_two_texts_of_one() -> None:
    accounts = [Account("a", "mastodon"), Account("b", "mastodon")]
    written = post(text="One thing.", variants={"b": Variant(text="Another thing.")})

    assert errors(written, accounts=accounts) == []


def test_what_x_would_not_repeat_is_told() -> None:
    (found,) = notices(post(STOP, accounts=("on-x",)), post(STOP, id="again", accounts=("on-x",)))

    assert "this one will not go out there" in found


def test_a_yearly_day_is_told_to_come_once_where_nothing_is_repeated() -> None:
    once = post(STOP, queue="", every_year=YEARLY, accounts=("on-x",))

    assert notices(once) == ["on-x never repeats a text, so it goes out there once"]


def test_the_same_pair_is_told_once_though_both_come_back_each_year() -> None:
    one = post(STOP, queue="", every_year=YEARLY, accounts=("on-bluesky",))
    two = replace(one, id="two", every_year=EveryYear((12, 10), time(9)))

    assert len(errors(one, two)) == 1


DAY = date(2026, 11, 20)
READY = Account(
    "on-x", "x", owner="Four Houses", consent=Consent("A. Chair", DAY),
    own={"automated_label_confirmed": DAY}, place=Place("schedule.yaml", 9, 3),
)  # fmt: skip


@pytest.mark.parametrize(
    ("account", "mode"),
    [
        (Account("on-x", "x"), Mode.REHEARSAL),
        (READY, Mode.LIVE),
        (replace(READY, name="m", platform="mastodon", own={}), Mode.LIVE),
    ],
    ids=["a rehearsal asks for nothing", "owner, consent and label", "only X needs the label"],
)
def test_an_account_that_has_all_may_go_live(account: Account, mode: Mode) -> None:
    assert errors(accounts=[account], mode=mode) == []


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"owner": " "}, "owner"),
        ({"consent": None}, "consent"),
        ({"consent": Consent("", DAY)}, "consent"),
        ({"consent": Consent("A", date(2026, 11, 24))}, "consent.on"),
        ({"own": {}}, "automated_label_confirmed"),
        ({"own": {"automated_label_confirmed": date(2026, 11, 24)}}, "automated_label_confirmed"),
    ],
)
def test_an_account_that_lacks_one_may_not_go_live(changes: dict[str, Any], key: str) -> None:
    (found,) = errors(accounts=[replace(READY, **changes)], mode=Mode.LIVE)

    assert found.startswith(f"accounts.on-x.{key}: ")


def test_all_problems_come_at_once_in_the_order_of_the_files() -> None:
    late = post(text="They “care”.", id="late", places={"text": Place("posts/z.yaml", 9, 1)})
    early = post(text="See #Zebra @who", id="early", places={"text": Place("posts/a.yaml", 7, 1)})

    found = problems(campaign(late, early))

    lines = [(one.file, one.line) for one in found]
    assert lines == [("posts/a.yaml", 7), ("posts/a.yaml", 7), ("posts/z.yaml", 9)]


def test_a_problem_without_a_place_of_its_own_points_to_the_post() -> None:
    (found,) = problems(campaign(post(text="They “care”.", places={})))

    assert (found.file, found.line, found.column) == ("posts/a.yaml", 2, 5)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"not_after": timedelta(minutes=10)}, "X may make a post wait 15m"),
        ({"not_after": timedelta(minutes=15)}, ""),
    ],
)
def test_a_post_may_be_as_late_as_its_platform_can_make_it(
    changes: dict[str, Any], told: str
) -> None:
    found = notices(post(text="Look.", **changes))

    assert [message.partition(" for a rate")[0] for message in found] == ([told] if told else [])


def test_what_a_probe_saw_a_server_drop_is_told() -> None:
    media = (replace(PICTURE, alt="A grey wall\nof stone"),)
    written = post(text="Look.", lang="de", media=media, accounts=("on-mastodon",))
    limits = replace(SPECS["mastodon"].limits, keeps_language=False, keeps_alt=False)

    found = problems(campaign(written), {"on-mastodon": limits})

    assert [(one.where, one.rule) for one in found] == [
        ("a-post.lang", "unkept"), ("a-post.media[0].alt", "unkept"),
    ]  # fmt: skip


def test_the_coalition_is_read_once_for_a_text_of_many_mentions() -> None:
    class Counted(tuple[str, ...]):
        readings = 0

        def __iter__(self) -> Iterator[str]:
            Counted.readings += 1
            return super().__iter__()

    checked = campaign(coalition=Counted(["@ally"]))

    found = list(wrong_mentions("@ally @one @two @three", checked))

    assert len(found) == 3
    assert Counted.readings == 1
