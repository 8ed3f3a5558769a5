"""Sources are proved by their hash; investigations are the only pages that posts link to."""

from datetime import date

import pytest

from bot.content.files import Bounds
from bot.content.model import Investigation, LinkPreview, Place, Source
from tests.fakes.campaign_tree import LETTER, CampaignTree, sha256_of
from tests.fakes.mistakes import changes

SHA = sha256_of(LETTER)


def put_letter(tree: CampaignTree, content: bytes) -> None:
    """Replace the letter together with its hash."""
    tree.put("posts/sources/letter.txt", content)
    tree.change("posts/sources/letter.yaml", SHA, sha256_of(content))


def test_every_key_is_read(tree: CampaignTree) -> None:
    tree.put(
        "posts/sources/letter.yaml",
        f"""\
id: letter
file: letter.txt
sha256: {SHA}
title: Open letter
attribution: "Open letter, December 9, 2022"
date: 2022-12-09
signatories: [One, Two]
address: https://example.org/letter
lang: en-US
card: {{title: The letter, description: From 2022}}
graphic: [Even children have been taken.]
never: [Signed by many, {{from: "December", to: "2022"}}]
""",
    )
    graphic, signed = LETTER.index("Even children"), LETTER.index("Signed")

    assert tree.campaign().sources["letter"] == Source(
        id="letter",
        file="letter.txt",
        text=LETTER,
        sha256=SHA,
        title="Open letter",
        attribution="Open letter, December 9, 2022",
        date=date(2022, 12, 9),
        signatories=("One", "Two"),
        address="https://example.org/letter",
        lang="en-US",
        card=LinkPreview("The letter", "From 2022"),
        graphic=(("Even children have been taken.", ""),),
        never=(("Signed by many", ""), ("December", "2022")),
        graphic_spans=((graphic, graphic + 30),),
        never_spans=((0, 16), (signed, signed + 14)),
        place=Place(str(tree.posts / "sources/letter.yaml"), 1, 1),
    )


def test_every_key_of_an_investigation_is_read(tree: CampaignTree) -> None:
    tree.put(
        "posts/sources/investigations.yaml",
        """\
investigations:
  - id: known
    outlet: Paper
    title: A title
    author: A. Writer
    date: 24 or 25 May 2022
    address: https://example.org/known
    about: The system
    caution: Names nobody.
    warning: Mind.
    card: {title: T, description: D}
  - {id: lost, outlet: Paper, title: T, author: , date: , address: , about: , caution: , warning: }
""",
    )

    assert tree.campaign().investigations == {
        "known": Investigation(
            *("known", "Paper", "A title", "A. Writer", "24 or 25 May 2022"),
            "https://example.org/known",
            *("The system", "Names nobody.", "Mind."),
            LinkPreview("T", "D"),
        ),
        "lost": Investigation("lost", "Paper", "T"),
    }


def test_a_changed_text_names_both_hashes(tree: CampaignTree) -> None:
    tree.put("posts/sources/letter.txt", LETTER + " ")

    assert tree.errors() == [
        "posts/sources/letter.yaml:2:9: sha256: 'letter.txt' is not the file that was meant: its "
        f"SHA-256 is {sha256_of(LETTER + ' ')}, here stands {SHA}; put the right file back, or, "
        "if the change is right, write the new hash (which voids the approvals of all that quotes "
        "it)"
    ]


def test_not_one_byte_of_a_source_is_touched(tree: CampaignTree) -> None:
    put_letter(tree, LETTER.replace("\n", "\r\n").encode())

    assert tree.campaign().sources["letter"].text == LETTER.replace("\n", "\r\n")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\xef\xbb\xbfa", "posts/sources/letter.txt:1:1: U+FEFF ZERO WIDTH NO-BREAK SPACE may"),
        (b"line\n\xff", "posts/sources/letter.txt:2:1: byte 0xFF is not UTF-8; save the file"),
        ("line\nx\u202e".encode(), "posts/sources/letter.txt:2:2: U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("line\nexe\u0301".encode(), "posts/sources/letter.txt:2:3: U+0065 LATIN SMALL LETTER E"),
    ],
)
def test_a_text_with_hidden_characters_is_no_source(
    tree: CampaignTree, content: bytes, problem: str
) -> None:
    put_letter(tree, content)

    (told,) = tree.errors()

    assert told.startswith(problem)


#: What stands in the letter's description, what is typed instead, and what is told of it.
MISTAKES = """
file: letter.txt => file: leter.txt
    1:7: file: no file 'leter.txt' in posts/sources; did you mean 'letter.txt'?
file: letter.txt => file: ../main.yaml
    1:7: file: no file '../main.yaml' in posts/sources; there are: letter.txt
file: letter.txt => file: /etc/passwd
    1:7: file: no file '/etc/passwd' in posts/sources; there are: letter.txt
title: Open letter⏎ => # no title⏎
    1:1: title: missing; title of the text
sha256: SHA => sha256: abc
    2:9: sha256: 'abc' does not fit;
    write the file's SHA-256: 64 hexadecimal digits, small letters
date: 2022-12-09 => date: 2027-12-09
    5:7: date: 2027-12-09 is yet to come; write the day of the text
[Many] => Many
    6:14: signatories: is a single value; write [Many]
https://example.org/letter => ftp://example.org/letter
    7:10: address: 'ftp://example.org/letter': only http and https are linked;
    write https://example.org/letter
have been taken. => have been take.
    8:11: graphic[0]: 'Even children have been take.' is not in the text;
    nearest: Even children have been taken.
Even children have => Even  children have
    8:11: graphic[0]: 'Even  children have been taken.' is not in the text:
    'letter' has other characters
Even children have been taken. => Something else entirely, xyzzy
    8:11: graphic[0]: 'Something else entirely, xyzzy' is not in the text
Signed by many => any
    9:29: never[1]: 'any' stands in the text more than once; write more of it
Signed by many => {from: Signed, to: Dear}
    9:29: never[1]: 'Dear' does not come after 'Signed'
title: Open => id: other⏎title: Open
    3:5: id: 'other' is not the file's name; write letter, or rename the file
title: Open => translation_of: letter⏎title: Open
    3:17: translation_of: names this source itself; name the original
title: Open => translation_of: lettre⏎title: Open
    3:17: translation_of: no source 'lettre'; did you mean 'letter'?
"""


