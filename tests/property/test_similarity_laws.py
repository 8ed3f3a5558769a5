from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from bot.rendering.similarity import Pair, similar_pairs, similarity, words

few_words = st.text(alphabet="abcde中国", max_size=12).map(" ".join)
texts = st.one_of(few_words, st.text(max_size=60))


@given(texts, texts)
def test_similarity_is_a_share_and_the_same_both_ways(one: str, other: str) -> None:
    assert 0.0 <= similarity(one, other) == similarity(other, one) <= 1.0


@given(texts)
def test_a_text_with_words_is_like_itself(text: str) -> None:
    assert similarity(text, text) == (1.0 if words(text) else 0.0)


@given(st.lists(few_words, max_size=12), st.floats(0.05, 1.0))
def test_no_pair_is_missed(posts: list[str], threshold: float) -> None:
    every = (
        Pair(first, second, similarity(posts[first], posts[second]))
        for first, second in combinations(range(len(posts)), 2)
    )

    assert similar_pairs(posts, threshold) == tuple(
        pair for pair in every if pair.similarity >= threshold
    )
