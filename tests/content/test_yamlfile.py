"""YAML is read as text with places, and whatever hides, explodes or crashes is refused."""

import json
import subprocess
import sys
import textwrap

import pytest

from bot.content.files import BOUNDS, Bounds
from bot.content.values import EMPTY
from bot.content.yamlfile import Plain, parse, parse_all
from tests.fakes.campaign_tree import line_of
from tests.fakes.mistakes import mistakes


def plain(text: str) -> Plain:
    node, problems = parse(text.encode(), file="f.yaml")
    assert node
    assert not problems
    return node.plain()


def problems_of(raw: str | bytes, bounds: Bounds = BOUNDS) -> list[str]:
    content = raw.encode() if isinstance(raw, str) else raw
    _, problems = parse(content, file="f.yaml", bounds=bounds)
    return [line_of(problem) for problem in problems]


@pytest.mark.parametrize(
    "typed",
    [
        *("no", "on", "yes", "off", "true", "null", "~", "12:30", "017", "1_000", "1e3", ".inf"),
        *("0x1F", "2026-12-09", "2026-12-09 09:00", "=", "<", "3.14", ".nan", "Null"),
    ],
)
def test_a_value_stays_the_text_that_was_typed(typed: str) -> None:
    assert plain(f"key: {typed}\n") == {"key": typed}


def test_a_key_stays_the_text_that_was_typed() -> None:
    assert plain("on: 1\n12-09: 2\n") == {"on": "1", "12-09": "2"}


@pytest.mark.parametrize("typed", ["", " # a comment", " #Uyghur"])
def test_only_an_empty_value_is_no_value(typed: str) -> None:
    assert plain(f"key:{typed}\n") == {"key": EMPTY}


@pytest.mark.parametrize("typed", ['""', "''", "|\n"])
def test_quotation_marks_around_nothing_are_empty_text(typed: str) -> None:
    assert plain(f"key: {typed}\n") == {"key": ""}


def test_every_value_and_key_knows_its_line_and_column() -> None:
    node, _ = parse(b"a: 1\nb:\n  - c: x\n", file="f.yaml")

    assert node
    place, key = node.place_of(["b", 0, "c"]), node.place_of(["b", 0, "c"], key=True)
    assert (place.line, place.column) == (3, 8)
    assert (key.line, key.column) == (3, 5)


def test_columns_count_characters_not_bytes() -> None:
    assert problems_of("a: {é: 1, é: 2}\n") == [
        "f.yaml:1:11: key 'é' is written twice, first on line 1; keep one"
    ]


def test_a_byte_order_mark_is_accepted_and_does_not_move_columns() -> None:
    node, problems = parse(b"\xef\xbb\xbfa: b\n", file="f.yaml")

    assert node
    assert not problems
    assert node.keys["a"].column == 1


def test_windows_line_ends_are_accepted() -> None:
    assert plain("a: 1\r\nb: 2\r\n") == {"a": "1", "b": "2"}


NO_TEXT = "may not stand in a text; take it out"


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"a: 1\nb: \xe9\n", "2:4: byte 0xE9 is not UTF-8; save the file as UTF-8"),
        ("a: b".encode("utf-16"), "1:1: is UTF-16; save the file as UTF-8"),
        ("a: b".encode("utf-32"), "1:1: is UTF-32; save the file as UTF-8"),
        (b"a: x\x00y", f"1:5: U+0000 NULL {NO_TEXT}"),
        (b"a: 1\nb: \x1b[0m", f"2:4: U+001B ESCAPE {NO_TEXT}"),
        ("a: x\ufdd0".encode(), f"1:5: U+FDD0 (no character) {NO_TEXT}"),
        ("a: x\U0001ffff".encode(), f"1:5: U+1FFFF (no character) {NO_TEXT}"),
        ("a: x\ufeff".encode(), f"1:5: U+FEFF ZERO WIDTH NO-BREAK SPACE {NO_TEXT}"),
        (
            b"a: 1\rb: 2",
            "1:5: an old line break (U+000D alone); save the file with usual line breaks",
        ),
        (
            "a: x\u2028y".encode(),
            "1:5: U+2028 LINE SEPARATOR breaks lines unseen; use a usual line break",
        ),
        (b"a: \xed\xa0\x80", "1:4: byte 0xED is not UTF-8; save the file as UTF-8"),
        # An escape brings in no more than the character itself.
        (rb'a: "\0"', f"1:4: U+0000 NULL {NO_TEXT}"),
        (
            rb'a: "x\u202e"',
            "1:4: U+202E RIGHT-TO-LEFT OVERRIDE turns text around for readers; take it out",
        ),
        (rb'a: "\ufffe"', f"1:4: U+FFFE (no character) {NO_TEXT}"),
        (
            rb'a: "\ud800"',
            "1:7: this escape names no character",
        ),
    ],
)
def test_bytes_and_escapes_that_are_no_plain_text_are_refused(raw: bytes, message: str) -> None:
    assert problems_of(raw) == [f"f.yaml:{message}"]


