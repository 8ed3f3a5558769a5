"""A translation is quoted from its own approved file, and tied to the words it translates.

The text is article 1 of the Universal Declaration of Human Rights in its published translations.
"""

import pytest

from tests.fakes.campaign_tree import CampaignTree, sha256_of
from tools.sample_cards import ENGLISH, UYGHUR_1

ENGLISH_FILE = f"{ENGLISH}\n"
UYGHUR_FILE = f"{UYGHUR_1}\n"

SOURCE = """\
file: {file}
sha256: {sha256}
title: Universal Declaration of Human Rights
attribution: "{attribution}"
date: 1948-12-10
lang: {lang}
signatories: [United Nations]
address:
{more}
"""


@pytest.fixture
def tree(tree: CampaignTree) -> CampaignTree:
    for name, text, lang, more in (
        ("udhr", ENGLISH_FILE, "en", f'graphic: ["{ENGLISH}"]'),
        ("udhr-ug", UYGHUR_FILE, "ug", "translation_of: udhr"),
    ):
        tree.put(f"posts/sources/{name}.txt", text)
        tree.put(
            f"posts/sources/{name}.yaml",
            SOURCE.format(
                file=f"{name}.txt", sha256=sha256_of(text), lang=lang, more=more,
                attribution="UDHR, December 10, 1948",
            ),
        )  # fmt: skip
    return tree


def quoting(tree: CampaignTree, *lines: str) -> None:
    body = [f'  text: "{UYGHUR_1}"', *lines]
    tree.put_post("quote:", "  source: udhr-ug", *body, "queue: main")


def test_a_translation_is_tied_to_the_words_it_translates(tree: CampaignTree) -> None:
    quoting(tree, f'  original: "{ENGLISH}"')

    post = tree.post("p")

    assert (post.lang, post.graphic) == ("ug", True)
    assert post.quote is not None
    assert post.quote.text == UYGHUR_1
    assert post.quote.translates is not None
    assert post.quote.translates.source == "udhr"
    [(start, end)] = post.quote.translates.fragments
    assert ENGLISH_FILE[start:end] == ENGLISH


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([], "is a translation of 'udhr'; add `original:`"),
        (['  original: "All human beings are born equal."'], "p.quote.original"),
    ],
)
def test_a_translation_without_its_original_is_no_quotation(
    tree: CampaignTree, lines: list[str], says: str
) -> None:
    quoting(tree, *lines)

    assert any(says in one for one in tree.errors())


def test_an_original_has_no_original(tree: CampaignTree) -> None:
    tree.put_post(
        "quote:", "  source: letter", '  text: "They are our mothers and fathers"',
        '  original: "They are our mothers and fathers"', "queue: main",
    )  # fmt: skip

    assert any("'letter' is no translation; take this away" in one for one in tree.errors())
