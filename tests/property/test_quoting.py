from dataclasses import replace
from urllib.parse import unquote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.checks.quotation_marks import marked_spans
from bot.content.comparing import differences, fold
from bot.content.model import Account, Source
from bot.content.passages import is_whole
from bot.content.quoting import is_exact, locate, occurrences, prove
from bot.platforms.spec import PlatformSpec
from bot.platforms.status import Status
from bot.rendering.layout import directive, marks_for, own_marks
from bot.rendering.render import render
from tests.fakes.written import ATTRIBUTION, SPECS, campaign, post, source

#: Words that a careless step (NFC, NFKC, smart quotes, strip, escape) would change.
WORDS = st.sampled_from(
    [
        *("word", "don’t", "don't", "cafe\u0301", "café", "ﬁne", "ﷺ", "Å", "\u212b", "ئۇيغۇر"),
        *("می\u200cخواهم", "“said”", "‘so’", "«oui»", '"raw"', "'raw'", "&amp;", "<b>", "a&b"),
        *("--", "–", "—", "...", "…", "x\u00a0y", "\u2009thin", "中国", "人民", "👩‍👩‍👧"),
        *("e\u0301\u0323", "ẹ́", "https://paper.org/x", "#Tag", "1,000", "U.S.", "co-op", "Ω", "Ω"),
        *("end.", "now?", "说。", "\u2067rtl\u2069", "\\n", "%41", "[note]", "(so)", "A", "I"),
    ]
)
GAPS = st.sampled_from([" ", " ", " ", "  ", "\n", "\n\n", "\u00a0", "\t"])


@st.composite
def sources(draw: st.DrawFn, most: int = 60) -> Source:
    words = draw(st.lists(WORDS, min_size=1, max_size=most))
    return source("".join(word + draw(GAPS) for word in words))


@st.composite
def quotations(draw: st.DrawFn) -> tuple[Source, str]:
    """Draw a source and whole words of it, with an omission now and then."""
    drawn = draw(sources())
    text = drawn.text
    ends = [at for at in range(len(text) + 1) if is_whole(text, at, at)]
    cuts = draw(st.lists(st.sampled_from(ends), min_size=2, max_size=4, unique=True).map(sorted))
    pairs = list(zip(cuts[::2], cuts[1::2], strict=False))
    fragments = [text[start:end].strip() for start, end in pairs]
    assume(all(fragments))
    return drawn, " […] ".join(fragments)


@given(quotations())
def test_whole_words_of_a_source_are_proved_and_stay_as_written(drawn: tuple[Source, str]) -> None:
    own, text = drawn

    quote = prove(text, own).quote

    assume(quote is not None)  # a fragment may begin with a mark that belongs to the word before
    assert quote is not None
    assert quote.text == text
    assert is_exact(quote, own)
    assert " […] ".join(own.text[start:end] for start, end in quote.fragments) == text or (
        text in own.text
    )
    assert list(quote.fragments) == sorted(quote.fragments)


@given(quotations(), st.data())
def test_a_changed_character_is_never_proved_in_its_place(
    drawn: tuple[Source, str], data: st.DataObject
) -> None:
    own, text = drawn
    at = data.draw(st.integers(0, len(text) - 1))
    char = data.draw(st.sampled_from(["x", "'", "’", "-", "\u00a0", "а", "", "ﬁ", " "]))
    changed = text[:at] + char + text[at + 1 :]

    quote = prove(changed, own).quote

    if quote is not None:
        assert is_exact(quote, own)
        assert quote.text == changed


