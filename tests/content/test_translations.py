"""A translation is quoted from its own approved file, and tied to the words it translates.

The text is article 1 of the Universal Declaration of Human Rights in its published translations.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.app.content import prove_files
from bot.checks.checking import CheckedContent
from bot.cli.content import preview_value
from bot.cli.main import run
from bot.cli.pull_request import ChangedPosts, write_summary
from bot.clock import FastClock
from tests.fakes.campaign_tree import NOW, TRANSLATED, CampaignTree, sha256_of
from tools.sample_cards import ENGLISH, UYGHUR_1

ENGLISH_FILE = f"{ENGLISH}\n"
UYGHUR_FILE = f"{UYGHUR_1}\n"


@pytest.fixture
def tree(tree: CampaignTree) -> CampaignTree:
    declared = {"date": "1948-12-10", "attribution": '"UDHR, December 10, 1948"'}
    tree.put_source("udhr", ENGLISH_FILE, **declared, graphic=f'["{ENGLISH}"]')
    translated = {**TRANSLATED, "translation_of": "udhr"}
    tree.put_source("udhr-ug", UYGHUR_FILE, **declared, lang="ug", **translated)
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


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "confirmed_by: [Tursun]",
            "",
            "missing; write who compared it with the original, and answe",
        ),
        (
            "confirmed_by: [Tursun]",
            "confirmed_by: []",
            "missing; write who compared it with the ori",
        ),
        ("translated_by: [Aygul]", "", "missing; write who translated it, such as `translated_by:"),
        ("translation_of: udhr", "", "says nothing here: this is no translation; take it away"),
    ],
)
def test_a_translation_names_who_made_it_and_who_answers_for_it(
    tree: CampaignTree, old: str, new: str, says: str
) -> None:
    tree.change("posts/sources/udhr-ug.yaml", old, new)

    assert any(says in each for each in tree.errors())


def proved(tree: CampaignTree) -> CheckedContent:
    content = prove_files(tree.schedule, tree.posts, clock=FastClock(NOW))
    assert content.errors == ()
    return content


@pytest.fixture
def quoted(tree: CampaignTree) -> CampaignTree:
    quoting(tree, f'  original: "{ENGLISH}"')
    tree.change("posts/p.yaml", "queue: main", "queue: main\n    warning: Rights")
    return tree


Change = Callable[[CampaignTree], None]


def _of_names(tree: CampaignTree) -> None:
    tree.change("posts/sources/udhr-ug.yaml", "[Tursun]", "[Somebody]")


def _of_translators(tree: CampaignTree) -> None:
    tree.change("posts/sources/udhr-ug.yaml", "[Aygul]", "[Somebody]")


def _of_the_original(tree: CampaignTree) -> None:
    tree.put("posts/sources/udhr.txt", f"{ENGLISH_FILE}And more.\n")
    now = sha256_of(f"{ENGLISH_FILE}And more.\n")
    tree.change("posts/sources/udhr.yaml", sha256_of(ENGLISH_FILE), now)


def _of_its_passage(tree: CampaignTree) -> None:
    tree.change("posts/p.yaml", ENGLISH, ENGLISH.rpartition(" ")[0])


@pytest.mark.parametrize("change", [_of_names, _of_translators, _of_the_original, _of_its_passage])
def test_a_change_of_either_side_or_of_who_answers_voids_the_approvals(
    quoted: CampaignTree, change: Change
) -> None:
    def fingerprint() -> str:
        whole = proved(quoted).rendered
        post = whole.campaign.post("p")
        assert post is not None
        return whole.fingerprint(post, "masto", None)

    before = fingerprint()
    assert fingerprint() == before

    change(quoted)

    assert fingerprint() != before


def test_preview_shows_both_in_their_own_marks(
    quoted: CampaignTree, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = proved(quoted).rendered
    post = whole.campaign.post("p")
    assert post is not None

    assert run(["preview", "p", *quoted.places(tmp_path / "none")]) == 0

    shown = " ".join(capsys.readouterr().out.split())
    assert f"original, udhr (en): “{ENGLISH}”" in shown
    assert f"translation, udhr-ug (ug): «{UYGHUR_1}»" in shown
    assert "Translated by Aygul. Compared with the original, and answered for, by Tursun." in shown
    beside = preview_value(post, whole)["beside"]
    assert isinstance(beside, list)
    assert [each["is"] for each in beside] == [
        "original", "translation",
    ]  # fmt: skip


def test_the_page_of_a_pull_request_has_them_beside_each_other(
    quoted: CampaignTree, tmp_path: Path
) -> None:
    write_summary(tmp_path / "page", (), ChangedPosts.between(None, proved(quoted)))

    page = (tmp_path / "page").read_text(encoding="utf-8")
    assert (
        "<tr><th>Original, <code>udhr</code></th><th>Translation, <code>udhr-ug</code></th></tr>"
        in page
    )
    assert f'<td><pre dir="ltr" lang="en">“{ENGLISH}”</pre></td>' in page
    assert f'<td><pre dir="rtl" lang="ug">«{UYGHUR_1}»</pre></td>' in page
    assert "answered for, by Tursun." in page
