import json
import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.content import comparing
from bot.content.comparing import fold
from bot.content.model import Quote, Source
from bot.content.quoting import Proof, is_exact, locate, prove
from bot.rendering.layout import passage
from tests.conftest import require_shared
from tests.fakes.written import LETTER_TEXT, source, stretch

LETTER = source()


def proved(text: str, own: Source = LETTER) -> Quote:
    quote = prove(text, own).quote
    assert quote is not None
    return quote


def only_message(proof: Proof) -> str:
    assert proof.quote is None
    assert len(proof.messages) == 1, proof.messages
    return proof.messages[0]


def test_what_is_quoted_is_kept_as_it_was_written() -> None:
    text = "They don’t sleep, they don’t rest: The years-long watch has no end."

    quote = proved(text)

    assert quote.text is text


@pytest.mark.parametrize(
    ("part", "before", "after"),
    [
        ("We ask that you stop.", False, False),
        ("We ask that you stop", False, False),
        ("Your cameras see “everything” that people do", False, True),
        ("we cannot look away.", True, False),
        ("The years-long watch has no end.", False, False),
        ("years-long watch has no end.", True, False),
        ("They don’t sleep", False, True),
        ("We wait…", False, False),
        ("everything", True, True),
        ("the importance of your work is known.", True, False),
        ("home. We wait…", True, False),
        ("our friends. They don’t sleep, they don’t rest", True, True),
    ],
)
def test_a_cut_is_seen_where_the_sentence_goes_on(part: str, before: bool, after: bool) -> None:
    assert cuts(LETTER, part) == (before, after)


def cuts(own: Source, part: str) -> tuple[bool, bool]:
    shown = passage(proved(part, own), own)
    return shown.cut_before, shown.cut_after


@pytest.mark.parametrize(
    ("text", "part", "before", "after"),
    [
        ("Dr. Aziz spoke. We heard.", "Aziz spoke.", True, False),
        ("At 3 p.m. we met. It rained.", "At 3 p.m.", False, True),
        ("He said: “We stay.” They left.", "We stay.", False, False),
        ("He said: “we stay.” They left.", "we stay.", True, False),
        ("Yahoo! answered late. Good.", "Yahoo!", False, True),
        ("- One thing\n- Another thing", "One thing", False, True),
        ("- One thing.\n- Another thing", "One thing.", False, False),
        ("1) One thing.\n2) another thing", "another thing", False, False),
        ("“We stay,” he said.", "We stay,", False, True),
        ("他们是我们的父母。他们没有回家。", "他们没有回家。", False, False),
        ("他们是我们的父母,他们没有回家。", "他们没有回家。", True, False),
        ("ئۇلار كەلدى؟ بىز كۈتتۇق.", "بىز كۈتتۇق.", False, False),
        ("¿Dónde están? Nadie sabe.", "Dónde están?", False, False),
        ("First part\n\nsecond part", "second part", False, False),
    ],
)
def test_cuts_follow_the_sentences_of_other_texts_too(
    text: str, part: str, before: bool, after: bool
) -> None:
    assert cuts(source(text), part) == (before, after)


@pytest.mark.parametrize(
    ("text", "fragments"),
    [
        ("We ask that you stop.", ["We ask that you stop."]),
        (
            "Some were ‘taught’ by force […] We wait…",
            ["Some were ‘taught’ by force", "We wait…"],
        ),
        (
            "We ask[…]you stop.[…]we cannot look away.",
            ["We ask", "you stop.", "we cannot look away."],
        ),
    ],
)
def test_fragments_are_joined_in_order(text: str, fragments: list[str]) -> None:
    quote = proved(text)

    assert [LETTER_TEXT[start:end] for start, end in quote.fragments] == fragments


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "We wait… […] Some were ‘taught’ by force",
            "does not follow the fragment before it",
        ),
        ("We ask that you […] that you stop.", "do not overlap"),
    ],
)
def test_fragments_in_another_order_or_over_each_other_are_refused(text: str, says: str) -> None:
    assert says in only_message(prove(text, LETTER))


def test_a_fragment_that_occurs_twice_takes_its_earliest_place_in_order_and_warns() -> None:
    proof = prove("sleep […] they don’t rest", source(LETTER_TEXT + "\n\nthey don’t rest"))

    assert proof.quote is not None
    assert proof.quote.fragments[1] == stretch(LETTER_TEXT, "they don’t rest")
    assert "stands 2 times" in proof.warnings[0]