@pytest.mark.parametrize("spec", SPECS.values(), ids=lambda one: one.name)
@given(drawn=quotations(), own_words=st.sampled_from(["", "See:", "بۇنى كۆرۈڭ"]))
def test_no_step_changes_a_byte_between_the_marks(
    spec: PlatformSpec, drawn: tuple[Source, str], own_words: str
) -> None:
    own, text = drawn
    quote = prove(text, own).quote
    assume(quote is not None)
    assert quote is not None
    written = post(text=own_words, link="letter", thread=True)
    written = replace(written, quote=quote)
    account = Account("a", spec.name, own={"threads": True})

    rendered = render(
        written,
        account,
        campaign=campaign(written, sources=[own], accounts=[account]),
        spec=spec,
        limits=spec.limits,
    )

    assert rendered.problems == ()
    for status in rendered.statuses:
        assert not spec.misfit(status, spec.limits)
        for span in status.spans:
            assert own.text[span.start : span.end].encode() in status.text.encode()
    if len(rendered.statuses) == 1:
        opening, closing = marks_for(text, own_marks(own.lang, own.text))
        between = f"{opening}{text}{closing}".encode()
        assert between in rendered.statuses[0].text.encode()
    assert _quoted(own, rendered.statuses) == "".join(
        "".join(own.text[start:end].split()) for start, end in quote.fragments
    )


def _quoted(own: Source, statuses: tuple[Status, ...]) -> str:
    spans = [span for status in statuses for span in status.spans]
    assert all(ATTRIBUTION in status.text for status in statuses if status.spans)
    return "".join("".join(own.text[span.start : span.end].split()) for span in spans)


@given(quotations())
def test_folding_never_loses_the_way_back(drawn: tuple[Source, str]) -> None:
    text = drawn[0].text
    folded = fold(text)

    assert len(folded.text) == len(folded.spans)
    assert all(start < end for start, end in folded.spans)
    if folded.text:
        assert folded.original(0, len(folded.text))[1] <= len(text)


@given(st.text("abc’'–- \u00a0", min_size=1, max_size=30), st.data())
def test_every_difference_is_where_it_says(right: str, data: st.DataObject) -> None:
    swap = {"’": "'", "'": "’", "–": "-", "-": "–", " ": "\u00a0", "\u00a0": " "}
    written = "".join(
        swap[char] if char in swap and data.draw(st.booleans()) else char for char in right
    )

    found = list(differences(written, right))

    assert bool(found) == (written != right)
    for one in reversed(found):
        assert written[one.at : one.at + len(one.written)] == one.written
        written = written[: one.at] + one.right + written[one.at + len(one.written) :]
    assert written == right


@given(sources(40), st.data())
def test_a_text_fragment_leads_to_its_words_and_nowhere_else(
    own: Source, data: st.DataObject
) -> None:
    ends = [at for at in range(len(own.text) + 1) if is_whole(own.text, at, at)]
    start, end = sorted(data.draw(st.lists(st.sampled_from(ends), min_size=2, max_size=2)))

    found = directive(own.text, (start, end))

    assume(found)
    terms = [unquote(one).strip("-") for one in found.split(",") if "-" not in one]
    plain = " ".join(own.text.split()).casefold()
    inside = " ".join(own.text[start:end].split()).casefold()
    assert all(term.casefold() in inside for term in terms)
    if "-" not in found:
        assert all(len(list(occurrences(plain, term.casefold()))) == 1 for term in terms)


@given(st.text("ab s’‘“”'\"«»„ \n", max_size=40))
def test_marks_are_found_in_any_text_without_losing_count(text: str) -> None:
    marked, alone = marked_spans(text)

    for one in marked:
        assert text[one.start : one.end] == one.text
        assert text[: one.start].endswith(one.opening)
        assert text[one.end :].startswith(one.closing)
    assert all(text[one.start :].startswith(one.sign) for one in alone)
    used = [one.start - 1 for one in marked] + [one.end for one in marked]
    used += [one.start for one in alone]
    assert len(used) == len(set(used))


@given(sources(20), st.text(max_size=20))
def test_anything_may_be_looked_for(own: Source, text: str) -> None:
    located = locate(text, [own])

    assert all(own.text[one.start : one.end] for one in located.exact)
