import pytest

from bot.rendering.similarity import similar_pairs, words

ENGLISH = "As the CCP sketched its plan to destroy millions of lives, Dahua held the pen."
UYGHUR = "بىز دادىمىز ۋە ئانىمىز، قېرىندىشىمىز ھەققىدە سۆزلەۋاتىمىز."
CHINESE = "我们所说的是我们的父母、兄弟姐妹、亲人和朋友。"


def similarity(one: str, other: str) -> float:
    """Return how alike two texts are, by all pairs above next to nothing."""
    return sum(share for _, _, share in similar_pairs([one, other], 1e-9))


@pytest.mark.parametrize("text", [ENGLISH, UYGHUR, CHINESE, "Word", "Two words"])
def test_a_text_is_like_itself(text: str) -> None:
    assert similarity(text, text) == 1.0
    assert similarity(text, f"“{text.upper()}”\n") == 1.0


@pytest.mark.parametrize("text", [ENGLISH, UYGHUR, CHINESE])
def test_a_text_is_alike_with_something_added(text: str) -> None:
    assert 0.5 < similarity(text, f"{text} {text[:12]}!") < 1.0


@pytest.mark.parametrize(
    ("one", "other", "share"),
    [
        (ENGLISH, UYGHUR, 0),
        (UYGHUR, CHINESE, 0),
        (ENGLISH, "Read the report, and write to your council today.", 0),
        ("a b c d", "a b c x", 1 / 3),  # of three words in a row
    ],
)
def test_other_texts_are_alike_by_the_share_of_what_they_have_in_common(
    one: str, other: str, share: float
) -> None:
    assert similarity(one, other) == pytest.approx(share)


def test_chinese_needs_no_spaces() -> None:
    assert words("维吾尔人 and ئۇيغۇر") == ["维", "吾", "尔", "人", "and", "ئۇيغۇر"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ﬁnd the ｗｏｒｄ now", "find the word now"),
        ("ئۇيـغۇر خەلقى بار", "ئۇيغۇر خەلقى بار"),
        ("\u2067one two three\u2069", "one two three"),
        ("STRASSE a b", "straße a b"),
    ],
)
def test_only_what_a_reader_sees_is_compared(one: str, other: str) -> None:
    assert similarity(one, other) == 1.0


@pytest.mark.parametrize("empty", ["", "…", "👩‍💻"])
def test_a_text_without_words_resembles_nothing(empty: str) -> None:
    assert similarity(empty, empty) == similarity(empty, ENGLISH) == 0.0
    assert similar_pairs([empty, empty], 0.1) == ()


def test_pairs_are_found_in_order() -> None:
    texts = [ENGLISH, CHINESE, ENGLISH + " Yes.", UYGHUR, CHINESE]

    pairs = similar_pairs(texts, 0.6)

    assert pairs == ((0, 2, similarity(texts[0], texts[2])), (1, 4, 1.0))