@pytest.mark.parametrize(
    ("part", "where", "whole"),
    [
        ("e ask that", "begins", "We ask that"),
        ("We ask tha", "ends", "We ask that"),
        ("t sleep", "begins", "don’t sleep"),
        ("long watch", "begins", "years-long watch"),
        ("The years", "ends", "The years-long"),
    ],
)
def test_a_torn_word_is_refused_and_made_whole(part: str, where: str, whole: str) -> None:
    message = only_message(prove(part, LETTER))

    assert f"{where} inside a word" in message
    assert message.endswith(f"“{whole}”")


def test_a_combining_mark_is_not_torn_from_its_letter() -> None:
    proof = prove("cafe", source("the cafe\u0301 is open."))

    assert "inside a word" in only_message(proof)


@pytest.mark.parametrize(
    ("text", "quoted", "starts"),
    [
        ("他们是我们的父母。", "我们", [3]),
        ("The party left. An art of waiting.", "art", [19]),
        ("It reads “a […] b” in print.", "a […] b", [10]),
        ("We never came home. We wait.", "never came home […] We", [3, 20]),
    ],
    ids=[
        *("a character of a language without spaces is a word", "behind a torn word"),
        *("square brackets that are the source's own", "behind the fragment before it"),
    ],
)
def test_whole_words_are_found_where_they_stand(text: str, quoted: str, starts: list[int]) -> None:
    quote = proved(quoted, source(text))

    assert [start for start, _end in quote.fragments] == starts


@pytest.mark.parametrize("part", ["May 4, 2020", "Dear makers", "Four Houses", "cameras,"])
def test_what_is_no_text_of_the_letter_itself_is_refused(part: str) -> None:
    assert "no text of 'letter' itself" in only_message(prove(part, LETTER))


@pytest.mark.parametrize(
    ("written", "right", "named"),
    [
        (
            "They don't sleep",
            "They don’t sleep",
            "character 9: ' (U+0027 APOSTROPHE) where the source has ’ (U+2019 RIGHT SINGLE",
        ),
        ('see "everything" that', "see “everything” that", "“ (U+201C LEFT DOUBLE QUOTATION MARK)"),
        ("neighbors - our", "neighbors – our", "– (U+2013 EN DASH)"),
        ("We wait...", "We wait…", "… (U+2026 HORIZONTAL ELLIPSIS)"),
        ("We\u00a0wait…", "We wait…", "(U+0020 SPACE)"),
        ("We  wait…", "We wait…", "(U+0020 SPACE)"),
        ("Ｗe wait…", "We wait…", "W (U+0057 LATIN CAPITAL LETTER W)"),
        ("We wаit…", "We wait…", "a (U+0061 LATIN SMALL LETTER A)"),
        ("We w\u200bait…", "We wait…", "nothing"),
        ("We wa\u00adit…", "We wait…", "nothing"),
        ("\u200bWe wait…", "We wait…", "character 1: (U+200B ZERO WIDTH SPACE)"),
        ("years\u2011long", "years-long", "- (U+002D HYPHEN-MINUS)"),
    ],
)
def test_look_alikes_are_refused_with_the_right_characters_named(
    written: str, right: str, named: str
) -> None:
    message = only_message(prove(written, LETTER))

    assert named in message
    assert message.endswith(f"Write: {right}")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a ﬁne day", "fine day"),
        ("a fine day", "ﬁne day"),
        ("the café closed", "the cafe\u0301 closed"),
        ("بىز كۈتتۇق", "بىز کۈتتۇق"),
        ("میان\u200cبر", "میانبر"),
    ],
)
def test_ligatures_compositions_and_arabic_twins_are_look_alikes(text: str, written: str) -> None:
    assert "other characters" in only_message(prove(written, source(text)))


@pytest.mark.parametrize(
    ("quoted", "says"),
    [
        (
            "The folk we talk of are our neighbors and our friends.",
            "is not in 'letter'; nearest, paragraph 2: The people we speak of are",
        ),
        ("Zebras graze quietly", "nor anything like it"),
    ],
)
def test_a_text_that_is_not_there_names_the_nearest_passage(quoted: str, says: str) -> None:
    assert says in only_message(prove(quoted, LETTER))


def test_another_source_that_has_the_text_is_named() -> None:
    other = source("Zebras graze quietly.", id="statement")

    proof = prove("Zebras graze quietly", LETTER, others=[LETTER, other])

    assert "'statement' has exactly this text" in proof.messages[-1]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("We ask that you stop.\n", "ends with a space or line break"),
        (" We ask that you stop.", "begins with a space or line break"),
        ("We ask […]", "never at an end"),
        ("[…] you stop.", "never at an end"),
        ("We ask […] […] you stop.", "never at an end"),
        ("We ask [...] stop.", "an omission is written […]"),
        ("We ask (…) stop.", "an omission is written […]"),
        ("We ask \u202ethat", "(U+202E RIGHT-TO-LEFT OVERRIDE) where the source has nothing"),
    ],
)
def test_a_malformed_quotation_says_what_to_do(text: str, says: str) -> None:
    assert says in only_message(prove(text, LETTER))