@pytest.mark.parametrize("char", "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
def test_characters_that_turn_text_around_are_refused(char: str) -> None:
    assert problems_of(f"a: 1\nb: x{char}y\n")[0].startswith("f.yaml:2:5: U+20")
    assert "turns text around for readers" in problems_of(f"a: 1\nb: x{char}y\n")[0]


@pytest.mark.parametrize("char", "\u200c\u200d\u200e\u200f\u061c\ufe8d\u0640")
def test_joiners_marks_and_presentation_forms_are_kept(char: str) -> None:
    assert plain(f"a: x{char}y\n") == {"a": f"x{char}y"}


def test_text_that_is_not_nfc_is_shown_and_never_converted() -> None:
    assert problems_of("a: 1\nb: cafe\u0301\n") == [
        "f.yaml:2:7: U+0065 LATIN SMALL LETTER E is not written in the usual way (NFC); the usual "
        "one is 'é' (U+00E9 LATIN SMALL LETTER E WITH ACUTE); type the word again, or convert the "
        "file to NFC"
    ]


def test_an_escaped_accent_is_not_nfc_either() -> None:
    assert "not written in the usual way (NFC)" in problems_of('a: "e\\u0301"\n')[0]


def test_a_duplicate_key_names_both_lines_on_every_level() -> None:
    assert problems_of("a: 1\nb:\n  c: 1\n  c: 2\na: 3\n") == [
        "f.yaml:4:3: key 'c' is written twice, first on line 3; keep one",
        "f.yaml:5:1: key 'a' is written twice, first on line 1; keep one",
    ]


def test_the_first_of_two_same_keys_counts_for_further_checks() -> None:
    node, _ = parse(b"a: 1\na: 2\n", file="f.yaml")

    assert node
    assert node.plain() == {"a": "1"}


#: Beyond text, and slips of the syntax.
NO_YAML_OF_OURS = """
a: &x 1
    1:4: an anchor (&x); take it out, or put text that begins with & in quotation marks
a: *x
    1:4: an alias (*x); write the value out, or put text that begins with * in quotation marks
<<: {a: 1}
    1:1: a merge key (<<); write the values out instead
a: !important
    1:4: a tag (!important); take it out, or put text that begins with ! in quotation marks
a: !!binary aGk=
    1:4: a tag (tag:yaml.org,2002:binary); take it out,
    or put text that begins with ! in quotation marks
a: !!python/object/apply:os.system [id]
    1:4: a tag (tag:yaml.org,2002:python/object/apply:os.system); take it out,
    or put text that begins with ! in quotation marks
%YAML 1.1⏎---⏎a: 1
    1:1: a YAML directive (`%…`); take it out
a: 1⏎---⏎b: 2
    2:1: a second document begins; a file holds one, so take the `---` out
? [a]⏎: 1
    1:3: a key is missing before the colon, or is no simple text
"": 1⏎"": 2
    2:1: key '' is written twice, first on line 1; keep one
a:⏎\t- b
    2:1: a tab stands here; indent with spaces
a: x: y
    1:5: a colon in text needs quotation marks around the text; or the indent is wrong;
    write: a: "x: y"
a: @x
    1:4: text that begins with this character needs quotation marks; write: a: "@x"
a: **x**
    1:5: text that begins with * needs quotation marks; write: a: "**x**"
a: "x⏎b: 1
    1:4: a quotation mark is opened here and never closed; write: a: "x"
a:"x"⏎b: 1
    1:1: a key needs a colon and a space after it; write: a: "x"
-a: x⏎ b: y
    1:1: an entry begins with one dash and a space; write: - a: x
-- a: x⏎ b: y
    1:1: an entry begins with one dash and a space; write: - a: x
a: x⏎ b: y
    2:3: this line begins further right than the one above; begin both alike
a: "an "x" here"
    1:9: this does not belong here; indent it like the lines above,
    or double the quotation mark inside of quoted text; write: a: "an \\"x\\" here"
a: [x⏎b: 1
    1:4: a bracket is opened here and not closed
a:⏎  - 1⏎ b: 2
    3:2: this does not belong here
a: 'it's'
    1:8: this does not belong here; indent it like the lines above,
    or double the quotation mark inside of quoted text; write: a: "it's"
a: "\\q"
    1:5: a backslash in double quotation marks; use single ones
a: , x
    1:4: text that begins with , needs quotation marks; write: a: ", x"
m: {a: x: y, b: z}
    1:9: a colon in text needs quotation marks around the text; write: m: {a: "x: y", b: z}
```yaml⏎a: 1
    1:1: ```yaml is no YAML; take the line out
"""


@pytest.mark.parametrize(("text", "begin"), mistakes(NO_YAML_OF_OURS))
def test_what_yaml_can_do_beyond_text_is_refused_with_what_to_do(text: str, begin: str) -> None:
    (message,) = problems_of(f"{text}\n")

    assert message.startswith(f"f.yaml:{begin}")


def test_entries_that_cannot_be_read_keep_none_of_the_others_from_it() -> None:
    entries = ("id: a: b", "id: c", "id: @d", "id: e # f", 'id: "g', "id: h")
    text = "posts:\n" + "".join(f"  - {entry}\n    x: 1\n\n" for entry in entries)

    node, problems = parse_all(text.encode(), file="f.yaml", key="posts")

    assert node
    assert [each.text("id") for each in node.entries("posts")] == ["c", "e", "h"]
    assert sorted(each.line for each in problems) == [2, 8, 14]
    assert node.entries("posts")[-1].place.line == 17


def test_keys_that_cannot_be_read_are_told_at_once_and_nothing_is_read() -> None:
    node, problems = parse_all(
        b"a: x: y\nb: 1\nc:\n  - 'it's'\nd: @e\n", file="f.yaml", key="campaign"
    )

    assert node is None
    assert sorted(each.line for each in problems) == [1, 4, 5]


@pytest.mark.parametrize("text", ["posts:\n  - a: b: c\n", "a: b: c\n", "posts: [\n"])
def test_a_file_of_which_nothing_can_be_read_says_so_once(text: str) -> None:
    node, problems = parse_all(text.encode(), file="f.yaml", key="posts")

    assert node is None
    assert len(problems) == 1


def merge_bomb(levels: int = 9) -> str:
    lines = ["a: &a {k: 1}"]
    for before, name in zip("abcdefghi"[:levels], "bcdefghij"[:levels], strict=True):
        lines.append(f"{name}: &{name} {{<<: [{', '.join([f'*{before}'] * 9)}]}}")
    return "\n".join(lines)


BOMBS = {
    "merge keys": merge_bomb(),
    "aliases": merge_bomb().replace("<<: ", "k: "),
    "itself": "a: &a [*a]\n",
    "square brackets": "[" * 100_000,
    "curly brackets": "{" * 9_000,
    "dashes": "- " * 50_000,
    "questions": "? " * 50_000,
    "nested keys": "".join(f"{' ' * depth}k:\n" for depth in range(600)),
}


def test_a_bomb_is_refused_early_and_the_process_lives() -> None:
    """Measured in a process of its own, which must not die and not grow."""
    program = """
        import json, resource, sys, time
        from bot.content.yamlfile import parse
        for name, bomb in json.load(sys.stdin).items():
            raw = bomb.encode()
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            start = time.process_time()
            node, problems = parse(raw, file="f.yaml")
            spent = time.process_time() - start
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
            assert problems and len(problems) <= 50, (name, problems)
            assert spent < 20, (name, spent)  # what grows with the square takes hours
            assert grown < 20_000, (name, grown)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        input=json.dumps(BOMBS).encode(),
        capture_output=True,
        check=False,
    )

    assert (done.returncode, done.stderr.decode()) == (0, "")


def test_depth_and_number_of_pieces_are_bounded() -> None:
    assert problems_of("[" * 17) == ["f.yaml:1:17: nested deeper than 16; write it flatter"]
    assert problems_of("[1, 2, 3]", Bounds(yaml_events=4)) == [
        "f.yaml:1:5: more than 4 pieces; split the file"
    ]


def test_a_file_that_is_too_large_is_not_looked_at() -> None:
    assert problems_of("a: b\n" * 10, Bounds(yaml_bytes=49)) == [
        "f.yaml:0:0: has 50 bytes; 49 are the most, so split it into more files"
    ]


def test_one_file_tells_fifty_problems_at_most() -> None:
    assert len(problems_of("a: &x 1\n" + "".join(f"k{n}: *x\n" for n in range(500)))) == 50


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n"])
def test_an_empty_document_is_no_problem_of_the_syntax(text: str) -> None:
    node, problems = parse(text.encode(), file="f.yaml")

    assert not problems
    assert node is None or node.value is EMPTY


def test_a_comment_behind_a_day_is_no_text_that_gets_lost() -> None:
    written = "quiet:\n  - from: 2026-12-24 # the eve\n    to: 2026-12-26 # the second day\n"

    assert plain(written) == {"quiet": [{"from": "2026-12-24", "to": "2026-12-26"}]}


def test_a_comment_that_swallows_brackets_is_told_with_a_line_that_can_be_read() -> None:
    written = "media: [{file: a.png, alt: A door # 3}]"
    right = 'media: [{file: a.png, alt: "A door # 3"}]'

    told = problems_of(f"{written}\n")

    assert any(f"write: {right} or" in message for message in told)
    assert plain(f"{right}\n") == {"media": [{"file": "a.png", "alt": "A door # 3"}]}
