"""The shape of a source: what each block is, and that nothing of the text is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.content.passages import goes_on_after, goes_on_before
from bot.rendering.blocks import BlockKind, blocks_of, sentences_of
from tests.fakes.written import source

LINES = st.sampled_from([
    "# A heading", "- an entry", "2) another. It goes on", "Words of it. More words!", "", "  ",
    "so to Dr. A. Smith he said", "بىز يازىمىز. ئۇلار", "第一句。第二句", "“So!” they said. Why?",
])  # fmt: skip


def kinds(text: str) -> list[tuple[str, int]]:
    return [(block.kind.value, len(block.entries)) for block in blocks_of(source(text))]


def test_headings_lists_and_paragraphs_are_told_apart() -> None:
    text = "# Title\nBelow it.\n\n1. one\n2. two\n   goes on\n\n- three\n\nA line\nand its end."

    assert kinds(text) == [("heading", 1), ("paragraph", 1), ("list", 3), ("paragraph", 1)]


@given(st.lists(LINES, max_size=12).map("\n".join))
def test_nothing_is_outside_of_blocks_and_between_sentences_nothing_is_cut(text: str) -> None:
    own = source(text)

    rest = list(text)
    for block in blocks_of(own):
        for entry in block.entries:
            rest[entry.start : entry.end] = " " * (entry.end - entry.start)
    assert set("".join(rest)) <= set(" \n#")
    for block in blocks_of(own):
        for entry in block.entries:
            for (start, end), (after, _) in zip(entry.sentences, entry.sentences[1:], strict=False):
                assert not goes_on_after(text, end, start)
                assert not goes_on_before(text, after)


def test_what_is_never_quoted_has_no_sentences() -> None:
    text = "Dear all,\n\nWords of it.\n\nBest wishes from us\n\nRead:\n\nA – B\n\nC – D"
    never = tuple(
        (text.index(part), text.index(part) + len(part))
        for part in ("Dear all,", "Best wishes from us", "Read:", "A – B", "C – D")
    )

    own = source(text, never_spans=never, signatories=("Best wishes from us",))

    assert [block.kind for block in blocks_of(own)] == [
        BlockKind.ASIDE, BlockKind.PARAGRAPH, BlockKind.SIGNATURE, BlockKind.HEADING,
        BlockKind.LIST,
    ]  # fmt: skip
    assert [text[a:b] for a, b in sentences_of(own)] == ["Words of it."]