@pytest.mark.parametrize("dots", ["...", " … ", " (...) ", " [...] ", " [ … ] ", " .... "])
def test_dots_for_an_omission_are_answered_with_the_text_to_copy(dots: str) -> None:
    assert "write: We ask […] stop." in only_message(prove(f"We ask{dots}stop.", LETTER))
    assert "write: " not in only_message(prove(f"We ask{dots}zebras.", LETTER))


def test_every_wrong_fragment_is_told() -> None:
    proof = prove("Zebras graze quietly […] They don't sleep", LETTER)

    assert len(proof.messages) == 2


def test_a_proved_quotation_stays_exact_until_its_source_changes() -> None:
    quote = proved("Some were ‘taught’ by force […] We wait…")

    assert is_exact(quote, LETTER)
    assert not is_exact(quote, source(LETTER_TEXT.replace("force", "FORCE")))
    assert not is_exact(quote, source(id="other"))


@pytest.mark.parametrize(
    ("text", "quoted", "seconds"),
    [
        (LETTER_TEXT * 200, "We ask all of you to stop what cameras see while people wait", 2),
        ("we wait " * 12_000, "wait we " * 12_000 + "now", 4),
    ],
    ids=["a long source", "a hostile quotation"],
)
def test_what_is_not_there_is_refused_in_bounded_time(text: str, quoted: str, seconds: int) -> None:
    long = source(text)
    started = time.process_time()

    proof = prove(quoted, long)

    assert proof.quote is None
    assert time.process_time() - started < seconds


def test_locate_gives_each_place_with_its_section_and_cuts() -> None:
    located = locate("don’t rest", [LETTER, source(id="copy")])

    assert [(one.source, one.section) for one in located.exact] == [
        ("letter", "paragraph 2"),
        ("copy", "paragraph 2"),
    ]
    assert located.exact[0].cut_before


def test_locate_says_why_a_place_cannot_be_quoted_and_finds_nothing_for_nothing() -> None:
    assert "inside a word" in locate("eigh", [LETTER]).exact[0].problem
    assert locate(" ", [LETTER]).exact == ()


def test_locate_finds_fragments_that_belong_together() -> None:
    located = locate("We ask […] stop.", [LETTER])

    assert located.exact[0].start == LETTER_TEXT.index("We ask")
    assert located.exact[0].end == LETTER_TEXT.index(" Your")


def test_locate_shows_look_alikes_before_it_looks_for_the_nearest() -> None:
    located = locate("They don't sleep", [LETTER])

    assert not located.exact
    assert "U+2019" in located.look_alikes[0][1]
    assert not located.nearest


def test_locate_gives_the_nearest_of_all_sources_best_first() -> None:
    other = source("The people we talk of are our neighbors.", id="near")

    located = locate("the people we talk of are neighbors", [LETTER, other])

    assert [one.source for one in located.nearest] == ["near", "letter"]


def test_a_heading_names_the_section() -> None:
    text = "# Why we write\n\nFirst words.\n\nMore words here."

    located = locate("More words", [source(text)])

    assert located.exact[0].section == "Why we write, paragraph 2"


class TestTheOpenLetter:
    """Our cuts and a person's, made independently, agree on every excerpt of the letter."""

    @pytest.fixture
    def given(self) -> Any:
        return json.loads(require_shared("letter/excerpts.json").read_text(encoding="utf-8"))

    @pytest.fixture
    def letter(self, given: Any) -> Any:
        path = require_shared("letter/2022-12-09-open-letter.txt")
        never = tuple((one["start"], one["end"]) for one in given["never_post"])
        return source(path.read_bytes().decode("utf-8"), never_spans=never)

    def test_every_excerpt_is_proved_at_its_offsets_with_its_cuts(
        self, given: Any, letter: Any
    ) -> None:
        for one in given["excerpts"]:
            assert proved(one["text"], letter).fragments == ((one["start"], one["end"]),)
            flags = tuple(f"ellipsis-{side}" in one["flags"] for side in ("before", "after"))
            assert cuts(letter, one["text"]) == flags, one["id"]

    def test_every_title_of_the_reading_list_is_refused_as_a_quotation(
        self, given: Any, letter: Any
    ) -> None:
        for one in given["links"]:
            assert prove(one["title"], letter).quote is None, one["id"]


@given(st.text(st.characters(max_codepoint=126), max_size=40))
def test_plain_text_is_folded_at_once_to_what_its_characters_fold_to(text: str) -> None:
    folded = fold(text).text

    assert folded == re.sub(" +", " ", "".join(map(comparing._fold_char, text)))
