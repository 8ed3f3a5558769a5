import pytest

from bot.checks.quotation_marks import marked_spans, problems_of_marks
from tests.fakes.written import INVESTIGATION, source

SOURCES = [source()]


def inside(text: str) -> list[str]:
    return [one.text for one in marked_spans(text)[0]]


def alone(text: str) -> list[str]:
    return [one.sign for one in marked_spans(text)[1]]


def messages(text: str) -> list[str]:
    return [message for _, message in problems_of_marks(text, SOURCES, [INVESTIGATION])]


@pytest.mark.parametrize(
    "text",
    [
        *("“a b”", "‘a b’", '"a b"', "'a b'", "«a b»", "‹a b›", "„a b“", "„a b”", "「a b」"),
        *("『a b』", "❝a b❞", "＂a b＂", "｢a b｣"),
    ],
)
def test_every_kind_of_marks_is_seen(text: str) -> None:
    assert inside(f"See {text}, there.") == ["a b"]
    assert alone(f"See {text}, there.") == []


@pytest.mark.parametrize(
    "text",
    [
        "don’t, don't, it’s and it's",
        "the partners’ ties and the partners' ties",
        "l’homme, d'abord, aujourd’hui",
        "the ’90s and the '90s",
        "’tis, 'twas, rock ’n’ roll",
        "Uyghurs’ homes, Xi'an, O’Brien",
        "6'2\" tall",
        "no marks at all",
    ],
)
def test_apostrophes_are_no_marks(text: str) -> None:
    assert marked_spans(text) == ((), ())


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("‘they don’t rest’", ["they don’t rest"]),
        ("'they don't rest'", ["they don't rest"]),
        ("“it was ‘taught’ to us”", ["it was ‘taught’ to us", "taught"]),
        ("‘the partners’ ties’ and so on", ["the partners’ ties"]),
        ("‘one’ and ‘two’", ["one", "two"]),
        ('“one” and "two"', ["one", "two"]),
        ("(“one”)", ["one"]),
        ("‘the neighbors’ and friends", ["the neighbors"]),
        ("l’‘homme’", ["homme"]),
    ],
)
def test_marks_around_apostrophes_and_inside_of_marks_are_told_apart(
    text: str, spans: list[str]
) -> None:
    assert inside(text) == spans
    assert alone(text) == []


@pytest.mark.parametrize(
    ("text", "marks"),
    [("“open", ["“"]), ("close”", ["”"]), ('one " two', ['"']), ("« only", ["«"]), ("「", ["「"])],
)
def test_a_mark_without_its_partner_is_seen(text: str, marks: list[str]) -> None:
    assert alone(text) == marks
    assert messages(text) == [f"the quotation mark {marks[0]} has no partner"]


@pytest.mark.parametrize(
    "text",
    [
        "They ask for “your help” now.",
        "It says: “They don’t sleep, they don’t rest”.",
        "Il écrit «\u202fThe years-long watch has no end.\u202f»",
        "Your cameras see ‘“everything” that people do’.",
        "Read “Inside the ‘camera’ rooms”.",
        "In short: “Some were ‘taught’ by force […] We wait…”",
        "No marks.",
    ],
)
def test_exact_words_of_a_source_and_titles_may_stand_in_marks(text: str) -> None:
    assert messages(text) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("They “care a lot”.", "in no source"),
        ("“our neighbors and our friends”", "nearest"),
        ("Read “Inside the camera rooms”", "no investigation's title"),
        ("Read “Inside the 'camera' rooms”", "write: “Inside the ‘camera’ rooms”"),
        ("“They don't sleep”", "write: “They don’t sleep”"),
        ("“eighbors”", "in no source"),
        ("“Four Houses”", "in no source"),
        ('"your help"', "write “your help” (U+201C, U+201D)"),
        ("'your help'", "write ‘your help’ (U+2018, U+2019)"),
        ("so-called “partners”", "in no source"),
    ],
)
def test_other_words_in_marks_are_refused(text: str, says: str) -> None:
    found = messages(text)

    assert len(found) == 1
    assert says in found[0]


def test_each_problem_tells_the_character_at_which_it_stands() -> None:
    assert [at for at, _ in problems_of_marks("They “lie”; they “steal”.", SOURCES, [])] == [6, 18]


def test_a_lone_mark_inside_of_exact_words_is_the_sources_own() -> None:
    own = source("It is 5 » far to go.")

    assert list(problems_of_marks("“It is 5 » far”", [own], [])) == []


def test_letters_that_are_written_with_a_mark_are_no_marks() -> None:
    assert marked_spans("o‘zbek tili") == ((), ())
