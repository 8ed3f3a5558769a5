"""Texts as pages show them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.platforms.status import Facet, FacetKind, Status
from bot.rendering.layout import first_words
from bot.web.rendering import difference, passage_in, pieces, pieces_between

LETTER = "First paragraph.\n\nSecond one, longer. It goes on.\n\nThird.\n\nFourth."


def test_a_passage_is_marked_with_a_paragraph_on_each_side() -> None:
    start = LETTER.index("longer")

    found = passage_in(LETTER, [(start, start + 6)])

    assert [one.has_quote for one in found] == [False, True, False]
    assert found[1].pieces == (("Second one, ", False), ("longer", True), (". It goes on.", False))


def test_a_passage_over_two_paragraphs_is_marked_in_both() -> None:
    start, end = LETTER.index("goes"), LETTER.index("Third") + 5

    found = passage_in(LETTER, [(start, end)])

    assert [one.has_quote for one in found] == [False, True, True, False]


@given(st.data())
def test_marking_loses_no_character(data: st.DataObject) -> None:
    places = sorted(data.draw(st.sets(st.integers(0, len(LETTER)), min_size=2, max_size=4)))
    spans = list(zip(places[::2], places[1::2], strict=False))

    whole, shown = pieces_between(LETTER, (0, len(LETTER)), spans), passage_in(LETTER, spans)

    assert "".join(text for text, _ in whole.pieces) == LETTER
    assert "\n\n".join("".join(text for text, _ in one.pieces) for one in shown) in LETTER


@given(st.text(), st.text())
def test_a_difference_holds_both_texts(before: str, after: str) -> None:
    parts = difference(before, after)

    assert "".join(words for kind, words in parts if kind != "new") == before
    assert "".join(words for kind, words in parts if kind != "gone") == after


def test_a_status_is_cut_at_its_facets_by_bytes() -> None:
    text = "ئۇيغۇر #Uyghur https://example.org/a-very-long-path/that-goes-on"
    tag = len("ئۇيغۇر ".encode())
    link = tag + len("#Uyghur ")
    facets = (
        Facet(FacetKind.LINK, link, len(text.encode()), text.split()[-1]),
        Facet(FacetKind.TAG, tag, tag + 7, "Uyghur"),
    )

    found = pieces(Status(text, facets=facets))

    assert [one.kind for one in found] == ["", "tag", "", "link"]
    assert found[1].text == "#Uyghur"
    assert found[3].text.endswith("…")
    assert found[3].address == "https://example.org/a-very-long-path/that-goes-on"


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "rehearsal:a/b"])
def test_only_web_addresses_become_links(address: str) -> None:
    status = Status("see", facets=(Facet(FacetKind.LINK, 0, 3, address),))

    assert pieces(status)[0].address == ""


def test_first_words_end_between_words() -> None:
    assert first_words("one two  three", 9) == "one two …"
    assert first_words("short") == "short"