@pytest.mark.parametrize(("old", "new", "problem"), changes(MISTAKES.replace("SHA", SHA, 1)))
def test_one_mistake_is_one_clear_line(
    tree: CampaignTree, old: str, new: str, problem: str
) -> None:
    tree.change("posts/sources/letter.yaml", old, new)

    (told,) = (one for one in tree.errors() if one.startswith("posts/sources/letter.yaml"))

    assert told.startswith(f"posts/sources/letter.yaml:{problem}")


def test_a_text_that_is_too_large_is_told_where_it_is_named(tree: CampaignTree) -> None:
    put_letter(tree, LETTER.encode() * 10)

    assert tree.problems(bounds=Bounds(text_bytes=1000)) == [
        "posts/sources/letter.yaml:1:7: file: 'letter.txt' has 1,740 bytes, and 1,000 are the "
        "most; split it, or make it smaller"
    ]


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("We donâ€™t know", "character 7: “â€™” stands for ’; write ’"),
        ("We\ufffd know", "character 3: U+FFFD REPLACEMENT CHARACTER stands for what got lost"),
        ("We know\u200b", "character 8: U+200B ZERO WIDTH SPACE after “We know” cannot be seen"),
    ],
)
def test_what_a_program_lost_in_a_source_is_told_as_it_would_be_quoted(
    tree: CampaignTree, typed: str, told: str
) -> None:
    put_letter(tree, f"{LETTER}\n{typed}.\n".encode())

    (problem,) = tree.problems()

    number = LETTER.count("\n") + 2
    assert problem.startswith(f"posts/sources/letter.txt:{number}:1: warning: {told}")
    assert tree.errors() == []


def test_line_ends_of_windows_are_no_lost_characters(tree: CampaignTree) -> None:
    put_letter(tree, f"{LETTER}\nNous n’avons rien demandé.\n".replace("\n", "\r\n").encode())

    assert tree.problems() == []


def test_a_source_with_a_problem_makes_no_further_ones_in_posts(tree: CampaignTree) -> None:
    tree.put("posts/sources/letter.yaml", "file: &a letter.txt\n")

    assert [one.partition(" ")[0] for one in tree.errors()] == ["posts/sources/letter.yaml:1:7:"]


def test_a_description_with_a_name_that_is_no_id_is_refused(tree: CampaignTree) -> None:
    text = (tree.posts / "sources/letter.yaml").read_text()
    tree.put("posts/sources/My_Letter.yaml", text)

    (problem,) = tree.errors()

    assert problem.startswith(
        "posts/sources/My_Letter.yaml:1:1: the file's name is the source's id: 'My_Letter' does"
    )


OF_INVESTIGATIONS = """
id: lost => id: known
    3:10: investigations[1].id: id 'known' is taken on line 2; ids are unique
id: lost => id: letter
    3:10: investigations[1].id: a source is called 'letter' already; choose another id
id: lost => id: none
    3:10: investigations[1].id: 'none' takes a link away in variants; choose another id
outlet: Paper, title: Another title => title: Another title
    3:5: investigations[1].outlet: missing; who published it
https://example.org/known => javascript:alert(1)
    2:57: investigations[0].address: 'javascript:alert(1)' names no host;
    write a whole address such as https://example.org/report
https://example.org/known => https://editor:secret@example.org/known
    2:57: investigations[0].address: has a user name before the host; take it out
investigations: => investigation:
    1:1: investigation: no such key 'investigation'; did you mean 'investigations'?
"""


@pytest.mark.parametrize(("old", "new", "problem"), changes(OF_INVESTIGATIONS))
def test_one_mistake_in_the_investigations_is_one_clear_line(
    tree: CampaignTree, old: str, new: str, problem: str
) -> None:
    tree.change("posts/sources/investigations.yaml", old, new)

    assert f"posts/sources/investigations.yaml:{problem}" in tree.errors()


def test_a_broken_list_of_investigations_makes_no_further_problems_in_posts(
    tree: CampaignTree,
) -> None:
    tree.put_post("text: x", "queue: main", "link: known")
    tree.put("posts/sources/investigations.yaml", "investigations: [\n")

    assert [one.partition(" ")[0] for one in tree.errors()] == [
        "posts/sources/investigations.yaml:2:1:"
    ]


def test_nor_does_one_with_an_entry_that_cannot_be_read(tree: CampaignTree) -> None:
    tree.put_post("text: x", "queue: main", "link: known")
    entries = "  - {id: other, outlet: A, title: B}\n  - id: known\n    title: B: C\n"
    tree.put("posts/sources/investigations.yaml", f"investigations:\n{entries}")

    assert [one.partition(" ")[0] for one in tree.errors()] == [
        "posts/sources/investigations.yaml:4:13:"
    ]


def test_a_campaign_without_investigations_is_fine(tree: CampaignTree) -> None:
    (tree.posts / "sources/investigations.yaml").unlink()

    assert tree.campaign().investigations == {}
