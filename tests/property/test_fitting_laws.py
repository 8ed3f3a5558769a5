import itertools
from collections.abc import Callable

import regex
from hypothesis import assume, example, given
from hypothesis import strategies as st

from bot.platforms.mastodon import length as mastodon_length
from bot.platforms.measuring import graphemes
from bot.platforms.spec import Limits
from bot.platforms.x import length as x_length
from bot.rendering.facets import find_links
from bot.rendering.fitting import find_parts
from tests.conformance.corpora import CHINESE, EMOJI, ENGLISH, LINKS, TAGS, UYGHUR

words = st.sampled_from(
    [*" ".join(ENGLISH + UYGHUR + CHINESE).split(" "), *EMOJI, *LINKS, *TAGS, "“", "‘", "”", "—"]
)
separators = st.sampled_from([" ", " ", " ", "\n", "\n\n", "; ", ", ", " – ", "", "\r\n", "\u00a0"])
posts = st.lists(st.tuples(words, separators), max_size=60).map(
    lambda pieces: "".join(itertools.chain.from_iterable(pieces))
)
texts = st.one_of(
    posts,
    st.text(max_size=300),
    st.text(alphabet=" \n\u0301\u200d👩🏽.,;—“”‘’aé中\u0600🇺🇸\u00a0", max_size=120),
)
X = Limits(280)
measures = st.sampled_from(
    [len, graphemes, lambda text: x_length(text, X), lambda text: mastodon_length(text, X)]
)


@given(texts, measures, st.integers(20, 120), st.sampled_from(["en", "ug", "zh", "xx"]))
@example("a \u0301", len, 20, "en")
def test_every_part_fits_and_nothing_is_lost_or_added(
    text: str, measure: Callable[[str], int], length: int, lang: str
) -> None:
    def fits(part: str) -> bool:
        return measure(part) <= length

    try:
        parts = find_parts(text, fits, lang)
    except ValueError:
        assume(False)

    edges = [0, *itertools.chain.from_iterable(parts), len(text)]
    between = [text[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True)]
    assert all(fits(text[start:end]) for start, end in parts)
    assert all(text[start:end].strip() for start, end in parts)
    assert not "".join(between).strip()


@given(texts, st.integers(10, 60))
def test_no_grapheme_is_torn(text: str, length: int) -> None:
    parts = find_parts_or_skip(text, length)

    starts = {found.start() for found in regex.finditer(r"\X", text)} | {len(text)}
    assert all(start in starts for start, _ in parts)
    assert all(end in starts or text[end].isspace() for _, end in parts)


@given(posts, st.integers(100, 140))
def test_no_address_is_torn(text: str, length: int) -> None:
    parts = find_parts_or_skip(text, length)

    linked = [link for start, end in parts for link in find_links(text[start:end])]
    assert set(find_links(text)) <= set(linked)


def find_parts_or_skip(text: str, length: int) -> tuple[tuple[int, int], ...]:
    try:
        return find_parts(text, lambda part: len(part) <= length)
    except ValueError:
        assume(False)
        raise
