import unicodedata

import regex
from hypothesis import given
from hypothesis import strategies as st

from bot.platforms.bluesky import length as bluesky_length
from bot.platforms.mastodon import length as mastodon_length
from bot.platforms.measuring import find_addresses, graphemes
from bot.platforms.spec import Limits
from bot.platforms.status import FacetKind
from bot.platforms.x import length as x_length
from bot.rendering.facets import detect, find_mentions
from tests.conformance.corpora import NASTY

X = Limits(280)
texts = st.one_of(st.text(max_size=200), st.lists(st.sampled_from(NASTY), max_size=20).map("".join))


@given(texts)
def test_no_platform_counts_more_than_it_could(text: str) -> None:
    composed = unicodedata.normalize("NFC", text)

    assert 0 <= graphemes(text) <= len(text) <= len(text.encode()) <= 4 * len(text)
    assert x_length(text, X) <= 2 * len(composed) + 23 * composed.count(".")
    assert mastodon_length(text, X) <= len(text) + 23 * text.count(".")
    assert bluesky_length(text, X) == graphemes(text)


@given(st.text(st.characters(max_codepoint=0x2030), max_size=12))
def test_plain_signs_are_counted_as_unicode_counts_clusters(text: str) -> None:
    assert graphemes(text) == len(regex.findall(r"\X", text))


@given(texts, texts)
def test_apart_texts_weigh_what_they_weigh_alone(one: str, other: str) -> None:
    """A line between two texts is 1, and lets neither change the other's addresses."""
    assert x_length(f"{one}\n\n{other}", X) in range(
        x_length(one, X) + x_length(other, X) - 25, x_length(one, X) + x_length(other, X) + 28
    )


@given(texts)
def test_addresses_are_in_order_and_apart(text: str) -> None:
    edges = [edge for one in find_addresses(text) for edge in (one.start, one.end)]

    assert edges == sorted(set(edges))
    assert all("." in one.text for one in find_addresses(text))


@given(texts)
def test_facets_cut_no_character(text: str) -> None:
    data = text.encode()

    for facet in detect(text):
        shown = data[facet.start : facet.end].decode()
        assert facet.value == shown[1:] if facet.kind is FacetKind.TAG else shown in facet.value


@given(texts, st.sampled_from(["@dahua.example", "＠a-b.org", "(@uhrp.example)", "@a.b"]), texts)
def test_a_mention_is_a_sign_and_a_handle(before: str, mention: str, after: str) -> None:
    text = f"{before} {mention} {after}"
    found = find_mentions(text)

    assert found
    for handle in found:
        assert f"@{handle}" in text or f"＠{handle}" in text
