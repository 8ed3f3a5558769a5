"""What is typed into a file is its value, to the character, or an error says what is lost."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.content.yamlfile import parse

#: What YAML has a meaning for, and what people type beside it.
SIGNS = st.sampled_from(
    [*"#:-?|>&*!%@`'\",[]{}~=<\\", " #", ": ", "- ", "  ", "\t", "é", "ئ", "。", "1"]
)
WORDS = st.lists(st.one_of(SIGNS, st.text("abc ", max_size=4)), max_size=8).map("".join)
STRIPPED = " \t"


def value_of(file: str) -> object:
    """Return the value of ``text``; None where there is a problem."""
    node, problems = parse(file.encode(), file="f")
    assert node is not None or problems
    return None if problems or node is None else node.text("text")


@given(WORDS)
@example("Justice # for all")
def test_a_plain_text_is_what_stands_in_the_line(words: str) -> None:
    value = value_of(f"text: {words}\n")

    if isinstance(value, str) and not words.strip(STRIPPED).startswith(("'", '"', "|", ">")):
        assert value == words.strip(STRIPPED)


@pytest.mark.parametrize("key", ["alt", "warning", "quote", "from", "to", "original", "title",
                                 "description", "attribution"])  # fmt: skip
def test_so_is_a_single_word_that_people_read(key: str) -> None:
    _node, problems = parse(f"{key}: Justice # for all\n".encode(), file="f")

    assert [each.rule for each in problems] == ["comment-swallowed"]
    assert parse(b"queue: excerpts # the first\n", file="f")[1] == []


@given(WORDS, WORDS)
def test_a_text_of_several_lines_is_never_folded(first: str, second: str) -> None:
    value = value_of(f"text: a{first}\n  b{second}\n")

    assert value is None or "\n" not in f"a{first}\n  b{second}"


@given(WORDS.map(lambda words: words.replace('"', "").replace("\\", "")), WORDS)
def test_a_quoted_text_is_what_stands_between_the_marks(words: str, after: str) -> None:
    value = value_of(f'text: "{words}"{after}\n')

    assert value in (None, words)
    if value is not None and after.strip(STRIPPED):
        assert after.lstrip(STRIPPED).startswith(("# ", "#\t")) or after.strip(STRIPPED) == "#"


@given(WORDS.map(lambda words: words.replace("'", "")))
def test_so_is_one_between_single_marks(words: str) -> None:
    assert value_of(f"text: '{words}'\n") in (None, words)


@given(st.lists(WORDS.map(lambda words: f"x{words}".rstrip(STRIPPED)), min_size=1, max_size=4))
def test_a_block_keeps_its_lines(lines: list[str]) -> None:
    block = "".join(f"  {line}\n" for line in lines)

    assert value_of(f"text: |-\n{block}") in (None, "\n".join(lines))


@given(WORDS)
def test_a_text_in_braces_is_what_stands_there(words: str) -> None:
    node, problems = parse(f"m: {{text: x{words}}}\n".encode(), file="f")

    inner = node.child("m") if node and not problems else None
    if inner is not None and not set(words) & set("{}[]") and words.strip(STRIPPED)[-1:] != ",":
        assert inner.text("text") == f"x{words}".strip(STRIPPED)
        assert inner.plain() == {"text": f"x{words}".strip(STRIPPED)}
