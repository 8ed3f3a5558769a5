import pytest

from bot.platforms.status import Facet, FacetKind
from bot.rendering.facets import detect, find_links, find_mentions, find_tags

LETTER = "https://campaignforuyghurs.org/open-letter-to-dahua-and-lorex-partners/"


def marked(text: str, facets: tuple[Facet, ...]) -> list[str]:
    data = text.encode()
    return [data[one.start : one.end].decode() for one in facets]


def test_places_are_bytes_not_characters() -> None:
    text = "ئۇيغۇر — #Uyghur"

    (facet,) = detect(text)

    assert (facet.start, facet.end) == (len("ئۇيغۇر — ".encode()), len(text.encode()))
    assert facet == Facet(FacetKind.TAG, facet.start, facet.end, "Uyghur")


@pytest.mark.parametrize(
    ("text", "shown", "values"),
    [
        ("(https://a.com/x).", ["https://a.com/x"], ["https://a.com/x"]),
        ("see a.com/x, now", ["a.com/x"], ["https://a.com/x"]),
        ("https://a.com/b_(c)", ["https://a.com/b_(c)"], ["https://a.com/b_(c)"]),
        ("a.nosuchdomain", [], []),
        ("HTTP://A.COM", [], []),
        ("#Uyghur, #ئۇيغۇر!", ["#Uyghur", "#ئۇيغۇر"], ["Uyghur", "ئۇيغۇر"]),
        ("#2022 is no tag, #2022a is", ["#2022a"], ["2022a"]),
        ("#" + "a" * 65, [], []),
        ("#️⃣", [], []),
        ("$ABC", [], []),
    ],
)
def test_links_and_tags_are_marked(text: str, shown: list[str], values: list[str]) -> None:
    facets = detect(text)

    assert marked(text, facets) == shown
    assert [one.value for one in facets] == values


def test_only_the_coalition_is_marked() -> None:
    text = "@uhrp.example.org and @stranger.example.org and @uhrp"

    facets = detect(text, coalition=["@UHRP.example.org", "uhrp"])

    assert marked(text, facets) == ["@uhrp.example.org"]


@pytest.mark.parametrize(
    ("text", "handles"),
    [
        ("@uhrp says", ["uhrp"]),
        ("by @name@mastodon.social.", ["name@mastodon.social"]),
        ("by @name.bsky.social, too", ["name.bsky.social"]),
        ("(@a)“@b”—@c/@d", ["a", "b", "c"]),
        ("＠name", ["name"]),
        ("نى@name", ["name"]),
        ("@a @b", ["a", "b"]),
        ("write to name@example.org", []),
        ("https://example.org/@name", []),
        ("https://example.org/a,@name", []),
        ("@ nobody", []),
    ],
)
def test_whoever_a_text_calls_is_found(text: str, handles: list[str]) -> None:
    assert [*find_mentions(text)] == handles


def test_links_of_every_platform_are_listed_once() -> None:
    text = f"{LETTER} bbc.com/x and {LETTER} 中文uhrp.org http://ab-c.nosuchdomain/x"

    assert find_links(text) == (
        LETTER,
        "https://bbc.com/x",
        "https://uhrp.org",
        "http://ab-c.nosuchdomain/x",
    )


def test_tags_are_listed_as_they_are_written() -> None:
    assert find_tags("#Uyghur text #HumanRights.") == ("Uyghur", "HumanRights")
