from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from bot.rendering.similarity import SHINGLE, similar_pairs, words

few_words = st.text(alphabet="abcde中国", max_size=12).map(" ".join)
texts = st.one_of(few_words, st.text(max_size=60))


def similarity(one: str, other: str) -> float:
    """Count by hand: the share of all threes of words in a row that both texts have."""
    ours, theirs = (
        {tuple(found[at : at + SHINGLE]) for at in range(max(1, len(found) - SHINGLE + 1))} - {()}
        for found in map(words, (one, other))
    )
    return len(ours & theirs) / len(ours | theirs) if ours | theirs else 0.0


@given(texts, texts)
def test_similarity_is_a_share_and_the_same_both_ways(one: str, other: str) -> None:
    (share,) = {share for _, _, share in similar_pairs([one, other], 1e-9)} or {0.0}

    assert share == sum(found for _, _, found in similar_pairs([other, one], 1e-9))
    assert 0.0 <= share == similarity(one, other) <= 1.0


@given(texts)
def test_a_text_with_words_is_like_itself(text: str) -> None:
    found = [share for _, _, share in similar_pairs([text, text], 1e-9)]

    assert found == ([1.0] if words(text) else [])


@given(st.lists(few_words, max_size=12), st.floats(0.05, 1.0))
def test_no_pair_is_missed(posts: list[str], threshold: float) -> None:
    every = (
        (first, second, similarity(posts[first], posts[second]))
        for first, second in combinations(range(len(posts)), 2)
    )

    assert similar_pairs(posts, threshold) == tuple(pair for pair in every if pair[2] >= threshold)
